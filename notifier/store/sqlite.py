"""SQLite: one file, found by its URL; how a transaction begins there, and what its failures mean."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError

from notifier.errors import StoreUnusable
from notifier.store.database import Backend
from notifier.store.prepared import driver_of

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's write transaction: below the grace of a stop."""

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


def sqlite_file(url: URL) -> Path:
    """The file that a database URL names, else StoreUnusable; no text holds the URL, for it may hold a password."""
    if url.host or url.username or url.password or url.port:
        raise StoreUnusable(
            "an SQLite URL names a file, not a host; write three slashes, or four for /an/absolute/path"
        )
    if not url.database or url.database == ":memory:":
        raise StoreUnusable("the database URL names no file; in memory, a restart would forget what is owed")
    if url.query:
        raise StoreUnusable("an SQLite URL takes no parameters here; leave out everything from the question mark on")
    return Path(url.database)


def sqlite(file: Path, clock: Callable[[], float]) -> Backend:
    """The database in a file. Within the process writers queue for one thread: SQLite's own waiting is not fair."""
    engine, kept = _engine(file), Kept()
    return Backend(
        place=str(file),
        file=file,
        reader=engine,
        writer=engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}),
        begin=kept.begin,
        close=kept.close,
        writers=1,
        reason=lambda error: None if isinstance(error, _OUR_MISTAKES) else reason(error.orig),
        shared=False,
        clock=clock,
    )


def reason(error: BaseException | None) -> str:
    """SQLite's error in the words of an operator, else its own."""
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the error's kind, the rest its variety.
    known = _REASONS.get(code & 0xFF) if isinstance(code, int) else None
    return known or str(error).partition("\n")[0]


class Kept:
    """A connection for each thread, kept open; transactions on it are begun and ended by the driver itself.

    A pool that lends it, and SQLAlchemy's own begin and commit, take ten times longer than SQLite does for them.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._idle: set[Connection] = set()
        self._closed = False

    @contextmanager
    def begin(self, engine: Engine) -> Iterator[Connection]:
        """One transaction, of this thread. Raises DBAPIError; whatever goes wrong, the connection is kept no longer."""
        connection: Connection = getattr(self._own, "connection", None) or self._connect(engine)
        self._idle.discard(connection)
        try:
            driver = driver_of(connection)
            driver.execute(engine.get_execution_options().get(_BEGIN, "BEGIN"))
            yield connection
            driver.execute("COMMIT")
        except BaseException as error:
            self._own.connection = None
            # Closed without a commit it leaves no trace.
            connection.invalidate()
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise DBAPIError.instance(
                    None, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
                ) from error
            raise
        self._idle.add(connection)
        if self._closed:
            self._drop(connection)

    def close(self) -> None:
        """Close every connection; one that is in use, when it is not any more."""
        self._closed = True
        for connection in list(self._idle):
            self._drop(connection)

    def _connect(self, engine: Engine) -> Connection:
        connection = self._own.connection = engine.connect()
        # For SQLAlchemy all that follows is one transaction, which never ends: it begins and commits nothing.
        connection.begin()
        return connection

    def _drop(self, connection: Connection) -> None:
        # Whoever takes it from the set closes it.
        try:
            self._idle.remove(connection)
        except KeyError:
            return
        connection.close()


def _engine(file: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        # None: the driver begins nothing by itself. A thread may close another's connection.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None, "check_same_thread": False},
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
