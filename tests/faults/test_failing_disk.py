"""A disk that is full, read-only or broken under the service: nothing is sent that is not durable, and it heals."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.faults.tracing import Tracer
from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import BOUND, Hook, Notifier, hooking, notifying, until


def ended(name: str) -> Job:
    return Job(name, time.time(), "Completed", completed=1, best=1, value=0.5, ended=time.time())


async def becomes(notifier: Notifier, status: int) -> None:
    """Wait until `/readyz` answers so."""
    async with asyncio.timeout(BOUND), aiohttp.ClientSession() as http:
        while await notifier.status(http, "/readyz") != status:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def complaints(notifier: Notifier) -> list[str]:
    """What it said of the database, once each."""
    return [str(line["error"]) for line in notifier.log() if "notifier.db" in str(line.get("error"))]


def known(file: Path, name: str) -> tuple[int, int]:
    """How many jobs of this name are remembered, and how many events are stored of them."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        query = "SELECT count(*), count(events.id) FROM notifier_jobs AS jobs LEFT JOIN notifier_events AS events"
        jobs, events = database.execute(f"{query} ON job_key = key WHERE name = ?", [name]).fetchone()
        return jobs, events


@dataclass
class Sceptic(Hook):
    """A receiver that looks whether what it is sent is durable: another connection sees only what was committed."""

    database: Path = Path()
    too_early: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            query = "SELECT state FROM notifier_outbox WHERE event_id = ?"
            if database.execute(query, [request.headers["webhook-id"]]).fetchone() != ("sending",):
                self.too_early.append(request.headers["webhook-id"])
        return await super().take(request)


@pytest.fixture
async def hook() -> AsyncIterator[Sceptic]:
    async with hooking(sceptic := Sceptic()):
        yield sceptic


@asynccontextmanager
async def full(disk: Path) -> AsyncIterator[None]:
    """Nothing more fits on it until the end of the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(512))
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture
async def on_a_small_disk(
    tmp_path: Path, small_disk: Path, sagemaker: SageMaker, hook: Sceptic
) -> AsyncIterator[Notifier]:
    hook.database = small_disk / "notifier.db"
    url = f"sqlite:///{hook.database}"
    async with notifying(tmp_path, sagemaker.url, hook, NOTIFIER_DATABASE_URL=url) as service:
        yield service


async def test_on_a_full_disk_nothing_is_known_owed_or_sent_and_it_goes_on_by_itself(
    on_a_small_disk: Notifier, small_disk: Path, sagemaker: SageMaker, hook: Sceptic
) -> None:
    process = await on_a_small_disk.start()
    await on_a_small_disk.ready(process)
    async with full(small_disk):
        sagemaker.put(ended("meanwhile"))
        await becomes(on_a_small_disk, 503)
        await until(lambda: len(complaints(on_a_small_disk)) > 0, "it is told")
        swept = sagemaker.calls.total()
        await until(lambda: sagemaker.calls.total() >= swept + 4, "it goes on sweeping")

        assert known(small_disk / "notifier.db", "meanwhile") == (0, 0)
        assert hook.attempts.total() == 0
        assert set(complaints(on_a_small_disk)) == {f"database {small_disk / 'notifier.db'}: the disk is full"}

    await until(lambda: len(hook.events) == 2, "it is told once there is room")
    await becomes(on_a_small_disk, 200)
    assert hook.too_early == []
    assert hook.heard() == [("meanwhile", "new_best", None), ("meanwhile", "status_changed", "Completed")]
    assert hook.attempts.total() == 2
    assert await on_a_small_disk.stop(process) == 0
    assert "Traceback" not in on_a_small_disk.log_file.read_text()


async def test_what_was_taken_while_the_disk_was_full_is_written_down_later_and_not_sent_again(
    on_a_small_disk: Notifier, small_disk: Path, sagemaker: SageMaker, hook: Sceptic
) -> None:
    process = await on_a_small_disk.start()
    await on_a_small_disk.ready(process)
    hook.hold = asyncio.Event()
    sagemaker.put(Job("under-way", time.time()))
    await until(lambda: hook.attempts.total() == 1, "it is under way")
    async with full(small_disk):
        hook.hold.set()
        await until(lambda: len(complaints(on_a_small_disk)) > 0, "it cannot be written down")

    await becomes(on_a_small_disk, 200)
    sagemaker.move("under-way", status="Stopped", ended=time.time())
    await until(lambda: len(hook.events) == 2, "what comes after it is told")
    status, listed, _ = await on_a_small_disk.command("outbox", "list")

    assert (hook.attempts.total(), hook.too_early) == (2, [])
    assert (status, "started" in listed) == (0, False)
    assert await on_a_small_disk.stop(process) == 0


@pytest.mark.parametrize(
    ("calls", "error", "says"),
    [
        pytest.param("fdatasync", "EIO", "the disk reports an I/O error", id="it-cannot-be-made-durable"),
        pytest.param("pwrite64", "EIO", "the disk reports an I/O error", id="it-cannot-be-written"),
        pytest.param("pwrite64", "EROFS", "the disk reports an I/O error", id="the-kernel-made-it-read-only"),
        pytest.param("pwrite64", "ENOSPC", "the disk is full", id="the-quota-is-spent"),
    ],
)
async def test_on_a_broken_disk_nothing_is_sent_that_is_not_durable_and_it_goes_on_by_itself(
    notifier: Notifier, sagemaker: SageMaker, hook: Sceptic, tracer: Tracer, calls: str, error: str, says: str
) -> None:
    first = await notifier.start()
    await notifier.ready(first)
    assert await notifier.stop(first) == 0
    database = hook.database = notifier.folder / "notifier.db"
    files = [database, database.with_name("notifier.db-wal")]
    # So many writes in a row fail once it runs. Each attempt of a commit is one, and so is each question whether it is
    # ready: nobody asks before it can be.
    process = await notifier.start(*tracer.fails(calls, error, "30..69", *files))
    await until(lambda: [line["event"] for line in notifier.log()].count("watching") == 2, "its second life watches")

    await becomes(notifier, 200)
    await becomes(notifier, 503)
    sagemaker.put(ended("meanwhile"))
    await becomes(notifier, 200)
    await until(lambda: len(hook.events) == 2, "it is told once the disk works")

    assert hook.too_early == []
    assert hook.attempts.total() == 2
    assert {complaint.partition(": ")[2] for complaint in complaints(notifier)} <= {says}
    assert await notifier.stop(process) == 0
    assert "Traceback" not in notifier.log_file.read_text()
