"""Where the loops report, and what the pages are told of the outbox."""

import asyncio
from dataclasses import dataclass, field

import structlog

from notifier.dispatch.queue import resting
from notifier.model import Event, Place
from notifier.settings import Settings
from notifier.store import Store
from notifier.web import Health, Heartbeat, Metrics, Queue

log = structlog.get_logger()

SUM_SECONDS = 30.0
"""How often one line says how far the first looks of many scopes are."""


@dataclass(slots=True)
class Board:
    """Where the loops report: health, metrics, and the heartbeat that follows a fresh sweep.

    Of `many` scopes it tells in the log how far their first looks are, in one line for all.
    """

    health: Health
    metrics: Metrics
    heartbeat: Heartbeat | None = None
    many: bool = False
    _first_looks: dict[Place, tuple[int, int]] = field(default_factory=dict)
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    def swept(self, place: Place, outcome: str, seconds: float) -> None:
        """A sweep ended: `ok`, or why it failed."""
        self.metrics.sweep(place.region, outcome, seconds, place.account or "")
        if outcome == "ok":
            self.health.swept(str(place))
            self._first_looks.pop(place, None)
            self._fresh.set()
        else:
            self.health.missed(str(place), outcome)

    def told(self, event: Event) -> None:
        """An event was detected."""
        self.metrics.event(event.type)

    def looking(self, place: Place, looked_at: int, jobs: int) -> None:
        """The first baseline of a scope goes on."""
        self._first_looks[place] = (looked_at, jobs)
        self.health.missed(str(place), f"taking the first look: {looked_at:,} of {jobs:,} jobs so far")

    def unwatched(self, place: Place) -> None:
        """A scope is no longer watched here."""
        self._first_looks.pop(place, None)

    def turned(self, place: Place) -> None:
        """The watch loop of a scope is alive."""
        self.health.beat(f"watch {place}")

    def heard(self, queue: str) -> None:
        """A queue of hints answers."""
        self.health.beat(f"hear {queue}")
        self.health.deaf(queue, None)

    def deaf(self, queue: str, why: str) -> None:
        """A queue of hints cannot be heard; the sweeps go on."""
        self.health.beat(f"hear {queue}")
        self.health.deaf(queue, why)

    async def run(self, stop: asyncio.Event) -> None:
        """Pass fresh sweeps on to the heartbeat, and say how far first looks are."""
        async with asyncio.TaskGroup() as tasks:
            going = [
                tasks.create_task(self._beat(), name="heartbeat"),
                tasks.create_task(self._sum_up(), name="sum up first looks"),
            ]
            await stop.wait()
            for each in going:
                each.cancel()

    async def _sum_up(self) -> None:
        while self.many:
            await asyncio.sleep(SUM_SECONDS)
            if self._first_looks:
                looked_at, jobs = map(sum, zip(*self._first_looks.values(), strict=True))
                log.info("taking the first look", scopes=len(self._first_looks), looked_at=looked_at, jobs=jobs)

    async def _beat(self) -> None:
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            if self.heartbeat is not None and not self.health.blind():
                await self.heartbeat.ping()


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
    quiet = {name for name, each in settings.destinations.items() if resting(each.policy(name, ""), None, now)}
    return [
        Queue(
            name,
            counts,
            # What waits for the end of quiet hours is late by nobody's measure.
            oldest_age=max(0.0, now - oldest[name]) if name in oldest and name not in quiet else None,
            held=holds[name].reason if name in holds and name in settings.destinations else None,
        )
        for name, counts in messages.items()
    ]
