"""The benchmarks run: what they measure is not looked at here, for tests never time."""

import asyncio
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, LONG
from tests.postgres import binaries

ROOT = Path(__file__).parents[2]
PRINTED = {
    "calls": "List calls a sweep",
    "own_cpu": "own CPU",
    "many": "CPU of a sweep of 300 jobs",
    "gathered": "against the same calls by hand",
    "describing": "CPU of a Describe",
    "triggers": "one trigger for each of 3 jobs",
    "commit": "sweep's commit",
    "messages": "time of a webhook message",
    "told": "from the answer to the webhook",
    "memory": "memory after two sweeps",
    "startup": "start to first sweep",
    "hints": "from an event to the webhook" if binaries() else "",
    "scopes": "first look",
}
"""What each prints, at least."""
PARTS = {
    "in-process": ("calls", "own_cpu", "many", "gathered", "describing", "commit", "messages", "told"),
    "processes": ("triggers", "memory", "startup", "scopes"),
    "workers": ("hints",),
}


def test_none_is_left_out() -> None:
    named = [name for names in PARTS.values() for name in names]

    assert sorted(named) == sorted(PRINTED) == sorted(each.__name__ for each in (*BENCHMARKS, *LONG))


@pytest.mark.parametrize("names", PARTS.values(), ids=PARTS)
async def test_every_benchmark_gives_its_figures(names: tuple[str, ...]) -> None:
    process = await create_subprocess_exec(sys.executable, "-m", "benchmarks", "--smoke", *names, cwd=ROOT, stdout=PIPE)
    async with asyncio.timeout(120):
        out, _ = await process.communicate()

    printed = out.decode()
    assert process.returncode == 0
    for name in names:
        assert PRINTED[name] in printed
