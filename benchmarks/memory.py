"""What the service holds in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.service import running
from benchmarks.watching import remember_all, watching

PATIENCE = 120.0
GOAL, MANY_GOAL = 120.0, 250.0


async def memory(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The memory of `notifier run` with so many unfinished jobs remembered, after two sweeps of them."""
    for jobs, goal in ((scale.remembered, GOAL), (scale.many, MANY_GOAL)):
        now, highest = await _held(endpoint, jobs)
        yield Figure(f"memory after two sweeps of {jobs:,} jobs", now, "MB", goal)
        yield Figure("  and at its highest", highest, "MB", goal)


async def _held(endpoint: Endpoint, jobs: int) -> tuple[float, float]:
    await endpoint.stock(unfinished=jobs)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        async with watching(database) as watcher:
            await remember_all(watcher)
        async with running(database) as service:
            await service.swept(2, PATIENCE)
            return service.megabytes("VmRSS"), service.megabytes("VmHWM")
