"""SQLite: one file, found by its URL; how a transaction begins there, and what its failures mean."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, IntegrityError, NotSupportedError, ProgrammingError

from notifier.errors import StoreUnusable
from notifier.store.database import READERS, Backend

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
    engine = _engine(file)
    return Backend(
        place=str(file),
        file=file,
        reader=engine,
        writer=engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}),
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
