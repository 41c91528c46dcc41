"""What the tests of several parts share: a PostgreSQL, started once, with a database for each test."""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import settings

from tests.pgbouncer import pooling
from tests.postgres import REQUIRED, Server, binaries, serving

_numbers = count(1)

# Tests never time: on a busy machine an example may take as long as it likes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real server, for all tests that need one."""
    if binaries() is None:
        missing = "PostgreSQL is not installed (Debian: apt-get install postgresql): half of the store is NOT tested"
        if os.environ.get(REQUIRED):
            pytest.fail(missing)
        pytest.skip(missing)
    with serving() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """An empty database."""
    name = f"notifier{next(_numbers)}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def pgbouncer_port(postgres_server: Server) -> Iterator[int]:
    """Where a PgBouncer before the server listens, in transaction mode."""
    with pooling(postgres_server) as port:
        yield port


@pytest.fixture
def pooled_url(postgres_server: Server, postgres_url: str, pgbouncer_port: int) -> str:
    """The same empty database, through PgBouncer."""
    return postgres_url.replace(f":{postgres_server.port}/", f":{pgbouncer_port}/")
