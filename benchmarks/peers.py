"""The whole service against what people would otherwise run, and against about the limit of Python.

*Gathered* is one Describe for each job, all at once, by aiobotocore as it comes; *one trigger a job* is how Airflow's
SageMaker operators wait: each with a client of its own; *by hand* are the service's calls signed by hand over aiohttp
with orjson.
"""

import asyncio
import gc
import math
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from aiobotocore.session import AioSession

from benchmarks.answers import REGION
from benchmarks.byhand import by_hand
from benchmarks.endpoint import Endpoint
from benchmarks.figure import Figure
from benchmarks.scale import Scale
from benchmarks.sweep import MOVED_SHARE, cpu
from benchmarks.watching import remember_all, watching
from notifier.sources import new_session
from notifier.sources.client import connected

GATHERED_GOAL, BY_HAND_GOAL, DESCRIBE_GOAL = 2.5, 2.5, 0.65
TURN = 10


async def gathered(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The CPU of a sweep with 1 % moved, store and outbox included, against gathered Describes, and by hand."""
    for size in scale.sizes:
        names = await _stocked(endpoint, size)
        few = names[: scale.gathered]
        rounds: list[tuple[float, float, float]] = []
        with TemporaryDirectory() as folder:
            async with (
                watching(Path(folder) / "notifier.db") as watcher,
                AioSession().create_client("sagemaker", region_name=REGION) as bare,
                by_hand(endpoint.url) as hand,
            ):
                await remember_all(watcher)
                for _ in range(scale.rounds + 1):
                    gc.collect()
                    each = await cpu(lambda: _all_described(bare, few)) * size / len(few)  # noqa: B023
                    moved = await endpoint.move(math.ceil(size * MOVED_SHARE))
                    rounds.append(
                        (each, await cpu(lambda: hand.sweep(moved)), await cpu(watcher.watch.turn))  # noqa: B023
                    )
        described, limit, ours = (median(each) for each in zip(*rounds[1:], strict=True))
        parts = f"ms: {described * 1e3:,.1f} gathered, {limit * 1e3:,.1f} by hand, {ours * 1e3:,.1f} the service"
        goals = (GATHERED_GOAL, BY_HAND_GOAL) if size == max(scale.sizes) else (None, None)
        yield Figure(
            f"CPU of a sweep, {size:,} jobs, 1 % moved ({parts})", 100 * ours / described, "% gathered", goals[0]
        )
        yield Figure("  against the same calls by hand", ours / limit, "× by hand", goals[1], decimals=2)


async def describing(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """The CPU of a Describe through the service's client, against aiobotocore as it comes."""
    names = (await _stocked(endpoint, scale.describes))[: scale.describes]
    rounds: list[tuple[float, float]] = []
    async with (
        AioSession().create_client("sagemaker", region_name=REGION) as bare,
        connected(new_session(), "sagemaker", REGION) as connection,
    ):
        lean = await connection.client()
        for _ in range(scale.rounds + 1):
            gc.collect()
            # By turns, a few at a time: a machine has seconds in which it is slower.
            turns = [names[at : at + TURN] for at in range(0, len(names), TURN)]
            spent = [[await cpu(lambda: _described(client, few)) for client in (bare, lean)] for few in turns]  # noqa: B023
            rounds.append((sum(each[0] for each in spent), sum(each[1] for each in spent)))
    theirs, ours = (median(each) / len(names) * 1e3 for each in zip(*rounds[1:], strict=True))
    parts = f"{theirs:,.2f} ms bare, {ours:,.2f} ms"
    yield Figure(f"CPU of a Describe ({parts})", ours / theirs, "× bare", DESCRIBE_GOAL, decimals=2)


async def triggers(endpoint: Endpoint, scale: Scale) -> AsyncIterator[Figure]:
    """One trigger a job, as in Airflow: CPU of one look at each, clients included, and their memory."""
    names = (await _stocked(endpoint, scale.triggers))[: scale.triggers]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.peers", *names, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    seconds, megabytes = map(float, out.split())
    yield Figure(f"one trigger for each of {len(names):,} jobs: CPU of their first look", seconds, "s", decimals=2)
    yield Figure("  memory a job", megabytes, "MB", decimals=2)


async def _stocked(endpoint: Endpoint, size: int) -> list[str]:
    await endpoint.stock(unfinished=size)
    return [f"sweep-{index:05d}" for index in range(size)]


async def _all_described(client: Any, names: list[str]) -> None:
    await asyncio.gather(
        *(client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=each) for each in names)
    )


async def _described(client: Any, names: list[str]) -> None:
    for each in names:
        await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=each)


def _resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def _trigger(names: list[str]) -> tuple[float, float]:
    """CPU seconds and MB a job of one client for each job, which looks once."""
    session = AioSession()
    async with session.create_client("sagemaker", region_name=REGION) as first:
        await _described(first, names[:1])
    before = _resident()
    async with AsyncExitStack() as stack:

        async def look(name: str) -> None:
            client = await stack.enter_async_context(session.create_client("sagemaker", region_name=REGION))
            await _described(client, [name])

        async def looks() -> None:
            for each in names:
                await look(each)

        seconds = await cpu(looks)
        return seconds, (_resident() - before) / len(names)


if __name__ == "__main__":
    print(*asyncio.run(_trigger(sys.argv[1:])))
