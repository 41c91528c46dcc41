"""How long it takes from `notifier run` to the first complete sweep."""

from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.service import running
from benchmarks.watching import remember_all, watching

UNFINISHED = 50
GOAL = 1.5


async def startup(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The start in an account with 50 unfinished jobs, with nothing remembered and with many jobs."""
    await endpoint.stock(unfinished=UNFINISHED)
    with TemporaryDirectory() as folder:
        databases = [Path(folder) / f"{number}.db" for number in range(scale.starts)]
        yield await _started("start to first sweep, empty database", databases)
    await endpoint.stock(unfinished=UNFINISHED, ended=scale.remembered - UNFINISHED)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        async with watching(database) as watcher:
            await remember_all(watcher)
        yield await _started(f"start to first sweep, {scale.remembered:,} jobs remembered", [database] * scale.starts)


async def _started(what: str, databases: list[Path]) -> Figure:
    seconds: list[float] = []
    for database in databases:
        async with running(database) as service:
            seconds.append(await service.ready())
    return Figure(what, median(seconds), "s", GOAL, decimals=2)
