"""`notifier run` killed at one system call after the other, each life going on where the one before was cut off."""

import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.faults.tracing import Remains, Tracer, remains
from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import BOUND, Hook, Notifier, until

# From the first commit of a start to the last of a job's life, as the database was written when these were chosen: a
# number that does not fit any more is a kill at another moment, and no less good.
SYNCS = [4, 6, 7, 8, 9, 10, 11, 12]
WRITES = [2, 58, 71, 84, 97, 110]
WAKES = [5, 8, 9, 10, 11]
HEARS = [36, 44, 50, 56]


@dataclass
class Lives:
    """Lives of one service on one database, and what those who look on learn of them."""

    notifier: Notifier
    sagemaker: SageMaker
    hook: Hook
    names: list[str] = field(default_factory=list)
    may_be_doubled: Counter[str] = field(default_factory=Counter)
    """By the event's id: at how many deaths it was under way."""
    settled: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def database(self) -> Path:
        return self.notifier.folder / "notifier.db"

    async def begin(self) -> None:
        """A whole life in peace: the baseline is taken."""
        process = await self.notifier.start()
        await self.notifier.ready(process)
        assert await self.notifier.stop(process) == 0

    async def until_death(self, under: list[str], *, work: bool = True) -> Remains:
        """One life: jobs begin and end until it is killed. What it left behind."""
        process = await self.notifier.start(*under)
        dying = asyncio.ensure_future(process.wait())
        async with asyncio.timeout(2 * BOUND):
            while not dying.done():
                if work:
                    await self._one_more_job(dying)
                await asyncio.wait({dying}, timeout=0.05)
        assert process.returncode == -signal.SIGKILL, self.notifier.log_file.read_text()[-2000:]
        left = remains(self.database)
        assert (left.sound, left.known_but_not_owed, left.owed_but_not_known) == ("ok", frozenset(), frozenset())
        assert not self.settled - left.settled, "what was settled is owed again"
        self.settled |= left.settled
        self.may_be_doubled.update(left.under_way)
        return left

    async def _one_more_job(self, dying: "asyncio.Future[int]") -> None:
        name = f"job-{next(self.numbers):02d}"
        self.names.append(name)
        self.sagemaker.put(Job(name, time.time()))
        await self._told(dying, name, "started")
        self.sagemaker.move(name, completed=2, best=1, value=0.7, status="Completed", ended=time.time())
        await self._told(dying, name, "status_changed")

    async def _told(self, dying: "asyncio.Future[int]", name: str, kind: str) -> None:
        while not dying.done() and not any(job == name and type_ == kind for job, type_, _ in self.hook.heard()):
            await asyncio.wait({dying}, timeout=0.02)

    async def end_well(self) -> None:
        """A last life in peace: everything is told in order, and doubled is only what was under way at a death."""
        process = await self.notifier.start()
        await until(lambda: self.endings() == set(self.names), "every ending is told")
        await self.notifier.ready(process)
        assert await self.notifier.stop(process) == 0
        for name in self.names:
            kinds = [kind for job, kind, _ in self.hook.heard() if job == name]
            assert kinds in (["started", "new_best", "status_changed"], ["new_best", "status_changed"])
        too_often = {
            id_: times for id_, times in Counter(self.hook.ids).items() if times > 1 + self.may_be_doubled[id_]
        }
        assert too_often == {}
        assert "Traceback" not in self.notifier.log_file.read_text()

    def endings(self) -> set[str]:
        """The jobs whose ending was told."""
        return {job for job, kind, to in self.hook.heard() if (kind, to) == ("status_changed", "Completed")}


@pytest.fixture
def lives(notifier: Notifier, sagemaker: SageMaker, hook: Hook) -> Lives:
    return Lives(notifier, sagemaker, hook)


def files(lives: Lives) -> list[Path]:
    return [lives.database.with_name(f"notifier.db{suffix}") for suffix in ("", "-wal", "-journal")]


@pytest.mark.parametrize(
    ("call", "numbers"),
    [
        pytest.param("fdatasync", SYNCS, id="before-it-is-durable"),
        pytest.param("pwrite64", WRITES, id="half-written"),
    ],
)
async def test_killed_at_any_write_it_loses_nothing_and_doubles_only_what_was_under_way(
    lives: Lives, tracer: Tracer, call: str, numbers: list[int]
) -> None:
    await lives.begin()

    for number in numbers:
        await lives.until_death(tracer.kills(call, number, *files(lives)))

    await lives.end_well()


@pytest.mark.parametrize(
    ("call", "numbers"),
    [
        # The thread that writes says so to the loop, by a byte.
        pytest.param("sendto", WAKES, id="committed-and-nobody-has-heard-of-it"),
        pytest.param("recvfrom", HEARS, id="answered-and-nobody-has-heard-of-it"),
    ],
)
async def test_killed_before_it_hears_of_what_was_done_it_loses_nothing_and_doubles_only_what_was_under_way(
    lives: Lives, tracer: Tracer, call: str, numbers: list[int]
) -> None:
    await lives.begin()

    for number in numbers:
        await lives.until_death(tracer.kills(call, number))

    await lives.end_well()


@pytest.mark.parametrize(
    ("call", "number"),
    [
        pytest.param("fdatasync", 1, id="before-anything-is-durable"),
        pytest.param("pwrite64", 20, id="half-written"),
        pytest.param("fdatasync", 6, id="before-the-tables-are-durable"),
    ],
)
async def test_killed_while_its_tables_are_made_it_starts_all_the_same(
    lives: Lives, tracer: Tracer, call: str, number: int
) -> None:
    await lives.until_death(tracer.kills(call, number, *files(lives)), work=False)

    await lives.begin()

    lives.names.append("after")
    lives.sagemaker.put(Job("after", time.time(), "Completed", completed=1, best=1, value=0.5, ended=time.time()))
    await lives.end_well()
