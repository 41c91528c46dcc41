"""A real file for each test, and a store open on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifier.store import Store, open_store
from tests.store.looks import Clock


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where this test's database will be."""
    return f"sqlite:///{tmp_path / 'notifier.db'}"


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Store]:
    """The store as `run` opens it, on either engine."""
    url: str = request.getfixturevalue("url" if request.param == "sqlite" else "postgres_url")
    async with open_store(url, exclusive=True, clock=clock) as opened:
        yield opened
