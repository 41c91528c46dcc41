"""What a watch does between two sweeps: it looks at the jobs that hints name, and at nothing else."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.model import Noted
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker
from notifier.ports import HintStore

log = structlog.get_logger()

AGAIN_SECONDS = 5.0
"""How long after a look that brought nothing another one is taken: events may be ahead of what Describe answers."""

LOOKS_AT_ONCE = 30
"""Looks of one round at most: at a call a second the next sweep waits for them so long."""

MOMENT = 0.001
"""Seconds by which a loop may wake up too soon: its clock has a resolution."""

HEED_SECONDS = 600.0
"""For one round in all; its calls have deadlines of their own."""


class Heeding:
    """Follows the hints for one scope. A hint is deleted once what it led to is committed, and not before.

    `bell` is rung when there are new ones; `selects` says which names are watched.
    """

    def __init__(self, store: HintStore, bell: asyncio.Event, selects: Callable[[str], bool]) -> None:
        self._store = store
        self._bell = bell
        self._selects = selects
        self._due = math.inf
        self._again: dict[Noted, float] = {}
        """Hints that brought nothing, and when they are followed once more. Times are the loop's."""

    async def called(self, seconds: float) -> bool:
        """Wait until there is something to look at, or so many seconds are over; whether there is."""
        now = asyncio.get_running_loop().time
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, max(0.0, self._due - now()))):
                await self._bell.wait()
        return self._bell.is_set() or now() + MOMENT >= self._due

    async def heed(self, ledger: Ledger, looker: Looker) -> None:
        """Follow the hints that are due. What fails is left for later: the sweeps see everything anyway."""
        self._bell.clear()
        # Where this round fails, and no bell rings, the hints are still there.
        self._due = asyncio.get_running_loop().time() + AGAIN_SECONDS
        try:
            async with asyncio.timeout(HEED_SECONDS):
                await self._follow(ledger, looker)
        except* LeaseLost:
            raise
        except* (StoreUnavailable, TimeoutError) as group:
            log.debug("hints could not be followed yet", region=ledger.scope.region, error=group)
        except* Exception as group:
            log.exception("hints could not be followed", region=ledger.scope.region, exc_info=group)

    async def _follow(self, ledger: Ledger, looker: Looker) -> None:
        clock = asyncio.get_running_loop().time
        noted, now = await self._store.noted(ledger.scope), clock()
        moments = {each: self._again.get(each, now + each.due) for each in noted}
        due = [each for each in noted if moments[each] <= now + MOMENT]
        due = sorted(due, key=_over(ledger))[:LOOKS_AT_ONCE]
        vain = await self._look([each for each in due if self._selects(each.name)], ledger, looker) if due else []
        again = {each: clock() + AGAIN_SECONDS for each in vain if each.prompt and each not in self._again}
        done = [each for each in due if each not in again]
        await self._store.heeded(ledger.scope, done)
        waiting = {each: moment for each, moment in (moments | again).items() if each not in done}
        self._again = {each: moment for each, moment in waiting.items() if each in self._again or each in again}
        self._due = min(waiting.values(), default=math.inf)

    async def _look(self, noted: Sequence[Noted], ledger: Ledger, looker: Looker) -> list[Noted]:
        """Look at these jobs, and commit what was seen; which of them brought nothing."""
        await ledger.settle()
        looker.begin()
        async with ledger.batching(looker.alive):
            async with asyncio.TaskGroup() as looks:
                looking = {each: looks.create_task(_told(each.name, ledger, looker)) for each in noted}
            await looker.tell_late()
            await ledger.flush()
        return [each for each, look in looking.items() if not look.result()]


async def _told(name: str, ledger: Ledger, looker: Looker) -> bool:
    """Look at one job, and commit what was seen before the next one's turn comes; whether it was anything."""
    found = await looker.hinted(name)
    await ledger.flush()
    return found


def _over(ledger: Ledger) -> Callable[[Noted], bool]:
    """Whether a hint is about a job that has ended, as far as is known: late ones are many, and hold up no other."""
    known = {identity.name for identity in ledger.jobs}
    going = {identity.name for identity in ledger.unfinished}
    over = known - going
    return lambda each: each.name.lower() in over
