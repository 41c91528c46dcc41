"""What many accounts and regions cost one worker: its first look at all of their jobs, and then its sweeps."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.service import Service, running

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1")
JOBS = 100
ROUNDS = 2
"""Intervals over which sweeps are counted, after the first look."""
PATIENCE = 1200.0
ASKING = 0.5
"""Seconds between two questions for a page."""


@dataclass
class Asking:
    """Somebody who asks a page again and again, as a supervisor does; `longest` is how long it took at worst."""

    service: Service
    path: str
    longest: float = 0.0

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Ask until the end of the block."""
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(self._ask())
            yield
            asking.cancel()

    async def _ask(self) -> None:
        up = False
        while True:
            began = time.monotonic()
            try:
                up = bool(await self.service.page(self.path)) or up
            finally:
                if up:
                    self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(ASKING)


async def scopes(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """So many accounts and regions on one worker, with 100 unfinished jobs in each."""
    await endpoint.stock(unfinished=JOBS)
    for count in scale.scopes:
        async for figure in _measured(count, scale.interval):
            yield figure


def settings_of(count: int, interval: float) -> dict[str, str]:
    """What makes a worker watch so many accounts and regions, a multiple of REGIONS."""
    return {
        "NOTIFIER_ACCOUNTS": ",".join(f"{number:012d}" for number in range(1, count // len(REGIONS) + 1)),
        "NOTIFIER_REGIONS": ",".join(REGIONS),
        "NOTIFIER_ROLE": "notifier",
        "NOTIFIER_POLL_INTERVAL": f"{interval:.0f}s",
    }


async def _measured(count: int, interval: float) -> AsyncIterator[Figure]:
    settings, what = settings_of(count, interval), f"{count:,} scopes"
    with TemporaryDirectory() as folder:
        async with running(Path(folder) / "notifier.db", **settings) as service:
            alive, metrics = Asking(service, "/healthz"), Asking(service, "/metrics")
            async with alive.going_on(), metrics.going_on():
                await service.swept(count, patience=PATIENCE, glance=ASKING)
            yield Figure(f"{what}: first look of {count * JOBS:,} jobs", time.monotonic() - service.began, "s")
            yield Figure("  its CPU", service.cpu(), "s")
            yield Figure("  /healthz answered at the latest after", alive.longest, "s", 1.0, decimals=2)
            yield Figure("  /metrics answered at the latest after", metrics.longest, "s", 5.0, decimals=2)
            yield Figure("  lines of its log", service.lines, "")
            yield Figure("  CPU of a quiet sweep", await _sweep_cpu(service, interval) * 1e3, "ms", decimals=2)
            yield Figure("  memory", service.megabytes("VmRSS"), "MB")


async def _sweep_cpu(service: Service, interval: float) -> float:
    """CPU seconds of the whole service for each sweep, while nobody asks for a page."""
    before, cpu = await service.sweeps(), service.cpu()
    await asyncio.sleep(ROUNDS * interval)
    spent = service.cpu() - cpu
    return spent / (await service.sweeps() - before)
