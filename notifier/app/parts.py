"""From the settings to the parts: sources, destinations, routes, and the loops that join them."""

import asyncio
import math
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiobotocore.session import AioSession

from notifier.app.board import Board
from notifier.delivery import KINDS, Reachable
from notifier.delivery.hours import minute_of
from notifier.delivery.settings import PeopleSettings
from notifier.detection.early import Rules
from notifier.detection.interval import SLOWEST
from notifier.dispatch.daily import Daily
from notifier.errors import Problem, SettingsError
from notifier.leasing import DELIVER, HEAR, WATCH, duty
from notifier.model import Api, Hint, Lease, Place
from notifier.pipeline.bells import Bells
from notifier.pipeline.cards import Album, CardKeeping, Threads
from notifier.pipeline.deliver import Delivery, Timing
from notifier.pipeline.duties import Duties, Work
from notifier.pipeline.hearing import Hearing
from notifier.pipeline.heeding import Heeding
from notifier.pipeline.look import Telling
from notifier.pipeline.pace import Turns
from notifier.pipeline.summary import DailySummary
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import Destination, HintQueue, Living, Meter, Source
from notifier.rendering import DIGEST_JOBS
from notifier.routing import Route, Selection
from notifier.settings import Settings
from notifier.settings.values import tag_pair
from notifier.sources import (
    Role,
    default_region,
    hint_queue,
    hyperparameter_source,
    new_session,
    preview_source,
    queue_region,
    role_arn,
)
from notifier.store import Store

LOOP_SECONDS = 300.0
"""A loop that has not turned for so long hangs: every wait in it is bounded well below."""
SHARED_LOOK_SECONDS = 1.0
"""How long what another worker owes may wait to be seen."""
MANY_SCOPES = 20
"""Of more scopes than these the log tells together."""
FRESH_SECONDS = 300.0
"""A sweep may take so long and still be fresh: at one call a second, a hundred moved jobs take two minutes."""


def open_session(settings: Settings) -> AioSession:
    """What all calls to AWS begin with. Raises SettingsError where AWS's own settings are wrong."""
    # What `.env` says to AWS's client; the environment itself has the last word.
    for name, value in settings.aws_environment.items():
        os.environ.setdefault(name, value)
    return new_session()


def open_queue(settings: Settings, session: AioSession, meter: Meter) -> AbstractAsyncContextManager[HintQueue] | None:
    """The queue of hints, if there is one. Raises SettingsError where nothing tells its region."""
    url = settings.sqs_queue_url
    if not url:
        return None
    region = queue_region(url) or default_region(session) or next(iter(settings.regions), None)
    if region is None:
        raise SettingsError([Problem("NOTIFIER_SQS_QUEUE_URL", "does not name its region; set AWS_REGION")])
    return hint_queue(session, url, region, meter=meter)


def open_sources(
    settings: Settings, meter: Meter, session: AioSession | None = None
) -> list[AbstractAsyncContextManager[Source]]:
    """One source for each account and region. Raises SettingsError where there is no region, or no role for it."""
    session = session or open_session(settings)
    regions = _regions(settings, session)
    if not regions:
        problem = "no region is set; name at least one here, or set AWS_REGION"
        raise SettingsError([Problem("NOTIFIER_REGIONS", problem)])
    kind = preview_source if settings.api == Api.PREVIEW else hyperparameter_source
    return [
        kind(session, region, rate=settings.api_rate, meter=meter, account=account, role=role)
        for account, region, role in _scopes(settings, session, regions)
    ]


def watched_regions(settings: Settings) -> tuple[str, ...]:
    """The regions of the settings, else AWS's default; none where nothing says it. Raises SettingsError."""
    return _regions(settings, open_session(settings))


def _regions(settings: Settings, session: AioSession) -> tuple[str, ...]:
    return settings.regions or tuple(filter(None, [default_region(session)]))


def _scopes(
    settings: Settings, session: AioSession, regions: tuple[str, ...]
) -> Iterator[tuple[str | None, str, Role | None]]:
    """Each account with each region, and the role that is assumed there; None: the credentials' own account."""
    for account in settings.accounts:
        for region in regions:
            arn = role_arn(session, settings.role, account, region) if settings.role else None
            yield account, region, Role(arn, settings.external_id or None) if arn else None
    if not settings.accounts:
        yield from ((None, region, None) for region in regions)


def destinations(settings: Settings, http: aiohttp.ClientSession) -> list[Reachable]:
    """Every destination of the settings, ready to send."""
    return [KINDS[each.kind].build(name, each, http) for name, each in settings.destinations.items()]


def routes(settings: Settings) -> tuple[Route, ...]:
    """What each destination wants to hear."""
    return tuple(
        Route(
            name,
            jobs=each.jobs,
            events=each.events or settings.events,
            statuses=each.statuses,
            accounts=each.accounts,
            regions=each.regions,
            tags=tuple(tag_pair(tag) for tag in each.tags),
        )
        for name, each in settings.destinations.items()
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """Work that health expects something of, as long as it is done here."""

    work: Work
    begun: Callable[[], None]
    ended: Callable[[], None]

    async def run(self, stop: asyncio.Event) -> None:
        """Do it until `stop` is set."""
        self.begun()
        try:
            await self.work.run(stop)
        finally:
            self.ended()


@dataclass(frozen=True, slots=True)
class Together:
    """Work that is done under one lease: where one part ends, all do."""

    works: Sequence[Work]

    async def run(self, stop: asyncio.Event) -> None:
        """Do all of it until `stop` is set."""
        async with asyncio.TaskGroup() as tasks:
            for each in self.works:
                tasks.create_task(each.run(stop), name=type(each).__name__)


class Parts:
    """Makes the work of each duty, once its lease is held. Whatever owes something wakes the deliveries done here."""

    def __init__(self, settings: Settings, store: Store, board: Board) -> None:
        self._settings = settings
        self._store = store
        self._board = board
        self._selection = Selection(settings.jobs, settings.exclude)
        self.bells = Bells(store.hints, store.outbox, self._owed)
        self._wakes = {name: asyncio.Event() for name in settings.destinations}

    def watches(self, sources: Sequence[Source]) -> dict[str, Callable[[Lease], Work]]:
        """One duty for each source: one poller for each scope is also the politest."""
        self._board.many = len(sources) > MANY_SCOPES
        return {duty(WATCH, f"{each.place}/{each.api}"): partial(self._watch, each) for each in sources}

    def hearing(self, queue: HintQueue, sources: Sequence[Source]) -> dict[str, Callable[[Lease], Work]]:
        """One duty for the queue of hints: one who listens is enough, and those who watch need not be the same."""
        places = frozenset(each.place for each in sources)
        return {duty(HEAR, queue.name): partial(self._hearing, queue, places)}

    def deliveries(self, reachable: Sequence[Destination]) -> dict[str, Callable[[Lease], Work]]:
        """One duty for each destination: its order and its pace need one sender."""
        return {duty(DELIVER, each.policy.name): partial(self._delivery, each) for each in reachable}

    def _hearing(self, queue: HintQueue, places: frozenset[Place], lease: Lease) -> Work:
        health, loop = self._board.health, f"hear {queue.name}"

        def wanted(hint: Hint) -> bool:
            # Where no setting names an account, a region is watched in one that is not known here.
            here = {Place(hint.region), Place(hint.region, hint.account_id)} & places
            return bool(here) and self._selection.selects(hint.name)

        def ended() -> None:
            health.retire(loop)
            health.deaf(queue.name, None)

        hearing = Hearing(
            queue, self._store.hints.under(lease), wanted=wanted, ring=self.bells.ring, listener=self._board
        )
        return Expected(hearing, lambda: health.expect(loop, LOOP_SECONDS), ended)

    def _watch(self, source: Source, lease: Lease) -> Work:
        settings, health, place = self._settings, self._board.health, source.place
        people = frozenset(name for name, each in settings.destinations.items() if each.people)
        living = any(each.living for each in settings.destinations.values())
        early = Rules(settings.failing_share, settings.plateau_share, settings.limit_share, settings.stall_factor)
        telling = Telling(routes(settings), settings.operator, settings.catch_up, people, living, early)
        watching = Watching(self._selection, telling, settings.poll_interval, self._board.many)
        heeding = None
        if settings.sqs_queue_url:
            heeding = Heeding(self._store.hints.under(lease), self.bells.bell(place), self._selection.selects)
        watch = Watch(
            source, self._store.watch.under(lease), watching, witness=self._board, owed=self._owed, heeding=heeding
        )

        def begun() -> None:
            slowest = SLOWEST * settings.poll_interval
            health.expect(f"watch {place}", slowest + LOOP_SECONDS)
            fresh = max(slowest + settings.poll_interval, FRESH_SECONDS)
            health.watch(str(place), place.region, fresh, place.account or "")

        def ended() -> None:
            self._board.unwatched(place)
            health.retire(f"watch {place}")
            health.unwatch(str(place))
            self.bells.silence(place)

        return Expected(watch, begun, ended)

    def _delivery(self, destination: Destination, lease: Lease) -> Work:
        name, health = destination.policy.name, self._board.health
        loop = f"deliver {name}"
        outbox = self._store.outbox.under(lease)
        album = None
        if isinstance(destination, Living):
            album = Album(destination, self._store.cards.under(lease), Turns(destination.policy.rate))
        delivery = Delivery(
            Threads(album) if album else destination,
            outbox,
            operator=self._settings.operator,
            meter=self._board.metrics,
            wake=self._wakes[name],
            digest_jobs=DIGEST_JOBS,
            beat=lambda: health.beat(loop),
            # What another worker owes wakes nobody here.
            timing=Timing(look_every=SHARED_LOOK_SECONDS) if self._store.shared else Timing(),
        )
        works: list[Work] = [delivery]
        if album:
            works.append(CardKeeping(album, outbox))
        if summary := self._summary(name, lease):
            works.append(summary)
        work = works[0] if len(works) == 1 else Together(works)
        return Expected(work, lambda: health.expect(loop, LOOP_SECONDS), lambda: health.retire(loop))

    def _summary(self, name: str, lease: Lease) -> Work | None:
        chosen = self._settings.destinations[name]
        if not isinstance(chosen, PeopleSettings) or not chosen.daily_summary:
            return None
        (route,) = (each for each in routes(self._settings) if each.destination == name)
        daily = Daily(minute_of(chosen.daily_summary), chosen.timezone)
        return DailySummary(route, daily, self._store.daily.under(lease), owed=self._owed)

    def _owed(self) -> None:
        for wake in self._wakes.values():
            wake.set()


def make_duties(settings: Settings, store: Store, works: Mapping[str, Callable[[Lease], Work]]) -> Duties:
    """What this worker does its share of; where the store is this process's alone, all of it and for ever."""
    worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return Duties(store.leases, works, worker=worker, seconds=settings.lease if store.shared else math.inf)
