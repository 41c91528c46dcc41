"""How soon a change is told after its event came into the queue, by workers that share a PostgreSQL.

Who hears the queue, who watches the scope and who sends to the webhook may each be another worker.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from aiohttp import web

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from tests.examples import ACCOUNT
from tests.pipeline.organisation import Organisation
from tests.pipeline.sagemaker import SageMaker
from tests.pipeline.sqs import Sqs
from tests.postgres import Server, binaries, serving
from tests.service.process import Hook, hooking, notifying, until
from tests.service.test_hints import end, event, running
from tests.service.test_workers import holders

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "ap-northeast-1")
GOAL = 2.0
INTERVAL = "60s"
PAUSES = 0.2, 0.7
"""Seconds between two events, anywhere between these: they meet each worker's looks at any moment. Of one scope none
comes before a call a second has had its turn."""
SEED = 7


@dataclass
class StampedHook(Hook):
    """A receiver that keeps when it first heard of each ending, by region and job; monotonic seconds."""

    at: dict[tuple[str, str], float] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        answer = await super().take(request)
        for heard in list(self.events.values())[-1:]:
            if heard["data"]["change"].get("to") == "Completed":
                self.at.setdefault((heard["data"]["region"], heard["subject"]), now)
        return answer


async def hints(_: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """From an event in the queue to the webhook, with several workers on PostgreSQL."""
    if binaries() is None:
        # Figures of a database that is not installed cannot be had.
        return
    with serving() as server:
        for workers in scale.workers:
            seconds = await _told(server, workers, scale.events)
            what = f"from an event to the webhook, {workers} worker{'' if workers == 1 else 's'}"
            yield Figure(f"{what}: median of {len(seconds)}", median(seconds), "s", decimals=2)
            yield Figure("  95th percentile", quantiles(seconds, n=20, method="inclusive")[-1], "s", decimals=2)
            yield Figure("  worst", max(seconds), "s", GOAL, decimals=2)


async def _told(server: Server, workers: int, events: int) -> list[float]:
    """Seconds from each event to its receipt, by so many workers."""
    names = {region: [f"xgb-{number}" for number in range(-(-events // len(REGIONS)))] for region in REGIONS}
    dice, sent = random.Random(SEED), dict[tuple[str, str], float]()
    async with (
        Organisation.running() as aws,
        Sqs.running() as queue,
        hooking(StampedHook()) as hook,
    ):
        assert isinstance(hook, StampedHook)
        for region in REGIONS:
            service = aws.services[ACCOUNT, region] = SageMaker(live=True, now=time.time())
            service.put(*map(running, names[region]))
        url = server.create(f"hints-{workers}")
        async with _crew(aws.url, url, hook, queue.url, workers):
            await until(lambda: _shared(server, url, workers), "every region has its baseline, and everybody a share")
            for number in range(events):
                region = REGIONS[number % len(REGIONS)]
                name = names[region][number // len(REGIONS)]
                end(aws.services[ACCOUNT, region], name)
                queue.send(event(name, region))
                sent[region, name] = time.monotonic()
                await asyncio.sleep(dice.uniform(*PAUSES))
            await until(lambda: len(hook.at) == events, "all of it is told")
        return [hook.at[each] - at for each, at in sent.items()]


@asynccontextmanager
async def _crew(aws: str, url: str, hook: Hook, queue: str, workers: int) -> AsyncIterator[None]:
    settings = {
        "NOTIFIER_DATABASE_URL": url,
        "NOTIFIER_REGIONS": ",".join(REGIONS),
        "NOTIFIER_SQS_QUEUE_URL": queue,
        "NOTIFIER_POLL_INTERVAL": INTERVAL,
        "NOTIFIER_API_RATE": "1",
    }
    async with AsyncExitStack() as stack:
        for number in range(workers):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=f"notifier-{number}-")))
            worker = await stack.enter_async_context(notifying(folder, aws, hook, **settings))
            await worker.ready(await worker.start())
        yield


def _shared(server: Server, url: str, workers: int) -> bool:
    held = holders(server, url)
    watching = Counter(held.get(f"watch {region}/hyperparameter") for region in REGIONS)
    seen = server.sql("SELECT count(*) FROM notifier_scopes WHERE baseline_at IS NOT NULL", url.rpartition("/")[2])
    return (
        seen == str(len(REGIONS))
        and None not in watching
        and max(watching.values()) == -(-len(REGIONS) // workers)
        and len(held) == len(REGIONS) + 2
    )
