"""The database behind the store: how it is found, how a transaction begins, and what its failures mean."""

import asyncio
import concurrent.futures
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)

from notifier.errors import StoreUnavailable, StoreUnusable

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's write transaction: below the grace of a stop."""

ANSWER_TIMEOUT = 30.0
"""Seconds to wait for a transaction in all: a disk or a mount that hangs must not hold up the loop for ever."""

READERS = 3
"""Threads that read while another writes."""

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
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"):
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


class Database:
    """One SQLite file: many read at a time, one writes, and every failure comes out as StoreUnavailable.

    A transaction is a plain function of a connection and runs as a whole in one thread: it comes to its end although
    its caller is cancelled, and changes threads once, where a driver for asyncio does so for each statement.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine = _engine(file)
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._reading = ThreadPoolExecutor(READERS, "store-reads")
        # Within the process writers queue for one thread: SQLite's own waiting polls, and is not fair.
        self._writing = ThreadPoolExecutor(1, "store-writes")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Work in a transaction that sees one state of the database and never takes the write lock."""
        return await self._done(self._reading, self._engine, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Work in a transaction that holds the write lock from its start; it commits at the end, or leaves no trace.

        Which of both is not known yet where it raises StoreUnavailable for want of an answer, or is cancelled.
        """
        return await self._done(self._writing, self._writer, work)

    async def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        await self._answer(self._writing.submit(self._engine.dispose))
        self._reading.shutdown(wait=False)
        self._writing.shutdown(wait=False)

    async def _done(self, threads: Executor, engine: Engine, work: Callable[[Connection], T]) -> T:
        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            return await self._answer(threads.submit(transaction))
        except _OUR_MISTAKES:
            raise
        except DBAPIError as error:
            raise StoreUnavailable(f"database {self.file}: {reason(error.orig)}") from None

    async def _answer(self, working: "concurrent.futures.Future[T]") -> T:
        """What the thread brings. A cancellation waits for it too, so that nothing is under way any more after it."""
        answer = asyncio.wrap_future(working)
        # What comes too late interests nobody any more; asyncio would complain of an error that nobody asked for.
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        try:
            await asyncio.wait({answer}, timeout=ANSWER_TIMEOUT)
        except asyncio.CancelledError:
            await _ended(answer)
            raise
        if not answer.done():
            raise StoreUnavailable(f"database {self.file}: it has not answered for {ANSWER_TIMEOUT:.0f} s")
        return answer.result()


async def _ended(answer: "asyncio.Future[Any]") -> None:
    """Wait for an answer as long as anybody does, however often we are cancelled meanwhile."""
    end = asyncio.get_running_loop().time() + ANSWER_TIMEOUT
    while not answer.done() and (left := end - asyncio.get_running_loop().time()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({answer}, timeout=left)


class Stored(Protocol):
    """What stands on a database."""

    _database: Database


S = TypeVar("S", bound=Stored)


def reading(work: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A method that is one reading transaction; it is called without the connection."""

    @wraps(work)
    async def transaction(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.read(lambda connection: work(self, connection, *args, **kwargs))

    return transaction


def writing(work: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A method that is one writing transaction; it is called without the connection."""

    @wraps(work)
    async def transaction(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.write(lambda connection: work(self, connection, *args, **kwargs))

    return transaction


def reason(error: BaseException | None) -> str:
    """SQLite's error in the words of an operator, else its own."""
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the error's kind, the rest its variety.
    known = _REASONS.get(code & 0xFF) if isinstance(code, int) else None
    return known or str(error).partition("\n")[0]


def _engine(file: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        # None: the driver begins nothing by itself, the event below does. Connections go from thread to thread.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None, "check_same_thread": False},
        # As many as there are threads: none of them ever waits for one.
        poolclass=QueuePool,
        pool_size=READERS + 1,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
