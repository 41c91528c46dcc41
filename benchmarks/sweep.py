"""What a sweep costs: its calls, and its CPU against that of the bare calls it makes."""

import gc
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.answers import ACCOUNT, REGION
from benchmarks.endpoint import DESCRIBE, LIST, PAGE, Endpoint
from benchmarks.figure import Figure
from benchmarks.watching import Watcher, remember_all, watching
from notifier.model import Scope, ScopeState
from notifier.sources import new_session
from notifier.sources.client import connected

SIZES = (100, 1_000, 10_000)
MOVED_SHARE = 0.01
ROUNDS = 5
JOBS_A_ROUND = 5_000
"""Small accounts are swept several times a round, so that no round is too short to be measured."""
COMMITS = 100
OWN_CPU_GOAL = 15.0


async def calls(endpoint: Endpoint) -> AsyncIterator[Figure]:
    """The calls of a sweep where nothing moved."""
    await endpoint.stock(unfinished=250, ended=5_000)
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher:
            await watcher.watch.turn()
            await endpoint.calls()
            await watcher.watch.turn()
            made = await endpoint.calls()
    assert set(made) <= {LIST, DESCRIBE}, made
    scene = "250 quiet jobs before 5,000 ended ones"
    yield Figure(f"List calls a sweep, {scene}", made[LIST], "calls", 3, decimals=0)
    yield Figure(f"Describe calls a sweep, {scene}", made[DESCRIBE], "calls", 0, decimals=0)


async def own_cpu(endpoint: Endpoint) -> AsyncIterator[Figure]:
    """The service's CPU on top of the bare client's, for quiet sweeps and for those where 1 % moved."""
    for size in SIZES:
        await endpoint.stock(unfinished=size)
        with TemporaryDirectory() as folder:
            async with (
                watching(Path(folder) / "notifier.db") as watcher,
                connected(new_session(), "sagemaker", REGION) as connection,
            ):
                await remember_all(watcher)
                client = await connection.client()
                for moving, scene in ((0, "quiet"), (math.ceil(size * MOVED_SHARE), "1 % moved")):
                    bare, service = await _compared(endpoint, watcher, client, size, moving)
                    what = (
                        f"own CPU, {size:,} jobs, {scene} ({bare * 1e3:,.1f} ms bare, {service * 1e3:,.1f} ms in all)"
                    )
                    yield Figure(what, 100 * (service / bare - 1), "%", OWN_CPU_GOAL)


async def commit(endpoint: Endpoint) -> AsyncIterator[Figure]:
    """What the one transaction of a quiet sweep costs."""
    scope, now = Scope(ACCOUNT, REGION), time.time()
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher:

            async def committed() -> None:
                await watcher.store.watch.complete(scope, ScopeState(now, now, now), ())

            await committed()
            began = time.perf_counter()
            cpu = sum([await _cpu(committed) for _ in range(COMMITS)])
            seconds = time.perf_counter() - began
    yield Figure("CPU of a sweep's commit", cpu / COMMITS * 1e3, "ms", decimals=2)
    yield Figure("time of a sweep's commit", seconds / COMMITS * 1e3, "ms", decimals=2)


async def _compared(endpoint: Endpoint, watcher: Watcher, client: Any, size: int, moving: int) -> tuple[float, float]:
    """The CPU seconds of a bare sweep and of the service's, each the median of the rounds, taken in alternation."""
    repeats = max(1, JOBS_A_ROUND // size)
    bare_rounds: list[float] = []
    service_rounds: list[float] = []
    await endpoint.calls()
    # The first round warms up both, and is not counted.
    for _ in range(ROUNDS + 1):
        bare = service = 0.0
        gc.collect()
        for _ in range(repeats):
            moved = await endpoint.move(moving)
            bare += await _cpu(lambda moved=moved: _bare_sweep(client, moved))  # type: ignore[misc]
            expected = await endpoint.calls()
            service += await _cpu(watcher.watch.turn)
            _same(expected, await endpoint.calls(), size, moving)
        bare_rounds.append(bare / repeats)
        service_rounds.append(service / repeats)
    return median(bare_rounds[1:]), median(service_rounds[1:])


async def _bare_sweep(client: Any, moved: list[str]) -> None:
    """The calls of a sweep and nothing else, as one would write them by hand."""
    more: dict[str, str] = {}
    while True:
        page = await client.list_hyper_parameter_tuning_jobs(
            MaxResults=PAGE, SortBy="CreationTime", SortOrder="Descending", **more
        )
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    for name in moved:
        await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


async def _cpu(work: Callable[[], Awaitable[None]]) -> float:
    """CPU seconds of this process, all threads, while the work is done."""
    began = time.process_time()
    await work()
    return time.process_time() - began


def _same(bare: Counter[str], service: Counter[str], size: int, moving: int) -> None:
    """A comparison of different calls would say nothing."""
    assert bare == service, f"{size} jobs, {moving} moved: bare {dict(bare)}, service {dict(service)}"
    assert bare[LIST] == math.ceil(size / PAGE), dict(bare)
    assert bare[DESCRIBE] == moving, dict(bare)
