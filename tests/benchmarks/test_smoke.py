"""The benchmarks run: what they measure is not looked at here, for tests never time."""

import asyncio
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

from tests.postgres import binaries

ROOT = Path(__file__).parents[2]


async def test_every_benchmark_gives_its_figures() -> None:
    process = await create_subprocess_exec(sys.executable, "-m", "benchmarks", "--smoke", cwd=ROOT, stdout=PIPE)
    async with asyncio.timeout(300):
        out, _ = await process.communicate()

    printed = out.decode()
    assert process.returncode == 0
    for figure in (
        "List calls a sweep",
        "own CPU",
        "sweep's commit",
        "time of a webhook message",
        "from the answer to the webhook",
        "memory after two sweeps",
        "start to first sweep",
        "first look",
        *(["from an event to the webhook"] if binaries() else []),
    ):
        assert figure in printed
