"""What is done to the workers and to their database while the soak lasts."""

import asyncio
import math
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from soak.workers import Worker
from tests.postgres import Server

KILL, STOP, SUSPEND, CRASH = "kill -9", "SIGTERM", "SIGSTOP", "PostgreSQL crashed"
OUTAGE = 3.0
"""Seconds for which PostgreSQL stays away after its crash."""


@dataclass(slots=True)
class Harm:
    """One deed: to which process, from when to when (epoch seconds; both alike for a kill)."""

    what: str
    worker: str
    begins: float
    ends: float


@dataclass
class Harming:
    """Kills a worker every so many seconds, stops or suspends one now and then, and crashes the database once.

    A suspended worker sleeps for longer than `lease` seconds.
    """

    workers: Sequence[Worker]
    server: Server
    seconds: float
    lease: float
    seed: int
    kill_every: float = 10.0
    done: list[Harm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    async def run(self) -> None:
        """All of it. At its end nobody sleeps any more, and the database is there."""
        often = self.kill_every
        async with asyncio.TaskGroup() as deeds:
            deeds.create_task(self._every(often, often, self._kill), name="kill")
            deeds.create_task(self._every(3.5 * often, 6 * often, self._stop), name="stop")
            deeds.create_task(self._every(1.5 * often, 6 * often, self._suspend), name="suspend")
            deeds.create_task(self._every(self.seconds / 2, self.seconds, self._crash), name="crash")

    async def _every(self, first: float, often: float, deed: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        due, end = loop.time() + first, loop.time() + self.seconds
        while due <= end:
            await asyncio.sleep(due - loop.time())
            await deed()
            due += often

    async def _kill(self) -> None:
        async with self._somebody(KILL) as (worker, harm):
            harm.ends = harm.begins
            await worker.end(signal.SIGKILL)
            await worker.start()

    async def _stop(self) -> None:
        async with self._somebody(STOP) as (worker, _):
            await worker.end(signal.SIGTERM)
            await worker.start()

    async def _suspend(self) -> None:
        async with self._somebody(SUSPEND) as (worker, _):
            worker.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(self.lease + self._dice.uniform(1.0, 4.0))
            finally:
                worker.signal(signal.SIGCONT)

    async def _crash(self) -> None:
        harm = Harm(CRASH, "", time.time(), math.inf)
        self.done.append(harm)
        await asyncio.to_thread(self.server.stop)
        await asyncio.sleep(OUTAGE)
        await asyncio.to_thread(self.server.start)
        harm.ends = time.time()

    @asynccontextmanager
    async def _somebody(self, what: str) -> AsyncIterator[tuple[Worker, Harm]]:
        """A worker that nothing is being done to, and the note of what is."""
        while not (idle := [each for each in self.workers if not each.busy]):  # noqa: ASYNC110 - a glance will do
            await asyncio.sleep(0.1)
        worker = self._dice.choice(idle)
        harm = Harm(what, worker.name, time.time(), math.inf)
        worker.busy = True
        self.done.append(harm)
        try:
            yield worker, harm
        finally:
            worker.busy = False
            harm.ends = min(harm.ends, time.time())
