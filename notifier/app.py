"""The composition root: the only place that knows every part. Start, run and stop on one screen."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import structlog

from notifier import __version__
from notifier.delivery import KINDS, Reachable, open_http
from notifier.errors import Problem, SettingsError, StoreUnavailable
from notifier.model import Api, Event
from notifier.pipeline.deliver import Delivery
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import Destination, Meter, Source
from notifier.rendering import DIGEST_JOBS
from notifier.routing import Route, Selection
from notifier.settings import Settings
from notifier.sources import default_region, hyperparameter_source, new_session, preview_source
from notifier.store import Store, open_store
from notifier.store.disk import fleeting
from notifier.web import Health, Heartbeat, Metrics, Queue, make_app, serve

log = structlog.get_logger()

LOOP_SECONDS = 300.0
"""A loop that has not turned for so long hangs: every wait in it is bounded well below."""
TIDY_SECONDS = 3600.0


class Loop(Protocol):
    """What the service runs until it is stopped."""

    async def run(self, stop: asyncio.Event) -> None: ...


async def run(settings: Settings) -> int:
    """Run the service until SIGTERM or SIGINT; the exit status. Raises NotifierError where it cannot start."""
    stop = asyncio.Event()
    with _signals(stop) as forced:
        try:
            async with AsyncExitStack() as stack:
                loops = await start(settings, stack)
                log.info("started", version=__version__, destinations=sorted(settings.destinations))
                await keep_running(loops, stop, settings.grace)
        except asyncio.CancelledError:
            if not forced:
                raise
            log.warning("stopped by force; what was under way will be taken up at the next start")
            return 128 + forced[0]
    log.info("stopped")
    return 0


async def start(settings: Settings, stack: AsyncExitStack) -> list[Loop]:
    """Open everything, in the order in which things can fail, and return the loops that make up the service."""
    prepare(settings)
    health, metrics = Health(), Metrics(__version__)
    opening = open_sources(settings, metrics)
    store = await stack.enter_async_context(open_store(settings.database_url.get_secret_value(), exclusive=True))
    _warn_of_fleeting_disk(store)
    if settings.http is not None:
        app = make_app(health, metrics, lambda: queues(store, settings), store.upkeep.probe)
        port = await stack.enter_async_context(serve(app, settings.http.host, settings.http.port))
        log.info("answering", host=settings.http.host, port=port, paths="/healthz /readyz /metrics")
    http = await stack.enter_async_context(open_http())
    board = Board(health, metrics)
    if settings.heartbeat_url is not None:
        board.heartbeat = Heartbeat(http, settings.heartbeat_url.get_secret_value())
    deliveries = [_delivery(each, store, settings, board) for each in destinations(settings, http)]
    sources = [await stack.enter_async_context(each) for each in opening]
    wakes = [wake for _, wake in deliveries]
    watches = [_watch(each, store, settings, board, wakes) for each in sources]
    return [*watches, *(loop for loop, _ in deliveries), Tidying(store, settings), board]


def prepare(settings: Settings) -> None:
    """Give AWS's client what `.env` says to it; the environment itself has the last word."""
    for name, value in settings.aws_environment.items():
        os.environ.setdefault(name, value)


async def keep_running(loops: Sequence[Loop], stop: asyncio.Event, grace: float) -> None:
    """Run the loops until `stop`; give what is under way `grace` seconds to finish, and cut the rest off."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(loop.run(stop), name=type(loop).__name__) for loop in loops]
        await stop.wait()
        log.info("stopping", grace_seconds=grace)
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            log.warning("some work did not finish within the grace; it will be taken up at the next start")


def open_sources(settings: Settings, meter: Meter) -> list[AbstractAsyncContextManager[Source]]:
    """One source for each region, on one session. Raises SettingsError where no region is to be had."""
    session = new_session()
    regions = settings.regions or tuple(filter(None, [default_region(session)]))
    if not regions:
        problem = "no region is set; name at least one here, or set AWS_REGION"
        raise SettingsError([Problem("NOTIFIER_REGIONS", problem)])
    kind = preview_source if settings.api == Api.PREVIEW else hyperparameter_source
    return [kind(session, region, rate=settings.api_rate, meter=meter) for region in regions]


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
        )
        for name, each in settings.destinations.items()
    )


async def queues(store: Store, settings: Settings) -> list[Queue]:
    """What each destination is owed now; an orphaned one's rows count as such, out of the alarms."""
    now = await store.outbox.now()
    holds = await store.desk.holds()
    messages: dict[str, dict[str, int]] = {name: {} for name in settings.destinations}
    oldest: dict[str, float] = {}
    for depth in await store.desk.depths():
        known = depth.destination in settings.destinations
        state = depth.state.value if known else "orphaned"
        counts = messages.setdefault(depth.destination, {})
        counts[state] = counts.get(state, 0) + depth.count
        if state in ("pending", "sending"):
            oldest[depth.destination] = min(depth.oldest_at, oldest.get(depth.destination, depth.oldest_at))
    return [
        Queue(
            name,
            counts,
            oldest_age=max(0.0, now - oldest[name]) if name in oldest else None,
            held=holds[name].reason if name in holds and name in settings.destinations else None,
        )
        for name, counts in messages.items()
    ]


@dataclass(slots=True)
class Board:
    """Where the loops report: health, metrics, and the heartbeat that follows a fresh sweep."""

    health: Health
    metrics: Metrics
    heartbeat: Heartbeat | None = None
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    def swept(self, region: str, outcome: str, seconds: float) -> None:
        """A sweep ended: `ok`, or why it failed."""
        self.metrics.sweep(region, outcome, seconds)
        if outcome == "ok":
            self.health.swept(region)
            self._fresh.set()
        else:
            self.health.missed(region, outcome)

    def told(self, event: Event) -> None:
        """An event was detected."""
        self.metrics.event(event.type)

    def turned(self, region: str) -> None:
        """The watch loop of a region is alive."""
        self.health.beat(f"watch {region}")

    async def run(self, stop: asyncio.Event) -> None:
        """Pass fresh sweeps on to the heartbeat."""
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self._beat(), name="heartbeat")
            await stop.wait()
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            if self.heartbeat is not None and not self.health.stale():
                await self.heartbeat.ping()


@dataclass(frozen=True, slots=True)
class Tidying:
    """Housekeeping: what is settled and old is let go, an hour apart, in small bites."""

    store: Store
    settings: Settings

    async def run(self, stop: asyncio.Event) -> None:
        """Tidy now and every hour until `stop` is set."""
        while not stop.is_set():
            try:
                await self.store.upkeep.tidy(set(self.settings.destinations))
            except StoreUnavailable as error:
                log.warning("the store could not be tidied, will try again", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TIDY_SECONDS):
                    await stop.wait()


def _watch(source: Source, store: Store, settings: Settings, board: Board, wakes: list[asyncio.Event]) -> Watch:
    board.health.expect(f"watch {source.region}", settings.poll_interval + LOOP_SECONDS)
    board.health.watch(source.region, source.region, max(3 * settings.poll_interval, 90.0))
    telling = Telling(routes(settings), settings.operator, settings.catch_up)
    watching = Watching(Selection(settings.jobs, settings.exclude), telling, settings.poll_interval)

    def owed() -> None:
        for wake in wakes:
            wake.set()

    return Watch(source, store.watch, watching, witness=board, owed=owed)


def _delivery(
    destination: Destination, store: Store, settings: Settings, board: Board
) -> tuple[Delivery, asyncio.Event]:
    name, wake = destination.policy.name, asyncio.Event()
    board.health.expect(f"deliver {name}", LOOP_SECONDS)
    delivery = Delivery(
        destination,
        store.outbox,
        operator=settings.operator,
        meter=board.metrics,
        wake=wake,
        digest_jobs=DIGEST_JOBS,
        beat=lambda: board.health.beat(f"deliver {name}"),
    )
    return delivery, wake


def _warn_of_fleeting_disk(store: Store) -> None:
    lies_on = fleeting(store.file)
    if lies_on:
        log.warning(
            "the database will be lost with what it lies on, and with it what is owed; put it on a volume",
            lies_on=lies_on,
            file=str(store.file),
            setting="NOTIFIER_DATABASE_URL",
        )


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[list[int]]:
    """SIGTERM and SIGINT set `stop`; a second one cancels everything at once. Yields the signal that forced."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    forced: list[int] = []

    def caught(number: int) -> None:
        if stop.is_set() and main is not None:
            forced.append(number)
            main.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, caught, number)
    try:
        yield forced
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
