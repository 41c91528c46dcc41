"""The database behind the store: how it is found, how a transaction begins, and what its failures mean."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from notifier.errors import StoreUnavailable, StoreUnusable

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's write transaction: below the grace of a stop."""

POOL_TIMEOUT = 30.0
CONNECTIONS = 4
"""One writes; the rest let reads go on meanwhile."""

_BEGIN = "notifier_begin"
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
_REASONS = {
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_IOERR: "the disk reports an I/O error",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database",
}


def sqlite_file(url: str) -> Path:
    """The file that a database URL names, else StoreUnusable; no text holds the URL, for it may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnusable("the database URL cannot be read; write sqlite:///path/to/notifier.db") from None
    if parsed.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise StoreUnusable(
            f"this version stores in SQLite, not in {parsed.drivername}; write sqlite:///path/to/notifier.db"
        )
    if parsed.host or parsed.username or parsed.password or parsed.port:
        raise StoreUnusable(
            "an SQLite URL names a file, not a host; write three slashes, or four for /an/absolute/path"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise StoreUnusable("the database URL names no file; in memory, a restart would forget what is owed")
    if parsed.query:
        raise StoreUnusable("an SQLite URL takes no parameters here; leave out everything from the question mark on")
    return Path(parsed.database)


def uninterrupted(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Work that comes to its end although its caller is cancelled; the cancellation waits for it, then goes on.

    Cancelled below a statement, the driver would leave the connection, its transaction and the write lock to the
    garbage collector. Everything so marked is one transaction, bounded by BUSY_TIMEOUT, and never a loop of them.
    """

    @wraps(work)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.create_task(work(*args, **kwargs), name=f"store: {work.__name__}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await _ended(task)
            raise

    return whole


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Wait for the task's end, however often we are cancelled meanwhile; what it brought interests nobody any more."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


class Database:
    """One SQLite file: many read at a time, one writes, and every failure comes out as StoreUnavailable."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine = _engine(file)
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        # Within the process writers queue here: SQLite's own waiting polls, and is not fair.
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database and never takes the write lock."""
        with self._explained():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its start; it commits at the end, or leaves no trace."""
        with self._explained():
            async with self._writing, self._writer.begin() as connection:
                yield connection

    @uninterrupted
    async def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        await self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _OUR_MISTAKES:
            raise
        except DBAPIError as error:
            raise StoreUnavailable(f"database {self.file}: {reason(error.orig)}") from None
        except PoolTimeout:
            raise StoreUnavailable(f"database {self.file}: it has not answered for {POOL_TIMEOUT:.0f} s") from None


def reason(error: BaseException | None) -> str:
    """SQLite's error in the words of an operator, else its own."""
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the error's kind, the rest its variety.
    known = _REASONS.get(code & 0xFF) if isinstance(code, int) else None
    return known or str(error).partition("\n")[0]


def _engine(file: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(file)),
        # None: the driver begins nothing by itself, the event below does.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
