"""The durable store: what we know and what we owe, in one SQLite file, committed together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from notifier.store import opening
from notifier.store.desk import Depth, Desk, Letter
from notifier.store.engine import Database, sqlite_file
from notifier.store.lock import RunLock
from notifier.store.opening import mend, migrate, ready
from notifier.store.outbox import SqlOutboxStore
from notifier.store.schema import State
from notifier.store.upkeep import Upkeep
from notifier.store.watch import SqlWatchStore

__all__ = [
    "Depth",
    "Desk",
    "Letter",
    "SqlOutboxStore",
    "SqlWatchStore",
    "State",
    "Store",
    "Upkeep",
    "examine",
    "open_store",
]


@dataclass(frozen=True, slots=True)
class Store:
    """The open store, by who uses it: the watch loop, the deliver loop, people, and the housekeeping."""

    file: Path
    watch: SqlWatchStore
    outbox: SqlOutboxStore
    desk: Desk
    upkeep: Upkeep


@asynccontextmanager
async def open_store(url: str, *, exclusive: bool, clock: Callable[[], float] = time.time) -> AsyncIterator[Store]:
    """Open the store at `sqlite:///…` until the end of the block.

    `exclusive` is for `run`: it takes the lock of the file, brings the schema up to date, and owes again what was
    under way when the last run died. Others open it beside a running service, and make nothing. `clock` is the
    store's time in epoch seconds.

    Raises StoreUnusable where the file cannot be used, and leaves it as it was; StoreUnavailable where it does not
    answer now.
    """
    file = sqlite_file(url)
    lock = RunLock(file)
    try:
        stale = await ready(file, exclusive=exclusive)
        if exclusive:
            lock.take()
            # Whoever held the lock until now may have migrated meanwhile.
            stale = await ready(file, exclusive=True)
        async with _connected(file) as database:
            if stale:
                await migrate(database)
            if exclusive:
                await mend(database)
            yield Store(
                file,
                SqlWatchStore(database, clock),
                SqlOutboxStore(database, clock),
                Desk(database, clock),
                Upkeep(database, clock),
            )
    finally:
        lock.release()


async def examine(url: str) -> str:
    """One line on the database that `run` would find. Touches nothing; raises what opening it would."""
    return await opening.examine(sqlite_file(url))


@asynccontextmanager
async def _connected(file: Path) -> AsyncIterator[Database]:
    database = Database(file)
    try:
        yield database
    finally:
        await database.close()
