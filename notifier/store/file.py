"""An SQLite file looked at before it is opened: whether it is ours to use, and nothing is touched."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import migrations
from notifier.store.sqlite import BUSY_TIMEOUT, reason

_MAGIC = b"SQLite format 3\0"
_OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""


def inspect(file: Path) -> str | None:
    """The schema revision of a file; None where there is nothing of ours yet. Writes nothing.

    Raises StoreUnusable where the file is no database of ours to use, StoreUnavailable where someone keeps it locked.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreUnusable(f"SQLite {sqlite3.sqlite_version} is too old; Python must come with 3.35 or newer")
    if not _holds_something(file):
        return None
    revision = _revision(file)
    if revision is not None and not migrations.known(revision):
        raise StoreUnusable(
            f"{file} was written by a newer version of notifier (schema {revision}, this one knows"
            f" {migrations.HEAD}); run that version, or name another database"
        )
    return revision


async def examine(file: Path) -> str:
    """One line on what `run` would find at a file. Raises what opening it would."""
    revision = await asyncio.to_thread(inspect, file)
    if revision is None:
        if not os.access(file.parent, os.W_OK):
            raise StoreUnusable(f"cannot write in {file.parent}; the service must own it")
        return f"{file} will be made"
    return f"{file} is in order" if revision == migrations.HEAD else f"{file} will be brought up to date"


async def ready(file: Path, *, exclusive: bool) -> bool:
    """Whether the file must be migrated first. Raises StoreUnusable where it cannot be used, or not by a guest."""
    revision = await asyncio.to_thread(inspect, file)
    if exclusive:
        return revision != migrations.HEAD
    if revision is None:
        raise StoreUnusable(f"there is no database at {file} yet; `notifier run` makes it")
    if revision != migrations.HEAD:
        raise StoreUnusable(f"{file} was written by an older version of notifier; `notifier run` brings it up to date")
    return False


def _holds_something(file: Path) -> bool:
    try:
        # For reading and writing, though nothing is written: the one honest question about permission.
        with file.open("r+b") as opened:
            head = opened.read(len(_MAGIC))
    except FileNotFoundError:
        if not file.parent.is_dir():
            raise StoreUnusable(f"there is no directory {file.parent}; create it, or name another database") from None
        return False
    except OSError as error:
        raise StoreUnusable(
            f"cannot write {file}: {error.strerror}; it must be a file that this user may write"
        ) from None
    if head and head != _MAGIC:
        raise StoreUnusable(f"{file} is not an SQLite database; name another file")
    return bool(head)


def _revision(file: Path) -> str | None:
    try:
        try:
            # A read-only connection: another would fold a write-ahead log that a newer version left behind.
            return _read_revision(file, "ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            # Whoever made the file was killed at it: half a transaction must be undone before anybody can read.
            return _read_revision(file, "rw")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreUnavailable(f"database {file}: {reason(error)}") from None
        raise StoreUnusable(f"cannot use {file}: {reason(error)}; mend it, or name another database") from None


def _read_revision(file: Path, mode: str) -> str | None:
    address = f"file:{quote(str(file.absolute()))}?mode={mode}"
    query = f"SELECT version_num FROM {migrations.VERSION_TABLE}"  # noqa: S608
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT)) as connection:
        named = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (migrations.VERSION_TABLE,))
        row = connection.execute(query).fetchone() if named.fetchone() else None
    return str(row[0]) if row else None
