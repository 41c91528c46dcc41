"""`notifier demo` and `notifier simulate`: a SageMaker of our own on this machine."""

import asyncio
from typing import Annotated

import typer

from notifier.cli.execution import finish


def demo(
    seconds: Annotated[float, typer.Option(min=10, help="How long it lasts.")] = 60,
    speed: Annotated[float | None, typer.Option(min=1, help="How much faster than life runs are replayed.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=100, help="How many tuning jobs begin.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The inbox's port; 0: any free one.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the inbox open at the end, until Ctrl-C.")] = False,
) -> None:
    """Show it at work: simulated tuning jobs, the real service, and an inbox that shows the messages as Slack would."""
    from notifier.simulator.demo import DemoOptions, run_demo

    options = DemoOptions(seconds=seconds, speed=speed, jobs=jobs, seed=seed, port=port, keep=keep)
    finish(lambda: asyncio.run(run_demo(options)))


def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 4567,
    jobs: Annotated[int, typer.Option(min=0, max=100, help="How many tuning jobs begin.")] = 8,
    history: Annotated[int, typer.Option(min=0, help="How many ended long ago.")] = 1200,
    seconds: Annotated[float, typer.Option(min=10, help="How long the story takes.")] = 600,
    throttled: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that are throttled.")] = 0,
    failed: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that end in a server error.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 1,
) -> None:
    """Run the simulated SageMaker alone, for your own tests, until it is interrupted."""
    from notifier.simulator.sagemaker import Quirks
    from notifier.simulator.standalone import SimulatorOptions, run_simulator

    options = SimulatorOptions(
        port=port,
        jobs=jobs,
        history=history,
        seconds=seconds,
        seed=seed,
        quirks=Quirks(throttled=throttled, failed=failed),
    )
    finish(lambda: asyncio.run(run_simulator(options)))
