"""Opening the store that a URL names: look first and touch nothing, then lock, migrate, and mend what a crash left."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, delete, true
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import file, migrations, server
from notifier.store.database import Database
from notifier.store.leases import owe_again
from notifier.store.lock import RunLock
from notifier.store.postgres import is_postgres, postgres
from notifier.store.schema import workers
from notifier.store.sqlite import sqlite, sqlite_file

T = TypeVar("T")

_SQLITE = {"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"}


def read_url(url: str) -> URL:
    """A database URL of an engine that we know. Raises StoreUnusable; its text never holds the URL, nor a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnusable(
            "the database URL cannot be read; write sqlite:///path/to/notifier.db or postgresql://user@host/database"
        ) from None
    if parsed.drivername not in _SQLITE and not is_postgres(parsed):
        raise StoreUnusable(
            f"notifier stores in SQLite or PostgreSQL, not in {parsed.drivername}; write"
            " sqlite:///path/to/notifier.db or postgresql://user@host/database"
        )
    return parsed


@asynccontextmanager
async def opened(url: str, *, exclusive: bool, clock: Callable[[], float] | None) -> AsyncIterator[Database]:
    """The database until the end of the block; see `open_store`."""
    parsed = read_url(url)
    opening = _postgres(parsed, exclusive, clock) if is_postgres(parsed) else _sqlite(parsed, exclusive, clock)
    async with opening as database:
        yield database


async def examine(url: str) -> str:
    """One line on the database that `run` would find. Touches nothing; raises what opening it would."""
    parsed = read_url(url)
    if not is_postgres(parsed):
        return await file.examine(sqlite_file(parsed))
    async with _connected(Database(postgres(parsed))) as database:
        return f"{database.backend.place}: {await database.read(_named(database, server.examine))}"


async def holder(url: str) -> str | None:
    """Who runs on the database now and admits nobody else, in words; None where `run` may begin."""
    parsed = read_url(url)
    return None if is_postgres(parsed) else await asyncio.to_thread(RunLock(sqlite_file(parsed)).holder)


@asynccontextmanager
async def _postgres(url: URL, exclusive: bool, clock: Callable[[], float] | None) -> AsyncIterator[Database]:
    async with _connected(Database(replace(postgres(url), clock=clock))) as database:
        await database.write(_named(database, server.prepare if exclusive else server.visit))
        yield database


def _named(database: Database, look: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """The same look, whose refusals say which database it was."""

    def named(connection: Connection) -> T:
        try:
            return look(connection)
        except (StoreUnavailable, StoreUnusable) as error:
            raise type(error)(f"database {database.backend.place}: {error}") from None

    return named


@asynccontextmanager
async def _sqlite(url: URL, exclusive: bool, clock: Callable[[], float] | None) -> AsyncIterator[Database]:
    path = sqlite_file(url)
    lock = RunLock(path)
    try:
        stale = await file.ready(path, exclusive=exclusive)
        if exclusive:
            lock.take()
            # Whoever held the lock until now may have migrated meanwhile.
            stale = await file.ready(path, exclusive=True)
        async with _connected(Database(sqlite(path, clock or time.time))) as database:
            if stale:
                await database.write(migrations.upgrade)
            if exclusive:
                await database.write(_nobody_else)
            yield database
    finally:
        lock.release()


def _nobody_else(connection: Connection) -> None:
    """Whoever worked here before is gone: its lock was free."""
    connection.execute(delete(workers))
    owe_again(connection, true())


@asynccontextmanager
async def _connected(database: Database) -> AsyncIterator[Database]:
    try:
        yield database
    finally:
        await database.close()
