"""Who wakes whom: hints are heard by one worker, and followed where their scope is watched."""

import asyncio
from collections.abc import Collection

import structlog

from notifier.errors import StoreUnavailable
from notifier.model import Place
from notifier.pipeline.pace import first_of
from notifier.ports import HintStore

log = structlog.get_logger()

LOOK_SECONDS = 1.0
"""How long what another worker heard may wait to be seen: one small query for all scopes of a worker."""


class Bells:
    """A bell for each place that is watched here. What this worker hears rings at once."""

    def __init__(self, store: HintStore) -> None:
        self._store = store
        self._bells: dict[Place, asyncio.Event] = {}
        self._newest: dict[Place, float] = {}

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
        """Ring for what other workers heard, until `stop` is set."""
        while not stop.is_set():
            if self._bells:
                await self._look()
            await first_of([stop.wait(), asyncio.sleep(LOOK_SECONDS)])

    async def _look(self) -> None:
        try:
            newest = await self._store.newest()
        except StoreUnavailable as error:
            log.debug("cannot see whether there are hints", error=str(error))
            return
        self.ring({place for place, at in newest.items() if self._newest.get(place) != at})
        self._newest = newest
