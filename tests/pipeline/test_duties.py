"""Duties on virtual time, over a real store: begun, renewed, cut off in time, handed over, and never done twice."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.errors import StoreUnavailable
from notifier.leasing import DELIVER, WATCH, duty
from notifier.model import Lease, Scope, ScopeState
from notifier.pipeline.duties import FAILED_SECONDS, FEW, LOOK_SECONDS, Duties
from notifier.ports import LeaseStore, Standing
from notifier.store import Store, open_store
from tests.virtual import in_virtual_time, now

LEASE = 30.0
TRUST = LEASE * 2 / 3
MOMENT = 1e-6
EAST, WEST, SLACK = duty(WATCH, "us-east-1"), duty(WATCH, "us-west-1"), duty(DELIVER, "slack")
DUTIES = (EAST, WEST, SLACK)
SCOPE = Scope("111122223333", "us-east-1")


@dataclass
class Span:
    """Work on one duty under one lease, from when to when (virtual seconds), and how it ended."""

    lease: Lease
    began: float
    ended: float = math.inf
    how: str = "under way"


@dataclass
class Line:
    """The way to the store, which can be cut: before the question arrives, or before the answer does."""

    store: LeaseStore
    cut: bool = False
    deaf: bool = False
    hang: asyncio.Event | None = None
    """Where set, questions wait for it."""
    slow: float = 0.0
    """Seconds that the answer to a beat takes on its way back."""
    bug: Exception | None = None
    beats: list[float] = field(default_factory=list)
    """When a beat was answered."""

    async def beat(self, worker: str, duties: Collection[str], seconds: float) -> Standing:
        await self._pass()
        standing = await self.store.beat(worker, duties, seconds)
        await asyncio.sleep(self.slow)
        self._back()
        self.beats.append(now())
        return standing

    async def release(self, lease: Lease) -> None:
        await self._pass()
        await self.store.release(lease)
        self._back()

    async def leave(self, worker: str) -> None:
        await self._pass()
        await self.store.leave(worker)
        self._back()

    async def _pass(self) -> None:
        if self.hang is not None:
            await self.hang.wait()
        if self.bug is not None:
            raise self.bug
        if self.cut:
            raise StoreUnavailable("database: it does not answer")

    def _back(self) -> None:
        if self.deaf:
            raise StoreUnavailable("database: its answer was lost")


@dataclass
class Worker:
    """One worker: its line, its stop, and everything that it did."""

    name: str
    line: Line
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def end(self) -> None:
        """Stop it, and wait until it has ended."""
        assert self.task is not None
        self.stop.set()
        await self.task

    def kill(self) -> None:
        """It is gone from one moment to the other, and says nothing to anybody."""
        assert self.task is not None
        self.line.cut = True
        self.task.cancel()


@dataclass
class Crew:
    """Workers on one store, and the work of all of them. What it is like can be set for each duty."""

    store: Store
    tasks: asyncio.TaskGroup
    duties: tuple[str, ...] = DUTIES
    seconds: float = LEASE
    finishing: dict[str, float] = field(default_factory=dict)
    """Seconds that work takes to finish once it is stopped."""
    clinging: float = 0.0
    """Seconds that work takes to let go once it is cut off."""
    step: Callable[[Lease], object] = lambda lease: None
    """What work does each second."""
    spans: list[Span] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)

    def join(self, name: str, duties: tuple[str, ...] | None = None) -> Worker:
        """A worker begins."""
        worker = self.workers[name] = Worker(name, Line(self.store.leases))
        works = dict.fromkeys(self.duties if duties is None else duties, lambda lease: Labour(self, lease))
        running = Duties(worker.line, works, worker=name, seconds=self.seconds).run(worker.stop)
        worker.task = self.tasks.create_task(running, name=name)
        return worker

    def doing(self, name: str) -> set[str]:
        """What a worker does now."""
        return {span.lease.duty for span in self.spans if span.lease.worker == name and span.how == "under way"}

    def tale(self, wanted: str) -> list[Span]:
        """All the work on one duty, in order."""
        return [span for span in self.spans if span.lease.duty == wanted]

    def overlaps(self) -> list[tuple[Span, Span]]:
        """Work that began before the work before it had ended. Must be none."""
        tales = [self.tale(each) for each in self.duties]
        return [(before, after) for tale in tales for before, after in pairwise(tale) if before.ended > after.began]


@dataclass
class Labour:
    """The work of a duty: it notes when it was done, and under which lease."""

    crew: Crew
    lease: Lease

    async def run(self, stop: asyncio.Event) -> None:
        span = Span(self.lease, now())
        self.crew.spans.append(span)
        try:
            while not stop.is_set():
                result = self.crew.step(self.lease)
                if asyncio.iscoroutine(result):
                    await result
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await stop.wait()
            await asyncio.sleep(self.crew.finishing.get(self.lease.duty, 0.0))
            span.how = "finished"
        except BaseException as error:
            span.how = type(error).__name__
            await asyncio.sleep(self.crew.clinging)
            raise
        finally:
            span.ended = now()


@asynccontextmanager
async def crew(folder: Path, **settings: object) -> AsyncIterator[Crew]:
    """An empty store and its crew; who still works at the end is stopped, and must end by itself."""
    loop = asyncio.get_running_loop()
    async with open_store(f"sqlite:///{folder / 'notifier.db'}", exclusive=True, clock=loop.time) as store:
        async with asyncio.TaskGroup() as tasks:
            gathered = Crew(store, tasks, **settings)  # type: ignore[arg-type]
            yield gathered
            for worker in gathered.workers.values():
                worker.stop.set()
        assert gathered.overlaps() == []
        assert not [span for span in gathered.spans if span.how == "under way"]


@in_virtual_time
async def test_a_worker_alone_does_everything_under_one_token_for_as_long_as_it_renews(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        team.join("a")
        await asyncio.sleep(600)

        assert team.doing("a") == set(DUTIES)

    assert [(span.ended, span.how) for span in team.spans] == [(600, "finished")] * 3


@pytest.mark.parametrize("seconds", [pytest.param(3.0, id="by-the-lease"), pytest.param(300.0, id="by-the-look")])
@pytest.mark.parametrize("fails", [False, True], ids=["answers", "fails"])
def test_a_lease_is_renewed_at_a_third_of_it_and_handovers_are_looked_for_often(
    tmp_path: Path, seconds: float, fails: bool
) -> None:
    @in_virtual_time
    async def check() -> None:
        async with crew(tmp_path, seconds=seconds) as team:
            asked: list[float] = []
            line = team.join("a").line
            line.store = Noted(line.store, asked)
            line.deaf = fails
            await asyncio.sleep(60)
            line.deaf = False
        expected = min(seconds / 3, LOOK_SECONDS)
        assert {round(later - before, 6) for before, later in pairwise(asked[:-1])} == {expected}

    check()


@dataclass
class Noted:
    """A store that notes when it is asked."""

    store: LeaseStore
    asked: list[float]

    async def beat(self, worker: str, duties: Collection[str], seconds: float) -> Standing:
        self.asked.append(now())
        return await self.store.beat(worker, duties, seconds)

    async def release(self, lease: Lease) -> None:
        await self.store.release(lease)

    async def leave(self, worker: str) -> None:
        await self.store.leave(worker)


@in_virtual_time
async def test_workers_share_and_what_one_has_too_much_moves_only_when_it_is_finished(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        team.finishing = dict.fromkeys(DUTIES, 100.0)
        team.join("a")
        await asyncio.sleep(10)
        team.join("b")
        await asyncio.sleep(50)
        assert (team.doing("a"), team.doing("b")) == (set(DUTIES), set())

        await asyncio.sleep(70)

        assert {len(team.doing("a")), len(team.doing("b"))} == {1, 2}
        assert team.doing("a") | team.doing("b") == set(DUTIES)
        moved = [span for span in team.spans if span.lease.worker == "b"]
        assert all(span.lease.token == 2 for span in moved)


@in_virtual_time
async def test_a_stop_lets_the_work_finish_under_its_lease_and_hands_over_at_once(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        team.finishing = {EAST: 5 * LEASE}
        first = team.join("a")
        await asyncio.sleep(10)
        first.stop.set()
        team.join("b")

        await asyncio.sleep(2 * LOOK_SECONDS)
        assert (team.doing("a"), team.doing("b")) == ({EAST}, {WEST, SLACK})
        await first.end()
        await asyncio.sleep(LOOK_SECONDS + MOMENT)

        assert team.doing("b") == set(DUTIES)
        assert [span.how for span in team.tale(EAST)] == ["finished", "under way"]


@in_virtual_time
async def test_a_stop_ends_the_work_at_once_though_the_store_hangs(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        worker = team.join("a")
        await asyncio.sleep(10)
        worker.line.hang = asyncio.Event()
        await asyncio.sleep(LOOK_SECONDS)

        worker.stop.set()
        await asyncio.sleep(1)

        assert [span.how for span in team.spans] == ["finished"] * 3
        worker.line.hang.set()


@in_virtual_time
async def test_a_worker_that_is_told_to_stop_while_it_asks_begins_nothing(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        worker = team.join("a")
        worker.line.hang = asyncio.Event()
        await asyncio.sleep(1)
        worker.stop.set()
        worker.line.hang.set()
        await worker.end()

        assert team.spans == []
        team.join("b")
        await asyncio.sleep(MOMENT)
        assert team.doing("b") == set(DUTIES)


@pytest.mark.parametrize("how", ["cut", "hanging"])
def test_a_lease_that_cannot_be_renewed_ends_its_work_before_others_may_take_it(tmp_path: Path, how: str) -> None:
    @in_virtual_time
    async def check() -> None:
        async with crew(tmp_path) as team:
            lonely = team.join("a")
            await asyncio.sleep(10)
            team.join("b", ())
            lonely.line.cut = how == "cut"
            lonely.line.hang = asyncio.Event() if how == "hanging" else None
            heir = team.join("c")
            await asyncio.sleep(LEASE + 3 * LOOK_SECONDS)

            renewed = lonely.line.beats[-1]
            for lost, taken in (team.tale(each) for each in DUTIES):
                assert (lost.ended, lost.how) == (renewed + TRUST, "CancelledError")
                assert renewed + LEASE < taken.began <= renewed + LEASE + LOOK_SECONDS
            assert team.doing(heir.name) == set(DUTIES)

            lonely.line.cut = False
            if lonely.line.hang is not None:
                lonely.line.hang.set()
            await asyncio.sleep(3 * LOOK_SECONDS)
            assert {len(team.doing("a")), len(team.doing("c"))} == {1, 2}

    check()


@in_virtual_time
async def test_a_lease_is_trusted_from_when_it_was_asked_for_and_not_from_when_the_answer_came(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        worker = team.join("a")
        await asyncio.sleep(LOOK_SECONDS / 2)
        worker.line.slow = 8.0
        await asyncio.sleep(LOOK_SECONDS / 2 + 8.0 + MOMENT)
        worker.line.cut = True
        await asyncio.sleep(LEASE)

        assert worker.line.beats[-1] == LOOK_SECONDS + 8.0
        assert {(span.ended, span.how) for span in team.spans} == {(LOOK_SECONDS + TRUST, "CancelledError")}


@in_virtual_time
async def test_work_that_was_cut_off_begins_again_only_under_a_new_token(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        worker = team.join("a")
        await asyncio.sleep(10)
        worker.line.cut = True
        await asyncio.sleep(TRUST + LOOK_SECONDS)
        assert team.doing("a") == set()
        # Nobody else may have taken it yet: in the store it is still this worker's.
        worker.line.cut = False
        await asyncio.sleep(2 * LOOK_SECONDS)

        assert team.doing("a") == set(DUTIES)
        assert [span.lease.token for span in team.tale(EAST)] == [1, 2]


@in_virtual_time
async def test_work_that_is_being_cut_off_is_not_trusted_again_while_it_lets_go(tmp_path: Path) -> None:
    async with crew(tmp_path, clinging=4.0) as team:
        worker = team.join("a")
        await asyncio.sleep(10)
        worker.line.hang = asyncio.Event()
        await asyncio.sleep(TRUST - 1)
        while team.doing("a"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        # The beat that hung finds the leases still held, and the work on its way out.
        worker.line.hang.set()
        with capture_logs() as logged:
            await asyncio.sleep(4 * LOOK_SECONDS)

        assert [each for each in logged if each["log_level"] == "error"] == []
        assert [span.lease.token for span in team.tale(EAST)] == [1, 2]
        assert team.doing("a") == set(DUTIES)


@in_virtual_time
async def test_a_short_cut_harms_nothing(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        worker = team.join("a")
        for _ in range(10):
            await asyncio.sleep(10)
            worker.line.cut = True
            await asyncio.sleep(TRUST - 2 * LOOK_SECONDS)
            worker.line.cut = False

        assert team.doing("a") == set(DUTIES)
        assert len(team.spans) == 3


@in_virtual_time
async def test_leases_whose_answer_was_lost_are_begun_once_one_arrives(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        line = team.join("a").line
        line.deaf = True
        await asyncio.sleep(10)
        assert team.spans == []
        line.deaf = False
        await asyncio.sleep(LOOK_SECONDS)

        assert team.doing("a") == set(DUTIES)


@in_virtual_time
async def test_leases_whose_answer_was_lost_are_given_up_where_they_are_too_many_by_then(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        line = team.join("a").line
        line.deaf = True
        await asyncio.sleep(10)
        team.join("b")
        await asyncio.sleep(LOOK_SECONDS)
        line.deaf = False
        await asyncio.sleep(3 * LOOK_SECONDS)

        assert team.doing("a") | team.doing("b") == set(DUTIES)
        assert len(team.doing("a")) in (1, 2)
        assert [span.how for span in team.spans] == ["under way"] * 3


@in_virtual_time
async def test_what_could_not_be_given_back_is_given_back_later(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        line = team.join("a").line
        await asyncio.sleep(10)
        team.finishing = dict.fromkeys(DUTIES, 5.0)
        team.join("b")
        await asyncio.sleep(LOOK_SECONDS + 1)
        line.cut = True
        await asyncio.sleep(10)
        line.cut = False
        await asyncio.sleep(3 * LOOK_SECONDS)

        assert team.doing("a") | team.doing("b") == set(DUTIES)
        assert len(team.doing("a")) in (1, 2)


@in_virtual_time
async def test_work_that_learns_of_its_loss_from_the_fence_ends_alone_and_begins_anew(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:

        async def write(lease: Lease) -> None:
            await team.store.watch.under(lease).complete(SCOPE, ScopeState(), [])

        team.step = write
        team.join("a")
        await asyncio.sleep(10.5)
        with capture_logs() as logs:
            await team.store.leases.release(Lease(EAST, "a", 1))
            await asyncio.sleep(LOOK_SECONDS * 2)

        assert [(span.how, span.lease.token) for span in team.tale(EAST)] == [("LeaseLost", 1), ("under way", 2)]
        assert [len(team.tale(each)) for each in (WEST, SLACK)] == [1, 1]
        assert [entry["event"] for entry in logs] == ["another worker took over", "taking over"]


@in_virtual_time
async def test_work_that_does_not_write_is_cut_off_at_the_next_beat_once_its_lease_is_anothers(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        team.join("a", (EAST,))
        await asyncio.sleep(10.5)
        with capture_logs() as logs:
            await team.store.leases.leave("a")
            await team.store.leases.beat("b", [EAST], LEASE)
            await asyncio.sleep(LOOK_SECONDS)

        (span,) = team.tale(EAST)
        assert (span.how, span.ended) == ("CancelledError", 12.0)
        assert [entry["event"] for entry in logs] == ["another worker took over"]


@in_virtual_time
async def test_a_bug_in_one_duty_harms_no_other_and_it_is_tried_again_after_a_rest(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:

        def fail(lease: Lease) -> None:
            if lease.duty == EAST:
                raise ZeroDivisionError("a mistake of ours")

        team.step = fail
        with capture_logs() as logs:
            team.join("a")
            await asyncio.sleep(61)

        assert team.doing("a") == {WEST, SLACK}
        began = [span.began for span in team.tale(EAST)]
        assert len(began) > 4
        rests = [later - before for before, later in pairwise(began)]
        assert all(FAILED_SECONDS <= rest <= FAILED_SECONDS + LOOK_SECONDS for rest in rests)
        assert [entry["log_level"] for entry in logs if "unexpectedly" in entry["event"]] == ["error"] * len(began)
        team.step = lambda lease: None
        await asyncio.sleep(FAILED_SECONDS + LOOK_SECONDS)
        assert team.doing("a") == set(DUTIES)


@in_virtual_time
async def test_a_stop_does_not_wait_for_the_rest_after_a_bug(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:

        def fail(lease: Lease) -> None:
            raise ZeroDivisionError("a mistake of ours")

        team.step = fail
        worker = team.join("a")
        await asyncio.sleep(1)
        await worker.end()

        assert now() == 1.0


@in_virtual_time
async def test_a_bug_in_a_beat_ends_nothing_and_is_logged_once(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        line = team.join("a").line
        await asyncio.sleep(10)
        with capture_logs() as logs:
            line.bug = ZeroDivisionError("a mistake of ours")
            await asyncio.sleep(10)
            line.bug = None
            await asyncio.sleep(10)

        assert team.doing("a") == set(DUTIES)
        assert len(team.spans) == 3
        assert [(entry["event"], entry["log_level"]) for entry in logs] == [
            ("leases could not be renewed, will try again", "error"),
            ("leases are renewed again", "info"),
        ]


@in_virtual_time
async def test_a_store_that_is_away_is_told_of_once_and_so_is_its_return(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        line = team.join("a").line
        with capture_logs() as logs:
            for _ in range(2):
                line.cut = True
                await asyncio.sleep(10)
                line.cut = False
                await asyncio.sleep(10)

        away, back = "leases could not be renewed, will try again", "leases are renewed again"
        said = [entry["event"] for entry in logs if entry["event"] in {away, back}]
        warned = [entry for entry in logs if entry["log_level"] == "warning"]
        assert said == [away, back] * 2
        assert [entry["event"] for entry in warned] == [away] * 2
        assert warned[0]["error"] == "database: it does not answer"


@in_virtual_time
async def test_a_cancellation_leaves_nothing_running_and_hands_over(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        before = asyncio.all_tasks()
        worker = team.join("a")
        await asyncio.sleep(10)
        assert worker.task is not None
        worker.task.cancel()
        await asyncio.wait([worker.task])

        assert [span.how for span in team.spans] == ["CancelledError"] * 3
        assert asyncio.all_tasks() <= before
        team.join("b")
        await asyncio.sleep(MOMENT)
        assert team.doing("b") == set(DUTIES)


@in_virtual_time
async def test_what_a_killed_worker_did_is_done_by_others_within_the_lease_and_a_look(tmp_path: Path) -> None:
    async with crew(tmp_path) as team:
        killed = team.join("a")
        await asyncio.sleep(10)
        team.join("b")
        await asyncio.sleep(3 * LOOK_SECONDS)
        killed.kill()
        died = now()
        await asyncio.sleep(LEASE + LOOK_SECONDS + MOMENT)

        assert team.doing("b") == set(DUTIES)
        assert now() - died <= LEASE + LOOK_SECONDS + MOMENT


@in_virtual_time
async def test_who_shares_with_nobody_takes_everything_for_ever_and_asks_no_more(tmp_path: Path) -> None:
    async with crew(tmp_path, seconds=math.inf) as team:
        line = team.join("a").line
        await asyncio.sleep(3600)

        assert team.doing("a") == set(DUTIES)
        assert line.beats == [0.0]


@in_virtual_time
async def test_who_shares_with_nobody_begins_anew_what_has_ended(tmp_path: Path) -> None:
    async with crew(tmp_path, seconds=math.inf) as team:

        def fail(lease: Lease) -> None:
            if lease == Lease(EAST, "a", 1):
                raise ZeroDivisionError("a mistake of ours")

        team.step = fail
        line = team.join("a").line
        await asyncio.sleep(1)
        line.cut = True
        await asyncio.sleep(60)
        line.cut = False
        await asyncio.sleep(2 * LOOK_SECONDS)

        assert team.doing("a") == set(DUTIES)


@in_virtual_time
async def test_who_shares_with_nobody_waits_for_a_store_that_is_away_at_the_start(tmp_path: Path) -> None:
    async with crew(tmp_path, seconds=math.inf) as team:
        line = team.join("a").line
        line.cut = True
        await asyncio.sleep(60)
        line.cut = False
        await asyncio.sleep(LOOK_SECONDS)

        assert team.doing("a") == set(DUTIES)


@pytest.mark.parametrize("seed", range(4))
def test_through_a_quarter_of_an_hour_of_cuts_deaths_joins_and_stops_no_duty_is_done_twice_and_in_the_end_all_are(
    tmp_path: Path, seed: int
) -> None:
    @in_virtual_time
    async def check() -> None:
        dice = random.Random(seed)
        async with crew(tmp_path, duties=tuple(duty(WATCH, f"region-{number}") for number in range(7))) as team:
            team.finishing = {each: dice.choice([0.0, 1.0, 50.0]) for each in team.duties}
            for number in range(60):
                await asyncio.sleep(dice.uniform(0, LEASE))
                living = [each for each in team.workers.values() if each.task is not None and not each.task.done()]
                worker = dice.choice(living) if living else team.join(f"first-{number}")
                match dice.choice(["join", "stop", "kill", "cut", "cut", "deaf", "mend", "mend"]):
                    case "join" if len(living) < 5:
                        team.join(f"worker-{number}")
                    case "stop":
                        worker.stop.set()
                    case "kill":
                        worker.kill()
                    case "cut":
                        worker.line.cut = True
                    case "deaf":
                        worker.line.deaf = True
                    case _:
                        worker.line.cut = worker.line.deaf = False
                assert team.overlaps() == []
            for worker in team.workers.values():
                worker.line.cut = worker.line.deaf = False
            team.join("last")
            await asyncio.sleep(200 + 2 * LEASE)

            done = [each for name in team.workers for each in team.doing(name)]
            assert sorted(done) == sorted(team.duties)

    check()


@pytest.mark.parametrize(
    ("regions", "lines"),
    [
        pytest.param(FEW, [{"duty"}] * FEW, id="few"),
        pytest.param(FEW + 1, [{"duties", "watch"}], id="many"),
    ],
)
def test_many_duties_that_are_taken_over_together_are_one_line_in_the_log(
    tmp_path: Path, regions: int, lines: list[set[str]]
) -> None:
    @in_virtual_time
    async def taken_over() -> None:
        duties = tuple(duty(WATCH, f"region-{number:02}") for number in range(regions))
        async with crew(tmp_path, duties=duties) as team:
            with capture_logs() as logs:
                team.join("a")
                await asyncio.sleep(1)
            assert team.doing("a") == set(duties)

        told = [entry for entry in logs if entry["event"] == "taking over"]
        assert [entry.keys() - {"event", "log_level", "workers"} for entry in told] == lines
        assert all(entry.get("watch") in (None, regions) for entry in told)

    taken_over()
