"""What a sweep costs: its calls, and its CPU against that of the bare calls it makes.

*Bare* is aiobotocore as it comes; *lean* is the service's own client, which reads the same answers with less work.
Both make exactly the calls that the service makes.
"""

import gc
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from aiobotocore.session import AioSession

from benchmarks.answers import ACCOUNT, REGION
from benchmarks.endpoint import DESCRIBE, LIST, PAGE, Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.watching import Watcher, remember_all, watching
from notifier.model import Scope, ScopeState
from notifier.sources import new_session
from notifier.sources.client import connected

MOVED_SHARE = 0.01
OWN_CPU_GOAL = 15.0
MANY_GOAL = 1.1


async def calls(endpoint: Endpoint, _: Scale) -> AsyncIterator[Figure]:
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


async def own_cpu(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The service's CPU on top of the bare client's, for quiet sweeps and for those where 1 % moved."""
    for size in scale.sizes:
        await endpoint.stock(unfinished=size)
        with TemporaryDirectory() as folder:
            async with (
                watching(Path(folder) / "notifier.db") as watcher,
                AioSession().create_client("sagemaker", region_name=REGION) as bare_client,
                connected(new_session(), "sagemaker", REGION) as connection,
            ):
                await remember_all(watcher)
                clients = (bare_client, await connection.client())
                for moving, scene in ((0, "quiet"), (math.ceil(size * MOVED_SHARE), "1 % moved")):
                    bare, lean, service = await _compared(endpoint, watcher, clients, scale, size, moving)
                    parts = f"ms: {bare * 1e3:,.1f} bare, {lean * 1e3:,.1f} lean, {service * 1e3:,.1f} the service"
                    what = f"own CPU, {size:,} jobs, {scene} ({parts})"
                    yield Figure(what, 100 * (service / bare - 1), "%", OWN_CPU_GOAL)


async def commit(_: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """What the one transaction of a quiet sweep costs."""
    scope, now = Scope(ACCOUNT, REGION), time.time()
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher:

            async def committed() -> None:
                await watcher.store.watch.complete(scope, ScopeState(now, now, now), ())

            await committed()
            began = time.perf_counter()
            spent = sum([await cpu(committed) for _ in range(scale.commits)])
            seconds = time.perf_counter() - began
    yield Figure("CPU of a sweep's commit", spent / scale.commits * 1e3, "ms", decimals=2)
    yield Figure("time of a sweep's commit", seconds / scale.commits * 1e3, "ms", decimals=2)


async def _compared(
    endpoint: Endpoint, watcher: Watcher, clients: Sequence[Any], scale: Scale, size: int, moving: int
) -> list[float]:
    """The CPU seconds of each client's sweep and of the service's, the medians of rounds taken in alternation."""
    repeats = max(1, scale.jobs_a_round // size)
    rounds: list[list[float]] = []
    await endpoint.calls()
    for _ in range(scale.rounds + 1):
        seconds = [0.0] * (len(clients) + 1)
        gc.collect()
        for _ in range(repeats):
            moved = await endpoint.move(moving)
            sweeps: list[Callable[[], Awaitable[None]]] = [partial(_bare_sweep, each, moved) for each in clients]
            for number, sweep in enumerate([*sweeps, watcher.watch.turn]):
                seconds[number] += await cpu(sweep) / repeats
                _expected(await endpoint.calls(), size, moving)
        rounds.append(seconds)
    # The first round warms up all of them, and is not counted.
    return [median(each) for each in zip(*rounds[1:], strict=True)]


async def many(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """How the CPU of a sweep grows from thousands of jobs to a hundred thousand."""
    costs = [await _moved_sweep(endpoint, size, scale.rounds) for size in (scale.remembered, scale.many)]
    parts = f"{costs[1]:,.2f} s; of {scale.remembered:,} jobs {costs[0]:,.2f} s"
    what, most = (
        f"CPU of a sweep of {scale.many:,} jobs, 1 % moved ({parts})",
        MANY_GOAL * scale.many / scale.remembered,
    )
    yield Figure(what, costs[1] / costs[0], "×", most)


async def _moved_sweep(endpoint: Endpoint, size: int, rounds: int) -> float:
    await endpoint.stock(unfinished=size)
    seconds: list[float] = []
    with TemporaryDirectory() as folder:
        async with watching(Path(folder) / "notifier.db") as watcher:
            await remember_all(watcher)
            for _ in range(rounds + 1):
                gc.collect()
                await endpoint.move(math.ceil(size * MOVED_SHARE))
                seconds.append(await cpu(watcher.watch.turn))
    return median(seconds[1:])


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


async def cpu(work: Callable[[], Awaitable[None]]) -> float:
    """CPU seconds of this process, all threads, while the work is done."""
    began = time.process_time()
    await work()
    return time.process_time() - began


def _expected(made: Counter[str], size: int, moving: int) -> None:
    """A comparison of different calls would say nothing."""
    assert made == Counter({LIST: math.ceil(size / PAGE), DESCRIBE: moving}), f"{size} jobs, {moving} moved: {made}"
