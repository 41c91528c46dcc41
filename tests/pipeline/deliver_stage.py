"""A stage for the deliver loop: the real store, a real receiver on loopback, and a clock that skips idle time."""

import asyncio
import collections
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from notifier.delivery import open_http
from notifier.delivery.slack_webhook import SlackWebhook, SlackWebhookSettings
from notifier.delivery.webhook import Webhook, WebhookSettings
from notifier.model import Batch, Event, Notice, Policy, Scope, ScopeState
from notifier.pipeline.deliver import Delivery, Timing
from notifier.ports import Destination, OutboxStore, Routed
from notifier.rendering import DIGEST_JOBS
from notifier.store import Letter, State, Store, open_store
from tests.examples import ACCOUNT, NOON, REGION

SCOPE = Scope(ACCOUNT, REGION)
BOUND = 30.0
"""Real seconds after which a test gives up waiting."""


class Timeline:
    """Virtual time: it goes on only while every loop rests and no message is under way, and then at once.

    `set_by` moves the wall clock alone. `loops` is how many run; where a test counts none, the sends alone are heeded.
    """

    def __init__(self) -> None:
        self.tick = 0.0
        self.set_by = 0.0
        self.under_way = 0
        self.loops = 0
        self._ends: list[float] = []

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.tick

    def wall(self) -> float:
        """Epoch seconds, which someone may set."""
        return NOON.timestamp() + self.tick + self.set_by

    async def sleep(self, seconds: float) -> None:
        """Return when it is time; whoever sleeps shortest moves the time on."""
        end = self.tick + seconds
        self._ends.append(end)
        try:
            while self.tick < end:
                await asyncio.sleep(0.001)
                if await self._idle() and end <= min(self._ends):
                    self.tick = max(self.tick, end)
        finally:
            self._ends.remove(end)

    async def _idle(self) -> bool:
        """Whether nothing happens: an answer that has just come wakes its loop within a few turns of asyncio's."""
        for _ in range(8):
            if self.under_way or len(self._ends) < self.loops:
                return False
            await asyncio.sleep(0)
        return True

    def timing(self, look_every: float = 3600.0, dice: float = 0.5, deadline: float = 5.0) -> Timing:
        """What a loop on this timeline goes by; `deadline` alone is of real seconds."""
        return Timing(self.clock, self.sleep, lambda: dice, look_every, deadline)


class Timed:
    """A destination whose sends the timeline waits for."""

    def __init__(self, destination: Destination, timeline: Timeline) -> None:
        self.policy: Policy = destination.policy
        self._destination = destination
        self._timeline = timeline

    async def send(self, batch: Batch) -> None:
        """Send, and keep the time from running ahead meanwhile."""
        self._timeline.under_way += 1
        try:
            await self._destination.send(batch)
        finally:
            self._timeline.under_way -= 1


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived, and when (virtual seconds)."""

    at: float
    id: str
    body: Mapping[str, Any]

    @property
    def job(self) -> str:
        """The job or notice that it speaks of."""
        return str(self.body.get("subject"))

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.body.get("type"))

    @property
    def text(self) -> str:
        """All of it, as it is written."""
        return json.dumps(self.body, ensure_ascii=False)


Reply = tuple[int, dict[str, str]]
OK: Reply = (200, {})


@dataclass
class Receiver:
    """Receives webhooks and Slack's messages: notes every request, and answers as `reply` says."""

    timeline: Timeline
    url: str = ""
    reply: Callable[[Request], Reply] = lambda request: OK
    says: Callable[[Request], str] = lambda request: "ok"
    resets: int = 0
    """So many requests are taken, and their connections reset before the answer."""
    requests: list[Request] = field(default_factory=list)
    taken: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    gate: asyncio.Event | None = None
    """Where set, answers wait for it."""
    _at_once: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        arrived = Request(self.timeline.tick, request.headers.get("webhook-id", ""), await request.json())
        self.requests.append(arrived)
        status, headers = self.reply(arrived)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self._at_once -= 1
        if 200 <= status < 300:
            self.taken.append(arrived)
        if self.resets:
            self.resets -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status, headers=headers, text=self.says(arrived))

    def times(self) -> list[float]:
        """When requests arrived."""
        return [each.at for each in self.requests]


@asynccontextmanager
async def receiving(timeline: Timeline) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(timeline)
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        if receiver.gate is not None:
            receiver.gate.set()
        await runner.cleanup()


@dataclass
class Counter:
    """A meter that keeps what it is told."""

    attempts: list[tuple[str, str]] = field(default_factory=list)
    messages: collections.Counter[str] = field(default_factory=collections.Counter)

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None:
        """Calls to AWS: none are made here."""
        raise AssertionError(operation)

    def attempt(self, kind: str, outcome: str, seconds: float) -> None:
        """One send."""
        self.attempts.append((kind, outcome))

    def message(self, kind: str, outcome: str, count: int = 1) -> None:
        """Messages that came to their end."""
        self.messages[outcome] += count


async def owe(store: Store, events: Iterable[Event | Notice], *destinations: str) -> None:
    """Owe these events to these destinations, as a commit of the watch loop would."""
    await store.watch.complete(SCOPE, ScopeState(), [Routed(event, destinations) for event in events])


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@dataclass
class Stage:
    """Everything a deliver loop stands between."""

    timeline: Timeline
    store: Store
    receiver: Receiver
    http: aiohttp.ClientSession
    meter: Counter = field(default_factory=Counter)

    def webhook(self, name: str = "webhook", url: str = "", **settings: Any) -> Destination:
        """A webhook to the receiver, or to another address."""
        return Webhook(name, WebhookSettings(url=SecretStr(url or self.receiver.url), **settings), self.http)

    def slack(self, name: str = "slack", **settings: Any) -> Destination:
        """An incoming webhook of Slack's, played by the receiver."""
        chosen = SlackWebhookSettings(url=SecretStr(self.receiver.url), **settings)
        return SlackWebhook(name, chosen, self.http)

    def delivery(
        self,
        destination: Destination,
        *,
        operator: tuple[str, ...] = (),
        wake: asyncio.Event | None = None,
        beat: Callable[[], None] = lambda: None,
        outbox: OutboxStore | None = None,
        **timing: Any,
    ) -> Delivery:
        """The loop of a destination."""
        return Delivery(
            Timed(destination, self.timeline),
            outbox or self.store.outbox,
            operator=operator,
            meter=self.meter,
            wake=wake or asyncio.Event(),
            digest_jobs=DIGEST_JOBS,
            beat=beat,
            timing=self.timeline.timing(**timing),
        )

    @asynccontextmanager
    async def running(self, *deliveries: Delivery) -> AsyncIterator[None]:
        """These loops, until the end of the block; then they are stopped, and must end by themselves."""
        stop = asyncio.Event()

        async def loop(delivery: Delivery) -> None:
            self.timeline.loops += 1
            try:
                await delivery.run(stop)
            finally:
                self.timeline.loops -= 1

        async with asyncio.TaskGroup() as loops:
            tasks = [loops.create_task(loop(each)) for each in deliveries]
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait(tasks, timeout=BOUND)
                assert all(task.done() for task in tasks), "a loop did not heed its stop"

    async def delivered(self, destination: Destination, *, operator: tuple[str, ...] = (), **timing: Any) -> None:
        """Deliver all that is owed to a destination."""
        async with self.running(self.delivery(destination, operator=operator, **timing)):
            await self.settled(destination.policy.name)

    async def settled(self, name: str) -> None:
        """Wait until nothing is owed to a destination any more, dead letters apart."""
        async with asyncio.timeout(BOUND):
            while await self.store.outbox.owed(name, 1):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def dead(self) -> list[Letter]:
        """The dead letters."""
        return await self.store.desk.letters(states=[State.DEAD])


@asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Stage]:
    """A stage whose database lies in this directory."""
    timeline, url = Timeline(), f"sqlite:///{directory / 'notifier.db'}"
    async with (
        receiving(timeline) as receiver,
        open_store(url, exclusive=True, clock=timeline.wall) as store,
        open_http() as http,
    ):
        yield Stage(timeline, store, receiver, http)
