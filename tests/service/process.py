"""The real service as a process of its own, told by its environment alone."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook

from notifier.simulator.service import free_port, webhook_secret

BOUND = 90.0
"""Seconds that anything may take at most; a test fails then, and never waits so long otherwise."""
ROOT = Path(__file__).parents[2]


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so, or fail saying what was not."""
    try:
        async with asyncio.timeout(BOUND):
            while not condition():  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"did not come about: {what}") from None


@dataclass
class Hook:
    """A webhook receiver that verifies what it takes, and may be told to fail."""

    secret: str = field(default_factory=webhook_secret)
    url: str = ""
    status: int = 200
    ids: list[str] = field(default_factory=list)
    """Of every delivery that was answered with success, repeats included."""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    hold: asyncio.Event | None = None
    """While set, and not set off, answers wait."""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        event: dict[str, Any] = Webhook(self.secret).verify(body.decode(), dict(request.headers))
        self.attempts[event["id"]] += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.status < 300:
            self.ids.append(event["id"])
            self.events[event["id"]] = event
        return web.Response(status=self.status)

    def heard(self) -> list[tuple[str, str, str | None]]:
        """What was heard, in order: job, type, and the status it changed to."""
        return [
            (each["subject"], each["type"].partition(".")[2], each["data"]["change"].get("to"))
            for each in self.events.values()
        ]


@asynccontextmanager
async def hooking(hook: Hook | None = None) -> AsyncIterator[Hook]:
    """A webhook receiver on a port of its own."""
    hook = hook or Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


@dataclass
class Notifier:
    """How to run the service, and the processes that were run. `env` is its whole say over it."""

    folder: Path
    env: dict[str, str]
    port: int
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def log_file(self) -> Path:
        return self.folder / "service.log"

    def log(self) -> list[dict[str, Any]]:
        """What it logged, line by line: every line is JSON, or this fails."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    async def start(self, *under: str, **env: str) -> asyncio.subprocess.Process:
        """Start `notifier run`, it may be under a program that runs others."""
        with self.log_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *under, sys.executable, "-m", "notifier", "run",
                cwd=self.folder, env=self.env | env, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self.processes.append(process)
        return process

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait until the service says that it is."""
        async with asyncio.timeout(BOUND), aiohttp.ClientSession() as http:
            while await self.status(http, "/readyz") != 200:
                assert process.returncode is None, self.log_file.read_text()[-2000:]
                await asyncio.sleep(0.05)

    async def status(self, http: aiohttp.ClientSession, path: str) -> int | None:
        """What one of its pages answers, None while nothing does."""
        try:
            async with http.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status
        except aiohttp.ClientError:
            return None

    async def stop(self, process: asyncio.subprocess.Process, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        process.send_signal(number)
        async with asyncio.timeout(BOUND):
            return await process.wait()

    async def command(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        """Run a command of the command line: its exit status, what it printed, and what it complained of."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier", *arguments,
            cwd=self.folder, env=self.env | env, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(BOUND):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def notifying(folder: Path, endpoint: str, hook: Hook | None = None, **env: str) -> AsyncIterator[Notifier]:
    """A service to run in an empty folder; whatever of it still runs at the end is killed."""
    port = free_port("127.0.0.1")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFIER_", "AWS_"))}
    settings = {
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_SAGEMAKER": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "aVerySecretAccessKey",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NOTIFIER_POLL_INTERVAL": "1s",
        "NOTIFIER_API_RATE": "200",
        "NOTIFIER_LOG_FORMAT": "json",
        "NOTIFIER_HTTP": f"127.0.0.1:{port}",
        "NOTIFIER_SECRETS_DIR": str(folder),
    }
    hooks = {"NOTIFIER_WEBHOOK_URL": hook.url, "NOTIFIER_WEBHOOK_SECRET": hook.secret} if hook else {}
    notifier = Notifier(folder, clean | settings | hooks | env, port)
    try:
        yield notifier
    finally:
        for process in notifier.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
