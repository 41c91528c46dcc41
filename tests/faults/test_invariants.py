"""Detection, the store and delivery together, on virtual time, in any order of things that happen.

L no committed transition is lost. I its id stays the same. D it comes twice only where it could not be known that it
had come. S no secret is kept or logged. H one bad destination or job delays no other. R everything recovers by itself.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from notifier.leasing import DELIVER, WATCH, duty
from notifier.model import Event, Lease, Place, Policy, Status
from notifier.pipeline import duties
from notifier.pipeline.deliver import Delivery, Timing
from notifier.pipeline.duties import Duties
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import Meter
from notifier.routing import Route, Selection
from notifier.store import SqlLeaseStore, SqlOutboxStore, SqlWatchStore, State, Store, open_store
from notifier.store.database import Database
from tests import virtual
from tests.examples import NOON
from tests.faults.world import Account, Line, Mood, Receiver, Road, View, closes, secrets_in, wall

T = TypeVar("T")

LEASE, LOOK, POLL = 60.0, 20.0, 30.0
MOST_JOBS, MOST_WORKERS = 4, 2
PATIENCE = [5.0, 40.0, 2000.0]
QUIET = 200.0
"""Within so many seconds all that is new is seen and told, where nothing is broken."""
HEALED = 8 * 3600.0
"""Within so many everything is, once nothing is broken any more: after a long outage a destination is tried every ten
minutes."""

which = st.integers(0, 10**6)
"""Which of a list that only the run knows: modulo its length."""


class Silent:
    """Nobody counts or watches here."""

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None: ...

    def attempt(self, kind: str, outcome: str, seconds: float) -> None: ...

    def message(self, kind: str, outcome: str, count: int = 1) -> None: ...

    def swept(self, place: Place, outcome: str, seconds: float) -> None: ...

    def told(self, event: Event) -> None: ...

    def looking(self, place: Place, looked_at: int, jobs: int) -> None: ...

    def turned(self, place: Place) -> None: ...


@dataclass(eq=False)
class Worker:
    """One process: its duties, and its line to the store."""

    line: Line
    running: "asyncio.Task[None]"


class Invariants(RuleBasedStateMachine):
    """The real watch, delivery and leases over a real store; the account and the receivers are ours."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(TemporaryDirectory()))
        patched = self.stack.enter_context(pytest.MonkeyPatch.context())
        # Handovers are looked for less often here: an hour would cost thousands of looks.
        patched.setattr(duties, "LOOK_SECONDS", LOOK)
        self.logs = self.stack.enter_context(capture_logs())
        self.runner = self.stack.enter_context(virtual.running())
        self.account = Account()
        policies = [
            Policy("chat", "slack_webhook", people=True, best_cooldown=60.0, fingerprint="f"),
            Policy("hook", "webhook", people=False, fingerprint="f"),
        ]
        self.receivers = {policy.name: Receiver(policy, self.account) for policy in policies}
        self.workers: list[Worker] = []
        # Threads ask it too.
        time = self.runner.get_loop().time
        url = f"sqlite:///{self.folder / 'notifier.db'}"
        opening = open_store(url, exclusive=True, clock=lambda: NOON.timestamp() + time())
        self.store: Store = self.do(opening.__aenter__())
        self.stack.callback(lambda: self.do(opening.__aexit__(None, None, None)))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # What the world does.

    @initialize()
    def baseline(self) -> None:
        self.hire()
        self.do(asyncio.sleep(LEASE))

    @precondition(lambda self: len(self.account.histories) < MOST_JOBS)
    @rule()
    def a_job_begins(self) -> None:
        self.do(self._later(self.account.begin))

    @precondition(lambda self: self.unfinished())
    @rule(which=which, value=st.sampled_from([0.1, 0.5, 0.5, 0.7, 0.9, None]))
    def a_trial_leads(self, which: int, value: float | None) -> None:
        self.do(self._later(partial(self.account.train, self.one(self.unfinished(), which), value)))

    @precondition(lambda self: self.unfinished())
    @rule(which=which)
    def a_job_is_stopping(self, which: int) -> None:
        self.do(self._later(partial(self.account.move, self.one(self.unfinished(), which), status=Status.STOPPING)))

    @precondition(lambda self: self.unfinished())
    @rule(which=which, status=st.sampled_from([Status.COMPLETED, Status.FAILED, Status.STOPPED]))
    def a_job_ends(self, which: int, status: Status) -> None:
        self.do(self._later(partial(self.account.end, self.one(self.unfinished(), which), status)))

    @precondition(lambda self: self.account.histories.keys() - self.account.gone)
    @rule(which=which)
    def a_job_is_deleted(self, which: int) -> None:
        self.account.gone.add(self.one(sorted(self.account.histories.keys() - self.account.gone), which))

    @rule(seconds=st.sampled_from([0.3, 1.1, 5.0, 35.0, 100.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))

    # What goes wrong.

    @precondition(lambda self: self.account.histories)
    @rule(
        which=which,
        operations=st.sampled_from([("list",), ("describe",), ("list", "describe"), ("list", "describe")]),
        steps=st.sampled_from([1, 1, 2, None]),
    )
    def answers_are_behind(self, which: int, operations: tuple[str, ...], steps: int | None) -> None:
        name = self.one(sorted(self.account.histories), which)
        self.do(self._later(partial(self.account.fall_behind, name, operations, steps)))
        self.do(asyncio.sleep(POLL))

    @rule(mood=st.sampled_from(["fine", "fine", "down", "breaks"]))
    def aws_changes_its_mood(self, mood: Any) -> None:
        self.account.mood = mood

    @precondition(lambda self: self.account.histories)
    @rule(which=which, works=st.booleans())
    def a_job_cannot_be_described(self, which: int, works: bool) -> None:
        name = self.one(sorted(self.account.histories), which)
        (self.account.unanswered.discard if works else self.account.unanswered.add)(name)

    @rule(
        name=st.sampled_from(["chat", "hook"]),
        mood=st.sampled_from(["fine", "fine", "lost", "lost", "down", "throttled", "refuses", "hangs", "leaks"]),
        patience=st.sampled_from(PATIENCE),
    )
    def a_receiver_changes_its_mood(self, name: str, mood: Mood, patience: float) -> None:
        self.receivers[name].mood, self.receivers[name].patience = mood, patience

    @precondition(lambda self: len(self.workers) < MOST_WORKERS)
    @rule()
    def hire(self) -> None:
        """A worker joins."""
        self.workers.append(self.do(self._hire()))

    @precondition(lambda self: self.workers)
    @rule(which=which)
    def a_worker_is_killed(self, which: int) -> None:
        self.do(self._kill(self.workers.pop(which % len(self.workers))))

    @precondition(lambda self: self.workers)
    @rule(which=which, cut=st.booleans())
    def a_line_is_cut_or_mended(self, which: int, cut: bool) -> None:
        line = self.one(self.workers, which).line
        line.cut = cut
        line.troubled_at = self.do(self._now())

    @precondition(lambda self: self.workers)
    @rule(which=which, fates=st.lists(st.sampled_from(["before", "after"]), min_size=1, max_size=3))
    def writes_fail(self, which: int, fates: list[Any]) -> None:
        self.one(self.workers, which).line.fails += fates

    @precondition(lambda self: self.all_well() and self.unfinished())
    @rule(which=which, name=st.sampled_from(["chat", "hook"]), fate=st.sampled_from(["before", "after", "kill", "cut"]))
    def an_ending_is_taken_and_before_that_is_known_all_fails(self, which: int, name: str, fate: Any) -> None:
        """What seldom comes about by itself."""
        self.do(self._later(partial(self.account.end, self.one(self.unfinished(), which), Status.COMPLETED)))
        self.do(self._taken(name))
        for worker in [*self.workers]:
            if fate == "kill":
                self.workers.remove(worker)
                self.do(self._kill(worker))
            elif fate == "cut":
                worker.line.cut = True
                worker.line.troubled_at = self.do(self._now())
            else:
                worker.line.fails += [fate, fate]
        self.do(asyncio.sleep(3))

    # What must hold.

    @invariant()
    def nothing_wrong_was_sent(self) -> None:
        """I, D, order, no false event, and nothing sooner than asked: the receivers look."""
        assert {name: each.wrong for name, each in self.receivers.items() if each.wrong} == {}

    @precondition(lambda self: self.all_well())
    @rule()
    def who_is_well_is_not_delayed_by_who_is_not(self) -> None:
        """H: one receiver that works, and jobs that can be described, wait for no other."""
        well = [name for name, each in self.receivers.items() if each.mood == "fine"]
        held = {name: self.do(self.store.outbox.hold(name)) for name in well}
        self.do(asyncio.sleep(QUIET + 80.0))
        for name in well:
            if held[name] is None:
                self._nothing_is_missing(name, besides=self.account.unanswered)

    def teardown(self) -> None:
        """L, S and R: once nothing is broken any more, all of it is told."""
        try:
            self.account.heal()
            for receiver in self.receivers.values():
                receiver.mood = "fine"
            for worker in self.workers:
                worker.line.cut = False
                worker.line.fails.clear()
            if not self.workers:
                self.hire()
            self.do(self._healed())
            self.nothing_wrong_was_sent()
            for name in self.receivers:
                self._nothing_is_missing(name)
                self._whatever_is_settled_was_taken(name)
            self._no_secret_is_kept_or_logged()
            assert [line for line in self.logs if "unexpectedly" in line["event"] or "exc_info" in line] == []
        finally:
            for worker in self.workers:
                self.do(self._kill(worker))
            self.stack.close()

    def _nothing_is_missing(self, name: str, besides: Collection[str] = ()) -> None:
        told, dead = self.receivers[name].told, self._dead(name)
        for job, history in self.account.histories.items():
            if job in besides or job in dead:
                continue
            heard, now = told.get(job, []), history[-1]
            if job in self.account.gone:
                assert not heard or closes(heard[-1]), f"{name} does not know that {job} is gone"
                continue
            assert heard, f"{name} has not heard of {job}"
            statuses = [each.status.after for each in heard if each.status]
            if now.ended:
                assert statuses[-1:] == [now.status], f"{name} has not heard how {job} ended"
            best = now.best.metric.value if now.best and now.best.metric else None
            values = [each.best.current.value for each in heard if each.best]
            assert best is None or (values and values[-1] is not None and values[-1] >= best), f"{name}: best of {job}"

    def _whatever_is_settled_was_taken(self, name: str) -> None:
        letters = self.do(self.store.desk.letters([name], list(State)))
        assert {each.state for each in letters} <= {State.SETTLED, State.DEAD}
        settled = {each.event_id for each in letters if each.state == State.SETTLED and "tuning_job" in each.event_type}
        assert settled <= self.receivers[name].taken.keys()

    def _no_secret_is_kept_or_logged(self) -> None:
        files = [each.read_bytes() for each in self.folder.iterdir() if each.is_file()]
        assert secrets_in([*files, repr(self.logs).encode()]) == 0

    def _dead(self, name: str) -> set[str]:
        """Jobs of which a message was refused for good: that is visible, and no loss."""
        letters = self.do(self.store.desk.letters([name], [State.DEAD]))
        keys = {each.job_key for each in letters}
        return {job for job, history in self.account.histories.items() if history[0].identity.key in keys}

    # How it is done.

    def unfinished(self) -> list[str]:
        names = sorted(self.account.histories.keys() - self.account.gone)
        return [name for name in names if not self.account.now(name).ended]

    def all_well(self) -> bool:
        """Whether nothing is broken but receivers and single jobs."""
        lines = [each.line for each in self.workers]
        sound = bool(lines) and not any(line.cut or line.fails for line in lines)
        return sound and self.account.mood == "fine"

    def one(self, of: Sequence[T], which: int) -> T:
        return of[which % len(of)]

    async def _now(self) -> float:
        return virtual.now()

    async def _later(self, happens: Callable[[], object]) -> None:
        happens()
        await asyncio.sleep(0.3)

    async def _taken(self, name: str) -> None:
        """Wait until a message is taken and not answered yet, or until it takes too long."""
        for _ in range(200):
            if self.receivers[name].under_way:
                return
            await asyncio.sleep(0.5)

    async def _hire(self) -> Worker:
        line = Line(self.store.watch._database)
        database = cast(Database, line)
        wakes = {name: asyncio.Event() for name in self.receivers}
        works: dict[str, Any] = {duty(WATCH, "here"): partial(self._watch, SqlWatchStore(database), wakes)}
        for name in self.receivers:
            works[duty(DELIVER, name)] = partial(self._delivery, SqlOutboxStore(database), line, name, wakes)
        name = f"worker-{virtual.now()}"
        working = Duties(SqlLeaseStore(database), works, worker=name, seconds=LEASE).run(asyncio.Event())
        worker = Worker(line, asyncio.create_task(working, name=name))
        await asyncio.sleep(0.1)
        return worker

    def _watch(self, store: SqlWatchStore, wakes: dict[str, asyncio.Event], lease: Lease) -> Watch:
        routes = tuple(Route(name) for name in self.receivers)
        watching = Watching(Selection(), Telling(routes, ("chat",), math.inf), POLL)

        def owed() -> None:
            for wake in wakes.values():
                wake.set()

        ticks = asyncio.get_running_loop().time
        return Watch(
            View(self.account), store.under(lease), watching, witness=Silent(), owed=owed, clock=wall, ticks=ticks
        )

    def _delivery(self, store: Any, line: Line, name: str, wakes: dict[str, asyncio.Event], lease: Lease) -> Delivery:
        meter: Meter = Silent()
        clock = asyncio.get_running_loop().time
        timing = Timing(clock, asyncio.sleep, lambda: 0.5, LOOK, deadline=30.0)
        road = Road(self.receivers[name], line, lease)
        return Delivery(
            road, store.under(lease), operator=("chat",), meter=meter, wake=wakes[name], digest_jobs=3, timing=timing
        )

    async def _kill(self, worker: Worker) -> None:
        """As SIGKILL does it: what was said to the store is done, and nothing more is said."""
        worker.line.cut = True
        worker.line.troubled_at = virtual.now()
        worker.running.cancel()
        await asyncio.gather(worker.running, return_exceptions=True)

    async def _healed(self) -> None:
        end = virtual.now() + HEALED
        await asyncio.sleep(QUIET + 80.0)
        while virtual.now() < end:
            owed = [await self.store.outbox.owed(name, 1) for name in self.receivers]
            if not any(owed):
                return
            await asyncio.sleep(60)
        raise AssertionError("it does not recover")


TestInvariants = Invariants.TestCase
TestInvariants.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
