"""Waiting by the monotonic clock: the distance between two messages, and moments that the store's clock has named."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Sequence
from typing import Any

from notifier.dispatch.holds import LONGEST


class Pace:
    """Keeps a distance between sends. `rate` is sends a second, 0 for no limit. Ticks are monotonic seconds."""

    def __init__(self, rate: float) -> None:
        self._distance = 1.0 / rate if rate > 0 else 0.0
        self._next = float("-inf")

    def wait(self, tick: float) -> float:
        """Seconds until the next send may begin."""
        return max(0.0, self._next - tick)

    def room(self, most: int) -> int:
        """How many sends may begin at once."""
        return min(most, 1) if self._distance else most

    def spend(self, tick: float) -> None:
        """A send begins now."""
        self._next = tick + self._distance


class Turns:
    """One after the other, at a pace, whoever asks. `rate` is turns a second, 0 for no limit."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._pace = Pace(rate)
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the next turn, first come first served."""
        async with self._queue:
            while (wait := self._pace.wait(self._clock())) > 0:
                await self._sleep(wait)
            self._pace.spend(self._clock())


class Waits:
    """Measures a wait once, by the store's clock, and then waits by the monotonic one.

    So a clock that is set, forward or back, neither ends a wait early nor makes it endless.
    """

    def __init__(self) -> None:
        self._over: dict[Hashable, tuple[float, float]] = {}

    def due(self, key: Hashable, at: float, now: float, tick: float) -> float:
        """When the moment `at` comes, in epoch seconds of the clock as it goes now."""
        known = self._over.get(key)
        if known is None or known[0] != at:
            known = self._over[key] = (at, tick + min(max(0.0, at - now), LONGEST))
        return now + max(0.0, known[1] - tick)

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forget every wait but these."""
        for key in self._over.keys() - set(keys):
            del self._over[key]


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, or as much of it as there is time for until `stop` is set. What it raises comes as a group."""
    async with asyncio.TaskGroup() as tasks:
        working, stopping = tasks.create_task(work), tasks.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()


async def first_of(waits: Sequence[Awaitable[Any]]) -> None:
    """Wait until one of these is done, and leave none behind."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
