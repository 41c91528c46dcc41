"""Reading the tags of a job, once, where it depends on them who hears of it."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from time import monotonic

import structlog

from notifier.errors import CallFailed, Cause, JobMissing, StoreUnavailable
from notifier.model import Event, JobIdentity
from notifier.pipeline.trials import BRIEF_SECONDS, DENIED_SECONDS
from notifier.ports import Source, WatchStore
from notifier.routing import Route, asks_for_tags

log = structlog.get_logger()

MOST_KNOWN = 1000
"""The tags of so many jobs are kept in memory; the store has them all."""


class TagReader:
    """Reads tags (ListTags), each job's once in its life. An event waits three seconds at most for them."""

    def __init__(self, source: Source, store: WatchStore, routes: Sequence[Route]) -> None:
        self._source = source
        self._store = store
        self._routes = routes
        self._known: dict[JobIdentity, Mapping[str, str]] = {}
        self._not_before = -math.inf
        self._complained = False

    async def read(self, events: Sequence[Event]) -> Mapping[str, str] | None:
        """The tags of the job of these events; None where nobody asks for them, or they cannot be known now."""
        if not any(asks_for_tags(each, self._routes) for each in events):
            return None
        job = events[0].job
        if job.identity in self._known:
            return self._known[job.identity]
        found = await self._within(BRIEF_SECONDS, job.identity, job.arn)
        if found is not None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[job.identity] = found
        return found

    async def _within(self, seconds: float, identity: JobIdentity, arn: str | None) -> Mapping[str, str] | None:
        try:
            async with asyncio.timeout(seconds):
                stored = await self._store.tags(identity)
                if stored is not None or arn is None or monotonic() < self._not_before:
                    return stored
                found = await self._source.tags(arn)
                await self._store.keep_tags(identity, found)
                return found
        except JobMissing:
            return None
        except CallFailed as error:
            self._tell(str(error))
            if error.cause is Cause.DENIED:
                self._not_before = monotonic() + DENIED_SECONDS
        except TimeoutError:
            self._tell(f"no answer in {seconds:g} s")
        except StoreUnavailable as error:
            self._tell(str(error))
        return None

    def _tell(self, why: str) -> None:
        if not self._complained:
            log.warning("tags cannot be read, so that their filters let everything through", error=why)
        self._complained = True
