"""What the service holds in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.service import running
from benchmarks.watching import remember_all, watching

JOBS = 10_000
GOAL = 150.0


async def memory(endpoint: Endpoint) -> AsyncIterator[Figure]:
    """The memory of `notifier run` with 10,000 unfinished jobs remembered, after two sweeps of them."""
    await endpoint.stock(unfinished=JOBS)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        async with watching(database) as watcher:
            await remember_all(watcher)
        async with running(database) as service:
            await service.swept(2)
            yield Figure(f"memory after two sweeps of {JOBS:,} jobs", service.megabytes("VmRSS"), "MB", GOAL)
            yield Figure("  and at its highest", service.megabytes("VmHWM"), "MB", GOAL)
