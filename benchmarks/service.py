"""`notifier run` as a process of its own, looked at from outside."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.answers import REGION
from benchmarks.watching import UNPACED
from notifier.simulator.service import free_port

PATIENCE = 60.0
GLANCE = 0.01
"""Seconds between two looks at a page of the service."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service. `began` is when its process was asked for, monotonic seconds; `log` is what it logs."""

    process: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    began: float
    log: Path

    async def ready(self) -> float:
        """Wait until its first sweep is complete; seconds since its start."""
        await self._until(self._is_ready)
        return time.monotonic() - self.began

    async def swept(self, times: float, patience: float = PATIENCE, glance: float = GLANCE) -> None:
        """Wait until it has completed so many sweeps, of all scopes together."""

        async def enough() -> bool:
            return await self.sweeps() >= times

        await self._until(enough, patience, glance)

    async def sweeps(self) -> float:
        """How many sweeps it has completed, of all scopes together."""
        metrics = await self.page("/metrics")
        found = re.findall(r'^notifier_sweeps_total\{.*outcome="ok".*\} (\S+)$', metrics, re.MULTILINE)
        return sum(map(float, found))

    def cpu(self) -> float:
        """CPU seconds of the whole process so far."""
        spent = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def lines(self) -> int:
        """How many lines it has logged."""
        return self.log.read_text().count("\n")

    def megabytes(self, field: str) -> float:
        """Memory as the kernel counts it: VmRSS is held now, VmHWM was the most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None, status
        return int(found[1]) * 1024 / 1e6

    async def _is_ready(self) -> bool:
        return bool(await self.page("/readyz"))

    async def page(self, path: str) -> str:
        """A page's text; empty where it is not answered with 200."""
        try:
            async with self.http.get(path) as answer:
                return await answer.text() if answer.status == 200 else ""
        except (aiohttp.ClientConnectionError, TimeoutError):
            return ""

    async def _until(
        self, condition: Callable[[], Coroutine[Any, Any, bool]], patience: float = PATIENCE, glance: float = GLANCE
    ) -> None:
        async with asyncio.timeout(patience):
            while not await condition():
                assert self.process.returncode is None, f"notifier run ended with {self.process.returncode}"
                await asyncio.sleep(glance)


@asynccontextmanager
async def running(database: Path, **settings: str) -> AsyncIterator[Service]:
    """The service until the end of the block, sweeping every second unless the settings say otherwise."""
    port = free_port("127.0.0.1")
    env = os.environ | {
        "AWS_REGION": REGION,
        "NOTIFIER_DATABASE_URL": f"sqlite:///{database}",
        "NOTIFIER_HTTP": f"127.0.0.1:{port}",
        "NOTIFIER_API_RATE": f"{UNPACED:.0f}",
        "NOTIFIER_POLL_INTERVAL": "1s",
        **settings,
    }
    quiet, log = asyncio.subprocess.DEVNULL, database.with_suffix(".log")
    timeout = aiohttp.ClientTimeout(10)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as http:
        began = time.monotonic()
        with log.open("w") as said:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "notifier", "run", cwd=database.parent, env=env, stdout=quiet, stderr=said
            )
        try:
            yield Service(process, http, began, log)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
