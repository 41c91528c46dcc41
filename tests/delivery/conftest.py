"""The session and the receiver that tests of destinations share."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from notifier.delivery import open_http
from tests.delivery.receiver import Receiver, receiving


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http() as session:
        yield session


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running
