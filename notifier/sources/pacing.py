"""How often one operation may be asked: never above the rate, slower while AWS throttles, and not all in a moment."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

_STEPS = 32
"""How many steps lie between a standstill and the full rate: the slowest rate is one step, a success adds one."""

ROUNDS = 2
"""Rounds of the loop from one call to the next: what has been seen is on its way to a receiver in about so many."""


class Turnstile:
    """Lets one through in some rounds of the loop, first come first served.

    However many calls of all scopes could begin in one moment, and be answered in another, everything else has its
    turns between any two of them: the pages, the deliveries, a sign of life.
    """

    def __init__(self) -> None:
        self._queue = asyncio.Lock()

    async def pass_through(self) -> None:
        """Wait for one's turn."""
        async with self._queue:
            for _ in range(ROUNDS):
                await asyncio.sleep(0)


class Pace:
    """The turns of one operation in one account and region.

    Between two turns lies at least 1 / rate seconds, so that no burst ever leaves: AWS fails bursts far below the
    average it allows. A throttled call halves the rate, each success adds a step until the full rate is back.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        turnstile: Turnstile | None = None,
    ) -> None:
        """`rate` is turns a second at most, above 0; infinity does not pace. The `turnstile` is shared with others."""
        self.rate = rate
        self._full = rate
        self._clock = clock
        self._sleep = sleep
        self._last = -math.inf
        self._slowed = -math.inf
        self._queue = asyncio.Lock()
        self._turnstile = turnstile

    async def turn(self) -> float:
        """Wait for the next turn, first come first served, and say when it came. A cancelled wait takes no turn."""
        async with self._queue:
            # The rate may change during the sleep, hence the second look.
            while self._clock() < (due := self._last + 1 / self.rate):
                await self._sleep(due - self._clock())
            if self._turnstile is not None:
                await self._turnstile.pass_through()
            self._last = self._clock()
            return self._last

    def throttled(self, turn: float) -> None:
        """AWS throttled the call that had this turn."""
        # Calls that were under way together are throttled together: that is one reason to slow down, not many.
        if turn >= self._slowed:
            self.rate = max(self._full / _STEPS, self.rate / 2)
            self._slowed = self._clock()

    def succeeded(self) -> None:
        """AWS answered a call."""
        self.rate = min(self._full, self.rate + self._full / _STEPS)
