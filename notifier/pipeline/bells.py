"""Who wakes whom: one worker hears a hint, another watches its scope, and a third may send what it leads to."""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from notifier.errors import StoreUnavailable
from notifier.model import Place
from notifier.pipeline.pace import first_of
from notifier.ports import HintStore

log = structlog.get_logger()

LOOK_SECONDS = 0.5
"""How long what another worker heard, or owes since, may wait to be seen: an event waits for both, one after the other.

Two small queries for all that a worker does.
"""


class Outbox(Protocol):
    """What is looked at to see that somebody owes something new. Raises StoreUnavailable."""

    async def newest(self) -> int | None:
        """The number of the newest row, whoever it is owed to; None where there is none."""
        ...


class Bells:
    """A bell for each place that is watched here. What this worker hears rings at once."""

    def __init__(self, hints: HintStore, outbox: Outbox, owed: Callable[[], None]) -> None:
        """`owed` wakes the deliveries done here."""
        self._hints = hints
        self._outbox = outbox
        self._owed = owed
        self._bells: dict[Place, asyncio.Event] = {}
        self._newest: dict[Place, float] = {}
        self._newest_owed: int | None = None

    def bell(self, place: Place) -> asyncio.Event:
        """The bell of a place. It has rung already: there may be hints from before."""
        bell = self._bells[place] = asyncio.Event()
        bell.set()
        return bell

    def silence(self, place: Place) -> None:
        """The place is no longer watched here."""
        self._bells.pop(place, None)

    def ring(self, places: Collection[Place]) -> None:
        """There are hints for these, each with its account."""
        for place, bell in self._bells.items():
            # Where no setting names the account, it is not known here whose hints these are: a look will tell.
            if place in places or (place.account is None and any(each.region == place.region for each in places)):
                bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ring for what other workers heard, and wake for what they owe, until `stop` is set."""
        while not stop.is_set():
            try:
                await self._look_for_hints()
                await self._look_for_owed()
            except StoreUnavailable as error:
                log.debug("cannot see what other workers heard or owe", error=str(error))
            await first_of([stop.wait(), asyncio.sleep(LOOK_SECONDS)])

    async def _look_for_hints(self) -> None:
        if not self._bells:
            return
        newest = await self._hints.newest()
        self.ring({place for place, at in newest.items() if self._newest.get(place) != at})
        self._newest = newest

    async def _look_for_owed(self) -> None:
        newest = await self._outbox.newest()
        # A row that was numbered before this one and committed after it is found by the deliveries' own looks.
        if newest != self._newest_owed:
            self._newest_owed = newest
            self._owed()
