"""What the service holds in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.service import running
from benchmarks.watching import remember_all, watching

GOAL = 150.0


async def memory(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The memory of `notifier run` with so many unfinished jobs remembered, after two sweeps of them."""
    await endpoint.stock(unfinished=scale.remembered)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        async with watching(database) as watcher:
            await remember_all(watcher)
        async with running(database) as service:
            await service.swept(2)
            yield Figure(
                f"memory after two sweeps of {scale.remembered:,} jobs", service.megabytes("VmRSS"), "MB", GOAL
            )
            yield Figure("  and at its highest", service.megabytes("VmHWM"), "MB", GOAL)
