"""A simulated SageMaker on loopback, and aiobotocore's real client for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig

from notifier.simulator.loopback import serving
from notifier.simulator.sagemaker import SageMaker
from notifier.sources.client import new_session

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
async def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Serve a simulated SageMaker and give a client of it: `await connect(sagemaker, "sts")`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    session = new_session()
    async with AsyncExitStack() as stack:

        async def connected(
            sagemaker: SageMaker, service: str = "sagemaker", region: str = "us-east-1", **keys: Any
        ) -> Any:
            address = await stack.enter_async_context(serving(sagemaker.app(), "127.0.0.1"))
            config = AioConfig(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=5, read_timeout=5)
            return await stack.enter_async_context(
                session.create_client(service, region_name=region, endpoint_url=address, config=config, **keys)
            )

        yield connected


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session
