"""What the service holds in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.scopes import ASKING, JOBS, settings_of
from benchmarks.service import running
from benchmarks.watching import remember_all, watching

PATIENCE = 120.0
GOAL, MANY_GOAL, SHARED_GOAL = 120.0, 250.0, 300.0


async def memory(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The memory of `notifier run` with so many unfinished jobs remembered, after two sweeps of them."""
    for jobs, goal in ((scale.remembered, GOAL), (scale.many, MANY_GOAL)):
        now, highest = await _held(endpoint, jobs)
        yield Figure(f"memory after two sweeps of {jobs:,} jobs", now, "MB", goal)
        yield Figure("  and at its highest", highest, "MB", goal)
    now, highest = await _shared(endpoint, scale.shared)
    yield Figure(f"memory after two sweeps of {JOBS:,} jobs in each of {scale.shared:,} scopes", now, "MB", SHARED_GOAL)
    yield Figure("  and at its highest", highest, "MB", SHARED_GOAL)


async def _held(endpoint: Endpoint, jobs: int) -> tuple[float, float]:
    await endpoint.stock(unfinished=jobs)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        async with watching(database) as watcher:
            await remember_all(watcher)
        async with running(database) as service:
            await service.swept(2, PATIENCE)
            return service.megabytes("VmRSS"), service.megabytes("VmHWM")


async def _shared(endpoint: Endpoint, scopes: int) -> tuple[float, float]:
    await endpoint.stock(unfinished=JOBS)
    with TemporaryDirectory() as folder:
        async with running(Path(folder) / "notifier.db", **settings_of(scopes, 5.0)) as service:
            await service.swept(2 * scopes, PATIENCE, ASKING)
            return service.megabytes("VmRSS"), service.megabytes("VmHWM")
