"""The workers of a soak: real processes of `notifier run`, which are started again under another name each time."""

import json
import re
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.service.process import Notifier, notifying

LOSSES = ("a lease could not be renewed in time", "another worker took over")
"""How a worker says in its log that it stopped in the middle of what it did."""


@dataclass
class Worker:
    """One place for a worker. `busy`: something is being done to it."""

    number: int
    notifier: Notifier
    lives: int = 0
    busy: bool = False
    wrong: list[str] = field(default_factory=list)
    """Ends that nobody asked for."""
    memory: list[float] = field(default_factory=list)
    """The most that each process had, MB."""

    @property
    def name(self) -> str:
        """The name that the process now running tells SageMaker."""
        return f"worker-{self.number}-{self.lives}"

    async def start(self) -> None:
        """Start a new process."""
        self.lives += 1
        await self.notifier.start(AWS_SDK_UA_APP_ID=self.name)

    async def end(self, number: int) -> None:
        """Send a signal, and wait for the end: by SIGTERM it must be a clean one."""
        process = self.notifier.processes[-1]
        if process.returncode is not None:
            self.wrong.append(f"{self.name} had ended by itself with {process.returncode}")
            return
        if number == signal.SIGTERM:
            # Before it has begun to listen for signals, any process simply dies of one.
            await self.notifier.ready(process)
        self.memory.append(self._most_memory())
        status = await self.notifier.stop(process, number)
        if number == signal.SIGTERM and status != 0:
            self.wrong.append(f"{self.name} ended with {status} after SIGTERM")

    def signal(self, number: int) -> None:
        """Send a signal that is not its end."""
        self.notifier.processes[-1].send_signal(number)

    def log(self) -> Iterator[Mapping[str, Any]]:
        """The lines of all its processes; one that was cut off by a kill is left out."""
        for line in self.notifier.log_file.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def losses(self) -> Iterator[float]:
        """When it lost a lease in the middle of something."""
        for line in self.log():
            if str(line["event"]).startswith(LOSSES):
                yield datetime.fromisoformat(line["timestamp"]).timestamp()

    def _most_memory(self) -> float:
        status = Path(f"/proc/{self.notifier.processes[-1].pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) * 1024 / 1e6 if found else 0.0


@asynccontextmanager
async def crew(folder: Path, size: int, endpoint: str, settings: Mapping[str, str]) -> AsyncIterator[list[Worker]]:
    """Running workers with settings alike; whatever of them still runs at the end is killed."""
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(1, size + 1):
            place = folder / f"worker-{number}"
            place.mkdir()
            notifier = await stack.enter_async_context(notifying(place, endpoint, None, **settings))
            workers.append(Worker(number, notifier))
        for worker in workers:
            await worker.start()
        yield workers
