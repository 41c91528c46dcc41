"""Other sessions at the same PostgreSQL, and our own stopped between two statements: how races are made to happen."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from notifier.store import Store

BOUND = 15.0
"""Real seconds after which a test gives up waiting."""


@contextmanager
def session(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """Another session in the midst of a transaction, rolled back at the end of the block."""
    connection = psycopg.connect(url)
    try:
        yield connection
    finally:
        connection.close()


def lock(other: "psycopg.Connection[Any]", duty: str) -> None:
    """What a commit under a lease does first, and a hanging one goes on doing."""
    found = other.execute("SELECT token FROM notifier_leases WHERE duty = %s FOR SHARE", (duty,)).fetchone()
    assert found is not None


async def waiting(url: str) -> None:
    """Wait until some session waits for another's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(BOUND):
        while not await asyncio.to_thread(_asked, url, query):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.01)


def _asked(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


class Pause:
    """A transaction that has come to a certain statement, and waits there."""

    def __init__(self) -> None:
        self._come = threading.Event()
        self._go = threading.Event()

    def stop(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        """Called in the transaction's thread."""
        if self._begins and statement.startswith(self._begins):
            self._begins = ""
            self._come.set()
            assert self._go.wait(BOUND), "nobody let it go on"

    _begins = ""

    def before(self, statement: str) -> None:
        """Stop at the next statement that begins like this."""
        self._begins = statement

    async def come(self) -> None:
        """Wait until it has come there."""
        assert await asyncio.to_thread(self._come.wait, BOUND), "it never came there"

    def go(self) -> None:
        """Let it go on."""
        self._go.set()


@asynccontextmanager
async def paused(store: Store, before: str) -> AsyncIterator[Pause]:
    """Stop this store's next transaction before a statement that begins with these words."""
    engine, pause = store.leases._database.backend.writer, Pause()
    pause.before(before)
    event.listen(engine, "before_cursor_execute", pause.stop)
    try:
        yield pause
    finally:
        pause.go()
        event.remove(engine, "before_cursor_execute", pause.stop)
