"""A SageMaker, a webhook receiver, and the service between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pipeline.sagemaker import SageMaker
from tests.service.process import Hook, Notifier, hooking, notifying


@pytest.fixture
async def sagemaker() -> AsyncIterator[SageMaker]:
    async with SageMaker.running() as service:
        service.live = True
        yield service


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hooking() as receiver:
        yield receiver


@pytest.fixture
async def notifier(tmp_path: Path, sagemaker: SageMaker, hook: Hook) -> AsyncIterator[Notifier]:
    async with notifying(tmp_path, sagemaker.url, hook) as service:
        yield service
