"""Reading the trials of jobs that moved: what people want to know beyond an event, and never wait for."""

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping
from time import monotonic

import structlog

from notifier.errors import CallFailed, Cause, JobMissing, StoreUnavailable
from notifier.model import Event, EventType, JobIdentity, Remembered, Trial, TuningJob
from notifier.ports import Observed, Routed, Source, WatchStore

log = structlog.get_logger()

BRIEF_SECONDS = 3.0
"""An event waits so long at most for the trials that belong to its story."""
LATER_SECONDS = 5.0
"""So long after a sweep those are read that were not in time: the next sweep must not wait for them either."""
DENIED_SECONDS = 3600.0
"""How long nobody asks again where the permission is missing."""
MOST = 2000
"""Trials read at once: of more the newest do."""


class TrialReader:
    """Reads the new part of a job's trials. `people` are the destinations that read of them.

    `living`: some of these show a job as it goes on; trials are read whenever it moves then, not for events alone.
    """

    def __init__(self, source: Source, store: WatchStore, people: Collection[str], *, living: bool) -> None:
        self._source = source
        self._store = store
        self._people = frozenset(people)
        self._living = living
        self._late: dict[JobIdentity, TuningJob] = {}
        self._not_before = -math.inf
        self._complained = False

    async def read(
        self, memory: Remembered | None, record: TuningJob | None, routed: Iterable[Routed]
    ) -> tuple[Trial, ...]:
        """The trials that a look at a job should bring along; none where they are not wanted, or not there in time."""
        if record is None or not self._wants(memory, record, routed):
            return ()
        found = await self._within(BRIEF_SECONDS, record)
        if found is None:
            self._late[record.identity] = record
            return ()
        self._late.pop(record.identity, None)
        return found

    async def later(self, remembered: Mapping[JobIdentity, Remembered]) -> list[Observed]:
        """What was not there in time, as much of it as is there now."""
        observed: list[Observed] = []
        end = monotonic() + LATER_SECONDS
        while self._late and (left := end - monotonic()) > 0:
            identity = next(iter(self._late))
            found = await self._within(left, self._late[identity])
            if found is None:
                break
            del self._late[identity]
            if found and identity in remembered:
                observed.append(Observed(remembered[identity], trials=found))
        return observed

    def _wants(self, memory: Remembered | None, record: TuningJob, routed: Iterable[Routed]) -> bool:
        if not self._people or monotonic() < self._not_before:
            return False
        if any(_tells_of_trials(each, self._people) for each in routed):
            return True
        # An audit looks at what has not moved.
        return self._living and memory is not None and memory.counts.terminal != record.counts.terminal

    async def _within(self, seconds: float, record: TuningJob) -> tuple[Trial, ...] | None:
        try:
            async with asyncio.timeout(seconds):
                known = await self._store.known_trials(record.identity)
                return tuple((await self._source.trials(record.name, known))[:MOST])
        except JobMissing:
            return ()
        except CallFailed as error:
            if error.cause is Cause.DENIED:
                self._tell_denied(error)
                return ()
        except (StoreUnavailable, TimeoutError):
            pass
        return None

    def _tell_denied(self, error: CallFailed) -> None:
        if not self._complained:
            log.warning("messages do without the story of the trials", error=str(error))
        self._complained = True
        self._not_before = monotonic() + DENIED_SECONDS


def _tells_of_trials(routed: Routed, people: frozenset[str]) -> bool:
    event = routed.event
    if not isinstance(event, Event) or people.isdisjoint(routed.destinations):
        return False
    return event.type in {EventType.NEW_BEST, EventType.FAILING} or (event.status is not None and event.job.ended)
