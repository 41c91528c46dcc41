"""The demo: a simulated SageMaker, the real service, and an inbox, for about a minute on this machine."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from notifier.simulator.account import Account
from notifier.simulator.inbox import Arrived, Inbox
from notifier.simulator.interruption import interruptions
from notifier.simulator.job import SimulatedJob
from notifier.simulator.loopback import serving
from notifier.simulator.sagemaker import Quirks, SageMaker
from notifier.simulator.service import Service, environment, free_port, running_service, webhook_secret
from notifier.simulator.story import SCENES, background, story
from notifier.simulator.summary import summary
from notifier.simulator.tally import compare

# The story takes this share of the time; the rest is for the start and for the last messages.
_STORY_SHARE = 0.85
# When nothing more can happen and nothing came for so long, the demo is over.
_QUIET = 2.5
# When the time is up, an ending that is not told yet may take so much more.
_OVERTIME = 10.0
# An ending this young may still be on its way when the demo is cut short.
_GRACE = 5.0
# As on a bad day: none of it may show in the messages.
_TROUBLES = Quirks(throttled=0.02, failed=0.01, reset=0.005)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo runs. `speed` is recorded seconds in a second; None fits each run to its scene.

    `port` is the inbox's, 0 a free one. `keep`: the inbox stays open at the end until Ctrl-C.
    """

    seconds: float = 60.0
    speed: float | None = None
    jobs: int = len(SCENES)
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    keep: bool = False


async def run_demo(options: DemoOptions | None = None, console: Console | None = None) -> int:
    """Play the demo; 0 where every simulated ending was told exactly once, else 1. Ctrl-C ends it with the summary.

    Raises AddressUnusable where the inbox cannot have its port.
    """
    options, console = options or DemoOptions(), console or Console(highlight=False)
    with interruptions() as interrupted:
        return await _play(options, console, interrupted)


async def _play(options: DemoOptions, console: Console, interrupted: asyncio.Event) -> int:
    stage = Stage(options, console)
    async with stage.open() as service:
        outcome = await _first(finished=stage.perform(), interrupted=interrupted.wait(), died=service.ended())
        if outcome == "died":
            console.print(Text("The service ended by itself. Its last words:", "bold red"))
            console.print(Text(service.last_words()))
        elif not stage.jobs:
            console.print(Text("The service has not come to the end of its first sweep. Its last words:", "bold red"))
            console.print(Text(service.last_words()))
        cut_at = time.time()
        # A stop sends what is in flight, so what arrives until then counts.
        status = await service.stop()
        tally = compare(stage.jobs, (each.body for each in stage.inbox.events), cut_at, _GRACE)
        console.print(summary(stage.sagemaker, stage.inbox, stage.jobs, tally, cut_at))
        if options.keep and outcome == "finished":
            console.print(Text(f"The inbox stays open at {stage.address} until Ctrl-C.", "bold"))
            await interrupted.wait()
    return 0 if outcome != "died" and stage.jobs and status == 0 and tally.right else 1


@dataclass(slots=True)
class Stage:
    """Everything that the demo sets up. `jobs` is empty until the story begins."""

    options: DemoOptions
    console: Console
    sagemaker: SageMaker = field(init=False)
    inbox: Inbox = field(init=False)
    jobs: list[SimulatedJob] = field(default_factory=list)
    address: str = ""
    _progress: Progress = field(init=False)
    _last_arrival: float = 0.0

    def __post_init__(self) -> None:
        now, seed = time.time(), self.options.seed
        account = Account(tuple(background(now, seed)))
        self.sagemaker = SageMaker(account, quirks=_TROUBLES, seed=seed)
        self.inbox = Inbox(secret=webhook_secret(), on_arrival=self._show)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(None), TimeElapsedColumn(), console=self.console, transient=True
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Service]:
        """Simulator, inbox and service, as long as the block lasts."""
        host = self.options.host
        with tempfile.TemporaryDirectory(prefix="notifier-demo-") as folder:
            async with (
                serving(self.sagemaker.app(), "127.0.0.1") as simulator,
                serving(self.inbox.app(), host, self.options.port) as self.address,
            ):
                settings = environment(
                    os.environ,
                    folder=Path(folder),
                    simulator=simulator,
                    inbox=self.address,
                    secret=self.inbox.secret or "",
                    region=self.sagemaker.account.region,
                    http=f"127.0.0.1:{free_port('127.0.0.1')}",
                )
                self._introduce(settings["NOTIFIER_HTTP"])
                async with running_service(settings, Path(folder)) as service:
                    yield service

    async def perform(self) -> None:
        """Let the story play to its end, or until the time is up."""
        began = time.monotonic()
        with self._progress:
            bar = self._progress.add_task("waiting for the first sweep", total=self.options.seconds)
            while not self._over(passed := time.monotonic() - began):
                if not self.jobs and self._watching():
                    self._raise_curtain(self.options.seconds - passed)
                self._progress.update(bar, completed=passed, description=self._situation())
                await asyncio.sleep(0.1)

    def _raise_curtain(self, left: float) -> None:
        options = self.options
        length = min(options.seconds * _STORY_SHARE, left * 0.9)
        self.jobs = story(time.time() + 0.5, length, jobs=options.jobs, seed=options.seed, speed=options.speed)
        self.sagemaker.account = self.sagemaker.account.adding(self.jobs)

    def _watching(self) -> bool:
        """Whether the baseline stands: a List was read to its end, and another has begun since."""
        ends, begins = self.sagemaker.last_pages, self.sagemaker.sweeps
        return bool(ends) and begins[-1] > ends[0]

    def _over(self, passed: float) -> bool:
        """Whether everything is told and it is quiet, or the time is up; what just ended is waited for a little."""
        now = time.time()
        told = not compare(self.jobs, (each.body for each in self.inbox.events), now).missed
        if told and self.jobs and all(job.ended_at(now) for job in self.jobs):
            return passed >= self.options.seconds or time.monotonic() - self._last_arrival > _QUIET
        return passed >= self.options.seconds + (0.0 if told else _OVERTIME)

    def _situation(self) -> str:
        now = time.time()
        running = sum(1 for job in self.jobs if job.created <= now and not job.ended_at(now))
        ended = sum(1 for job in self.jobs if job.ended_at(now))
        if not self.jobs:
            return "waiting for the first sweep"
        return f"{running} running, {ended} of {len(self.jobs)} ended, {len(self.inbox.messages)} messages"

    def _introduce(self, http: str) -> None:
        self.console.print(Text.assemble(("Inbox    ", "bold"), (self.address, "bold cyan underline")))
        self.console.print(Text.assemble("Metrics  ", (f"http://{http}/metrics", "cyan")))
        self.console.print(
            Text("Everything runs on this machine: SageMaker is simulated, the service is the real one.\n", "dim")
        )

    def _show(self, arrived: Arrived) -> None:
        """One line for each Slack message."""
        self._last_arrival = time.monotonic()
        if arrived.kind == "slack":
            moment = time.strftime("%H:%M:%S", time.localtime(arrived.at))
            line = Text.assemble((f"{moment}  ", "dim"), _first_line(arrived.body))
            # A terminal shows what fits; a file or a pipe gets everything.
            terminal = self.console.is_terminal
            self.console.print(line, no_wrap=True, overflow="ellipsis" if terminal else "ignore", crop=terminal)


def _first_line(payload: Any) -> str:
    """The text that Slack shows in a notification."""
    text = str(payload.get("text") or "a message without a text").splitlines()[0]
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


async def _first(**waits: Coroutine[Any, Any, Any]) -> str:
    """Run all of them until one is done; gives its name. Its error is raised, the others are cancelled."""
    tasks = [asyncio.create_task(wait, name=name) for name, wait in waits.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    return min(done, key=tasks.index).get_name()
