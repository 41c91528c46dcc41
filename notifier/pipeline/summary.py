"""The summary of a day, for one destination: owed once, whoever makes it and however often."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from notifier.dispatch.daily import Daily, Due
from notifier.errors import LeaseLost, StoreUnavailable
from notifier.model import Event, JobIdentity, Notice, Remembered
from notifier.pipeline.pace import first_of
from notifier.ports import DailyStore, Routed
from notifier.rendering.summary import summary, summary_id
from notifier.routing import Route, Subject

log = structlog.get_logger()

LOOK_SECONDS = 30.0
SETTLING_SECONDS = 60.0
"""Looked for so often, and made so long after its time: what came to be owed before may be in a commit until then."""


class DailySummary:
    """Owes a destination the summary of each day at its time. `owed` is called when there is something to deliver."""

    def __init__(
        self, route: Route, daily: Daily, store: DailyStore, *, owed: Callable[[], None], look: float = LOOK_SECONDS
    ) -> None:
        self._route = route
        self._daily = daily
        self._store = store
        self._owed = owed
        self._look = look
        self._done: Due | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Do so until `stop` is set."""
        while not stop.is_set():
            try:
                await self.turn()
            except LeaseLost:
                raise
            except StoreUnavailable:
                # It is late, not lost: the next look finds it due still.
                pass
            except Exception:
                log.exception("a daily summary failed unexpectedly", destination=self._route.destination)
            await first_of([stop.wait(), asyncio.sleep(self._look)])

    async def turn(self) -> None:
        """Owe the summary that is due, if one is and was not owed yet. Raises StoreUnavailable."""
        now = await self._store.now()
        due = self._daily.due(now - SETTLING_SECONDS)
        if due is None or due == self._done:
            return
        begun = await self._store.begun()
        # Of a day that nobody watched there is nothing to say.
        if begun is not None and begun < due.until and not await self._store.known(self._id(due)):
            notices = await self._notices(due, now)
            if notices:
                await self._store.announce([Routed(each, (self._route.destination,)) for each in notices])
                self._owed()
        self._done = due

    async def _notices(self, due: Due, now: float) -> Sequence[Notice]:
        ended: dict[JobIdentity, list[Event]] = {}
        for each in await self._store.endings(self._route.destination, due.since, due.until):
            ended.setdefault(each.job.identity, []).append(each)
        going = [each for each in await self._store.going() if await self._concerns(each)]
        time = datetime.fromtimestamp(now, UTC)
        return summary(self._route.destination, due.day.isoformat(), list(ended.values()), going, time)

    async def _concerns(self, job: Remembered) -> bool:
        tags = await self._store.tags(job.identity) if self._route.tags else None
        # Of what happened nothing is asked here: any event of the filter's will do.
        event = next(iter(self._route.events), "")
        subject = Subject(job.name, job.identity.account_id, job.identity.region, event, tags=tags)
        return self._route.refusal(subject) is None

    def _id(self, due: Due) -> str:
        return summary_id(self._route.destination, due.day.isoformat())
