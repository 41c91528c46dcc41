"""Run the benchmarks against one endpoint on loopback; print the figures beside their goals, and note them in the docs.

python -m benchmarks            all but those that take a quarter of an hour
python -m benchmarks scopes     those that are named
python -m benchmarks --smoke    all of them, in small; or those that are named
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from benchmarks import delivery, hints, memory, peers, scopes, startup, sweep, written
from benchmarks.endpoint import Endpoint, serving
from benchmarks.figure import Figure
from benchmarks.scale import FULL, SMOKE, Scale
from notifier.telemetry import configure_logging

Benchmark = Callable[[Endpoint, Scale], AsyncIterator[Figure]]
BENCHMARKS: tuple[Benchmark, ...] = (
    sweep.calls,
    sweep.own_cpu,
    sweep.many,
    peers.gathered,
    peers.describing,
    peers.triggers,
    sweep.commit,
    delivery.messages,
    delivery.told,
    memory.memory,
    startup.startup,
    hints.hints,
)
LONG: tuple[Benchmark, ...] = (scopes.scopes,)
LIMIT = 1800.0


def alone() -> None:
    """Let nothing of this machine's settings take part: neither ours, nor AWS's."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "NOTIFIER_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secretsecretsecret",
    }


async def measured(progress: Progress, scale: Scale, benchmarks: Sequence[Benchmark]) -> list[Figure]:
    """Their figures, in order."""
    figures: list[Figure] = []
    task = progress.add_task("")
    async with asyncio.timeout(LIMIT), serving() as endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint.url
        for benchmark in benchmarks:
            progress.update(task, description=(benchmark.__doc__ or "").strip())
            figures.extend([figure async for figure in benchmark(endpoint, scale)])
    return figures


def table(figures: list[Figure]) -> Table:
    """The figures as a table."""
    shown = Table(box=None)
    shown.add_column("what")
    for heading in ("measured", "goal", "verdict"):
        shown.add_column(heading, justify="right")
    for figure in figures:
        shown.add_row(*figure.cells)
    return shown


def main() -> None:
    """Measure, print, and put it into docs/performance.md; with `--smoke` only as much as shows that all of it runs."""
    names, smoke = sys.argv[1:], "--smoke" in sys.argv
    every = (*BENCHMARKS, *LONG)
    chosen = [each for each in every if each.__name__ in names] or (every if smoke else BENCHMARKS)
    alone()
    console = Console()
    progress = Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True)
    with Path(os.devnull).open("w") as nowhere, progress:
        # The service's log lines cost what they cost, but nobody reads them here.
        configure_logging("info", "json", nowhere)
        figures = asyncio.run(measured(progress, SMOKE if smoke else FULL, chosen))
    console.print(table(figures), soft_wrap=True)
    if chosen == BENCHMARKS and not smoke:
        written.write(figures)


if __name__ == "__main__":
    main()
