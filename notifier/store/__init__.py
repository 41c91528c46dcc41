"""The durable store: what we know and what we owe, committed together, in one SQLite file or a PostgreSQL database."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from notifier.store import opening
from notifier.store.cards import SqlCardStore
from notifier.store.daily import SqlDailyStore
from notifier.store.desk import Depth, Desk, Letter
from notifier.store.hints import SqlHintStore
from notifier.store.leases import SqlLeaseStore
from notifier.store.outbox import SqlOutboxStore
from notifier.store.schema import State
from notifier.store.silences import Silences
from notifier.store.upkeep import Upkeep
from notifier.store.watch import SqlWatchStore

__all__ = [
    "Depth",
    "Desk",
    "Letter",
    "Silences",
    "SqlCardStore",
    "SqlDailyStore",
    "SqlHintStore",
    "SqlLeaseStore",
    "SqlOutboxStore",
    "SqlWatchStore",
    "State",
    "Store",
    "Upkeep",
    "examine",
    "holder",
    "open_store",
]


@dataclass(frozen=True, slots=True)
class Store:
    """The open store, by who uses it: the watch and the deliver loop, cards, workers, hints, people, the housekeeping.

    `place` says which database it is, without a password, and `file` its file, if it is one; `shared`, whether several
    workers may run on it.
    """

    place: str
    file: Path | None
    shared: bool
    watch: SqlWatchStore
    outbox: SqlOutboxStore
    cards: SqlCardStore
    daily: SqlDailyStore
    leases: SqlLeaseStore
    hints: SqlHintStore
    silences: Silences
    desk: Desk
    upkeep: Upkeep


@asynccontextmanager
async def open_store(url: str, *, exclusive: bool, clock: Callable[[], float] | None = None) -> AsyncIterator[Store]:
    """Open the store at `sqlite:///…` or `postgresql://…` until the end of the block.

    `exclusive` is for `run`: it takes the lock of the file (PostgreSQL is shared by any number of workers) and brings
    the schema up to date. Others open it beside a running service, and make nothing. `clock` is the store's time in
    epoch seconds, else this machine's for SQLite, and the server's for PostgreSQL.

    Raises StoreUnusable where the database cannot be used, and leaves it as it was; StoreUnavailable where it does not
    answer now.
    """
    async with opening.opened(url, exclusive=exclusive, clock=clock) as database:
        yield Store(
            database.backend.place,
            database.backend.file,
            database.backend.shared,
            SqlWatchStore(database),
            SqlOutboxStore(database),
            SqlCardStore(database),
            SqlDailyStore(database),
            SqlLeaseStore(database),
            SqlHintStore(database),
            Silences(database),
            Desk(database),
            Upkeep(database),
        )


async def examine(url: str) -> str:
    """One line on the database that `run` would find. Touches nothing; raises what opening it would."""
    return await opening.examine(url)


async def holder(url: str) -> str | None:
    """Who runs on the database now and admits nobody else, in words; None where `run` may begin."""
    return await opening.holder(url)
