"""What delivery costs: messages a second against bare signed requests, and how soon an observation is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.watching import remember_all, watching
from notifier.delivery import open_http
from notifier.delivery.webhook import CONTENT_TYPE, Webhook, WebhookSettings, signature
from notifier.model import Scope, ScopeState
from notifier.pipeline.deliver import Delivery
from notifier.ports import Routed
from notifier.rendering import DIGEST_JOBS
from notifier.rendering.cloudevents import body
from notifier.store import Store
from notifier.web import Metrics
from tests.examples import ACCOUNT, REGION, ended, tuning_job

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
AT_ONCE = 16
"""Bare requests under way at once: with more, or with fewer, they are not faster."""
MESSAGES_GOAL, TOLD_GOAL = 2.0, 50.0
SCOPE = Scope(ACCOUNT, REGION)
ALONE, MANY = 100, 100_000


async def messages(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """Messages to a webhook, from the outbox until they are settled, against bare signed requests."""
    rounds: list[tuple[float, float]] = []
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher, open_http() as http:
            for number in range(scale.rounds + 1):
                events = [ended(tuning_job(f"told-{number}-{each:05d}")) for each in range(scale.messages)]
                ready = [(event.id, body(event)) for event in events]
                bare = await _seconds(lambda ready=ready: _posted(http, endpoint, ready))  # type: ignore[misc]
                await watcher.store.watch.complete(
                    SCOPE, ScopeState(), [Routed(event, ("webhook",)) for event in events]
                )
                async with delivering(watcher.store, endpoint, http) as emptied:
                    rounds.append((bare, await _seconds(emptied)))
                _, heard = await endpoint.heard()
                assert len(heard) == scale.messages
    # The first round warms up, and is not counted.
    bare, ours = (median(each) for each in zip(*rounds[1:], strict=True))
    rates = f"{scale.messages / ours:,.0f} a second, {scale.messages / bare:,.0f} bare"
    yield Figure(f"time of a webhook message, settled durably ({rates})", ours / bare, "× bare", MESSAGES_GOAL)


async def told(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """From the answer that shows a new best to its receipt at the webhook, unpaced: where one moves, and where many."""
    waits, _ = await _heard(endpoint, ALONE, 1, scale.rounds)
    yield Figure(f"from the answer to the webhook, one of {ALONE:,} jobs moved: median", median(waits), "ms", TOLD_GOAL)
    waits, blocks = await _heard(endpoint, scale.remembered, scale.told, scale.rounds)
    what = f"from the answer to the webhook, {scale.told:,} of {scale.remembered:,} jobs moved"
    yield Figure(f"{what}: median of {len(waits)}", median(waits), "ms")
    yield Figure("  99th percentile", quantiles(waits, n=100, method="inclusive")[-1], "ms", TOLD_GOAL)
    yield Figure("  the loop's longest block in a sweep, and its deliveries", median(blocks), "ms", TOLD_GOAL)


async def _heard(endpoint: Endpoint, jobs: int, moved: int, rounds: int) -> tuple[list[float], list[float]]:
    """How long each event took, and the longest block in each round; ms."""
    await endpoint.stock(unfinished=jobs)
    waits: list[float] = []
    blocks: list[float] = []
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher, open_http() as http:
            await remember_all(watcher)
            for number in range(rounds + 1):
                await endpoint.move(moved)
                await endpoint.heard()
                async with delivering(watcher.store, endpoint, http, watcher.wake) as emptied, blocking() as longest:
                    await watcher.watch.turn()
                    await emptied()
                seen, heard = await endpoint.heard()
                assert heard
                # The first round warms up, and is not counted.
                if number:
                    waits += [1e3 * (at - seen[job]) for job, at in heard.items()]
                    blocks.append(1e3 * max(longest))
    return waits, blocks


class Settled(Metrics):
    """Counts what was settled."""

    def __init__(self) -> None:
        super().__init__("benchmark")
        self.count = self._goal = 0
        self._reached = asyncio.Event()

    def message(self, kind: str, outcome: str, count: int = 1) -> None:
        """Messages that came to their end."""
        super().message(kind, outcome, count)
        self.count += count
        if self.count >= self._goal:
            self._reached.set()

    async def reach(self, goal: int) -> None:
        """Wait until so many are."""
        self._goal = goal
        self._reached.clear()
        if self.count < goal:
            await self._reached.wait()


@asynccontextmanager
async def delivering(
    store: Store, endpoint: Endpoint, http: aiohttp.ClientSession, wake: asyncio.Event | None = None
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The deliver loop of a signed webhook, paced by nothing; gives what waits until nothing is owed any more."""
    settings = WebhookSettings.model_validate({"url": f"{endpoint.url}/hook", "secret": SECRET, "rate": 0})
    stop, settled = asyncio.Event(), Settled()
    delivery = Delivery(
        Webhook("webhook", settings, http),
        store.outbox,
        operator=(),
        meter=settled,
        wake=wake or asyncio.Event(),
        digest_jobs=DIGEST_JOBS,
    )

    async def emptied() -> None:
        while True:
            before = settled.count
            if not (left := len(await store.outbox.owed("webhook", MANY))):
                return
            await settled.reach(before + left)

    async with asyncio.TaskGroup() as loop:
        loop.create_task(delivery.run(stop))
        try:
            yield emptied
        finally:
            stop.set()


@asynccontextmanager
async def blocking() -> AsyncIterator[list[float]]:
    """How late a turn of the loop came that was asked for every millisecond, seconds each."""
    late: list[float] = []

    async def look() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            late.append(time.monotonic() - began - 0.001)

    async with asyncio.TaskGroup() as beside:
        looking = beside.create_task(look())
        try:
            yield late
        finally:
            looking.cancel()


async def _posted(http: aiohttp.ClientSession, endpoint: Endpoint, ready: Sequence[tuple[str, bytes]]) -> None:
    """The same requests and nothing else, as one would write them by hand."""
    waiting = iter(ready)

    async def some() -> None:
        for event_id, content in waiting:
            now = str(int(time.time()))
            headers = {
                "content-type": CONTENT_TYPE,
                "webhook-id": event_id,
                "webhook-timestamp": now,
                "webhook-signature": signature(KEY, event_id, now, content),
            }
            async with http.post(f"{endpoint.url}/hook", data=content, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

    async with asyncio.TaskGroup() as posting:
        for _ in range(AT_ONCE):
            posting.create_task(some())


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
