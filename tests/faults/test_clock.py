"""A wall clock that is set by an hour, and a process that is suspended, while something is waited for."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from tests.faults.clock import Clock
from tests.faults.crew import crew
from tests.pipeline.sagemaker import Job, SageMaker
from tests.postgres import Server
from tests.service.process import Hook, Notifier, hooking, notifying, until

ASKED = 5.0
"""Seconds that the receiver asks to be left alone."""


@dataclass
class Punctual(Hook):
    """A receiver that notes when it is asked, by its own monotonic clock, and verifies by the right time."""

    asks: float | None = None
    """While set: it takes nothing, and asks for so many seconds of rest."""
    came: list[float] = field(default_factory=list)
    signed: list[int] = field(default_factory=list)
    """The time that each request says it was signed at."""

    async def take(self, request: web.Request) -> web.Response:
        self.came.append(time.monotonic())
        self.signed.append(int(request.headers["webhook-timestamp"]))
        self._check(request.headers["webhook-id"], self.signed[-1], (await request.read()).decode(), request)
        if self.asks is not None:
            return web.Response(status=429, headers={"Retry-After": f"{self.asks:.0f}"})
        try:
            return await super().take(request)
        except WebhookVerificationError:
            return web.Response(status=401, text="Message timestamp too old or too new")

    def _check(self, id_: str, at: int, body: str, request: web.Request) -> None:
        expected = Webhook(self.secret).sign(id_, datetime.fromtimestamp(at, UTC), body)
        assert request.headers["webhook-signature"] == expected


@pytest.fixture
async def hook() -> AsyncIterator[Punctual]:
    async with hooking(punctual := Punctual()):
        yield punctual


@pytest.fixture
async def timed(tmp_path: Path, sagemaker: SageMaker, hook: Punctual, clock: Clock) -> AsyncIterator[Notifier]:
    """The service, by a clock that can be set."""
    async with notifying(tmp_path, sagemaker.url, hook, **clock.environment) as service:
        yield service


@pytest.mark.parametrize("jump", ["+1h", "-1h"], ids=["an-hour-forward", "an-hour-back"])
async def test_a_wait_that_was_asked_for_is_kept_whatever_the_wall_clock_does(
    timed: Notifier, clock: Clock, sagemaker: SageMaker, hook: Punctual, jump: str
) -> None:
    process = await timed.start()
    await timed.ready(process)
    hook.asks = ASKED
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: len(hook.came) == 1, "it is asked to wait")
    clock.set(jump)
    hook.asks = None

    # By a clock that is wrong by an hour it signs, and the receiver, which goes by the right one, refuses that.
    await until(lambda: len(hook.came) >= 2, "the wait is over")
    assert hook.came[1] - hook.came[0] >= ASKED
    assert abs(abs(hook.signed[1] - hook.signed[0]) - 3600) < 300
    assert hook.ids == []

    clock.set("+0")
    await until(lambda: len(hook.ids) == 1, "it is taken once the clock is right")
    assert hook.attempts.total() == 1
    assert abs(hook.signed[-1] - time.time()) < 300
    assert await timed.stop(process) == 0


@pytest.mark.parametrize("jump", ["+1h", "-1h"], ids=["an-hour-forward", "an-hour-back"])
async def test_a_hold_ends_in_its_time_whatever_the_wall_clock_does(
    timed: Notifier, clock: Clock, sagemaker: SageMaker, hook: Punctual, jump: str
) -> None:
    process = await timed.start()
    await timed.ready(process)
    hook.status = 500
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: len(hook.came) >= 3, "it is held")
    clock.set(jump)
    tried = len(hook.came)

    await until(lambda: len(hook.came) >= tried + 2, "it is tried again, though the clock is wrong")
    clock.set("+0")
    hook.status = 200
    await until(lambda: len(hook.ids) == 1, "it is taken")
    sagemaker.move("xgb", status="Completed", ended=time.time())
    await until(lambda: len(hook.ids) == 2, "and so is what follows")

    pauses = [later - earlier for earlier, later in zip(hook.came, hook.came[1:-1], strict=False)]
    assert min(pauses) >= 0.8  # The shortest pause, a second, less its jitter.
    held = [line["held_seconds"] for line in timed.log() if line["event"] == "destination works again"]
    assert held and all(seconds >= 0 for seconds in held)
    assert await timed.stop(process) == 0


@pytest.mark.parametrize("seconds", [2.0, ASKED + 2.0], ids=["within-the-wait", "past-its-end"])
async def test_a_wait_that_was_asked_for_is_kept_by_a_process_that_was_suspended(
    notifier: Notifier, sagemaker: SageMaker, hook: Punctual, seconds: float
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    hook.asks = ASKED
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: len(hook.came) == 1, "it is asked to wait")
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)  # How long it sleeps is the case.
    process.send_signal(signal.SIGCONT)
    hook.asks = None

    await until(lambda: len(hook.ids) == 1, "it is taken")

    assert hook.came[1] - hook.came[0] >= ASKED
    assert len(hook.came) == 2
    assert await notifier.stop(process) == 0


async def test_a_worker_whose_clock_is_set_keeps_its_leases_and_takes_no_others(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Punctual, clock: Clock
) -> None:
    # Long enough for a machine that is busy: a lease that is lost for another reason would look the same.
    long = {"NOTIFIER_LEASE": "30s"}
    async with crew(tmp_path, postgres_server, postgres_url, sagemaker, hook, 2, **long) as workers:
        workers.workers[0].notifier.env |= clock.environment
        await workers.begin()
        await until(workers.share, "each has its share")
        tokens = "SELECT duty, worker, token FROM notifier_leases ORDER BY duty"
        before = workers.ask(tokens)
        for jump in ("+1h", "-1h", "+0"):
            clock.set(jump)
            # The server's time of the next beat but one of each, by which the clock has been looked at again.
            renewed = "SELECT min(expires_at) > {} FROM notifier_workers"
            (later,) = workers.ask("SELECT max(expires_at) + 2 FROM notifier_workers")
            await until(lambda: workers.ask(renewed.format(later)) == ["t"], "both renew their leases")  # noqa: B023

        workers.tell("job")
        await until(lambda: workers.told() == {"job"}, "it is told")
        assert workers.ask(tokens) == before
        for each in workers.workers:
            assert await each.notifier.stop(each.process) == 0
