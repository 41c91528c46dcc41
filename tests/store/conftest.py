"""A real file for each test, and a store open on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from notifier.store import Store, open_store
from tests.postgres import PASSWORD, Server
from tests.store.looks import Clock
from tests.store.refusals import GUEST, changed, name_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where this test's database will be."""
    return f"sqlite:///{tmp_path / 'notifier.db'}"


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture(
    params=[
        pytest.param("url", id="sqlite"),
        pytest.param("postgres_url", id="postgresql"),
        pytest.param("pooled_url", id="pgbouncer"),
    ]
)
async def store(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Store]:
    """The store as `run` opens it, on either engine, and through a pool of connections."""
    url: str = request.getfixturevalue(request.param)
    async with open_store(url, exclusive=True, clock=clock) as opened:
        yield opened


@pytest.fixture
def guest(postgres_server: Server, postgres_url: str) -> Iterator[str]:
    """The URL of somebody who may log in, and nothing else."""
    postgres_server.sql(f"CREATE ROLE \"{GUEST}\" LOGIN PASSWORD '{PASSWORD}'")
    yield changed(postgres_url, username=GUEST)
    postgres_server.sql(f'DROP OWNED BY "{GUEST}"; DROP ROLE "{GUEST}"', name_of(postgres_url))
