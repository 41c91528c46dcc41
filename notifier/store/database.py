"""A database, whichever engine is behind it: transactions that run in threads, and failures in one line."""

import asyncio
import concurrent.futures
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Double, Engine, cast, extract, func, select
from sqlalchemy.exc import DBAPIError

from notifier.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_TIMEOUT = 30.0
"""Seconds to wait for a transaction in all: a disk or a server that hangs must not hold up the loop for ever."""

CANCELLED_TIMEOUT = 1.0
"""Seconds that a cancelled caller waits for its transaction. One that hangs must not hold up the end of other work."""

_EPOCH = select(cast(extract("epoch", func.clock_timestamp()), Double))

TURN_SECONDS = 0.0001
"""A thread that waits for its turn gets it after so long. Python's own 5 ms would be waited after each statement of a
transaction beside a busy loop: a tenth of a second for a commit of a few milliseconds.
"""

READERS = 3
"""Threads that read while others write."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What one engine does in its own way.

    `place` says which database it is, without a password, and `file` is its file, if it is one. `begin` makes a
    transaction, which ends with its block: of `reader`, or of `writer`, as those begin that write; so many `writers`
    may be under way. `close` closes every connection.
    `reason` says what is wrong in the words of an operator, or None where it is a mistake of ours. `clock` is the
    store's time where that is this machine's; `shared`: several workers may use it.
    """

    place: str
    reader: Engine
    writer: Engine
    begin: Callable[[Engine], AbstractContextManager[Connection]]
    close: Callable[[], None]
    writers: int
    reason: Callable[[DBAPIError], str | None]
    shared: bool
    clock: Callable[[], float] | None = None
    file: Path | None = None


class Database:
    """Many read at a time, some write, and every failure comes out as StoreUnavailable.

    A transaction is a plain function of a connection and runs as a whole in one thread: it comes to its end although
    its caller is cancelled, and changes threads once, where a driver for asyncio does so for each statement.
    """

    def __init__(self, backend: Backend) -> None:
        sys.setswitchinterval(min(TURN_SECONDS, sys.getswitchinterval()))
        self.backend = backend
        self._reading = ThreadPoolExecutor(READERS, "store-reads")
        # Where others wait for a sign of life, none of our own commits may hold it up. Alone nobody waits for it.
        urgent = 1 if backend.shared else 0
        self._writing = ThreadPoolExecutor(backend.writers - urgent, "store-writes")
        self._urgent = ThreadPoolExecutor(urgent, "store-leases") if urgent else self._writing

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Work in a transaction that changes nothing, and keeps nobody from writing."""
        return await self._done(self._reading, self.backend.reader, work)

    async def write(self, work: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """Work in a transaction that commits at the end, or leaves no trace.

        Which of both is not known yet where it raises StoreUnavailable for want of an answer, or is cancelled.
        `urgent`: it does not queue behind what else is being written, where several may write.
        """
        return await self._done(self._urgent if urgent else self._writing, self.backend.writer, work)

    async def time(self) -> float:
        """The store's time, epoch seconds."""
        clock = self.backend.clock
        return clock() if clock else await self.read(self.now)

    def now(self, connection: Connection) -> float:
        """The store's time, epoch seconds, inside a transaction; it goes on while that lasts."""
        clock = self.backend.clock
        return clock() if clock else float(connection.execute(_EPOCH).scalar_one())

    async def close(self) -> None:
        """Close every connection."""
        await self._answer(self._writing.submit(self.backend.close))
        self._reading.shutdown(wait=False)
        self._writing.shutdown(wait=False)
        self._urgent.shutdown(wait=False)

    async def _done(self, threads: Executor, engine: Engine, work: Callable[[Connection], T]) -> T:
        begin = self.backend.begin

        def transaction() -> T:
            with begin(engine) as connection:
                return work(connection)

        try:
            return await self._answer(threads.submit(transaction))
        except DBAPIError as error:
            reason = self.backend.reason(error)
            if reason is None:
                raise
            raise StoreUnavailable(f"database {self.backend.place}: {reason}") from None

    async def _answer(self, working: "concurrent.futures.Future[T]") -> T:
        """What the thread brings. A cancellation waits a moment for it: seldom is anything under way after that."""
        answer = asyncio.wrap_future(working)
        # What comes too late interests nobody any more; asyncio would complain of an error that nobody asked for.
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        try:
            await asyncio.wait({answer}, timeout=ANSWER_TIMEOUT)
        except asyncio.CancelledError:
            await _ended(answer)
            raise
        if not answer.done():
            raise StoreUnavailable(f"database {self.backend.place}: it has not answered for {ANSWER_TIMEOUT:.0f} s")
        return answer.result()


async def _ended(answer: "asyncio.Future[Any]") -> None:
    """Wait a moment for an answer, however often we are cancelled meanwhile."""
    end = asyncio.get_running_loop().time() + CANCELLED_TIMEOUT
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


def urgent(work: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A method that is one writing transaction which does not queue behind others; called without the connection."""

    @wraps(work)
    async def transaction(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.write(lambda connection: work(self, connection, *args, **kwargs), urgent=True)

    return transaction
