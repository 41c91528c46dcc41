"""Workers that join, die, sleep and wake at any moment, over a real store: in any order, one at a time commits."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notifier.errors import LeaseLost
from notifier.leasing import DELIVER, WATCH, duty
from notifier.model import Lease, Owed, ScopeState
from notifier.ports import Outcome
from notifier.store import Store, open_store
from tests.store.looks import SCOPE, Clock, first_look

T = TypeVar("T")

LEASE = 30.0
TRUST = LEASE * 2 / 3
PLACE = "slack"
WATCHING = duty(WATCH, "us-east-1")
SENDING = duty(DELIVER, PLACE)
DUTIES = (WATCHING, duty(WATCH, "us-west-1"), SENDING)
MOST = 3
"""Workers alive at once."""

any_of = st.integers(0, 10**6)
"""Which of a list that only the run knows: modulo its length."""


@dataclass
class Worker:
    """What one worker believes, rightly or not."""

    name: str
    held: tuple[Lease, ...] = ()
    surplus: frozenset[str] = frozenset()
    asked: float = 0.0

    def trusts(self, now: float) -> set[str]:
        """The duties that it works on at this moment."""
        return {lease.duty for lease in self.held} if now < self.asked + TRUST else set()


@dataclass
class Sending:
    """A message that was sent under a lease, and whose answer nobody has written down yet."""

    lease: Lease
    row: Owed


@dataclass
class Memory:
    """What an onlooker knows who sees everything."""

    workers: dict[str, Worker] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)
    """All that ever were: a process that is stopped in the middle of its work keeps its own for ever."""
    newest: dict[str, Lease] = field(default_factory=dict)
    given_back: set[Lease] = field(default_factory=set)
    noted: int = 0
    """The token of the last commit of a scope."""
    sendings: list[Sending] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)


class Interleavings(RuleBasedStateMachine):
    """Every step is a whole transaction of somebody, in an order that nobody would think of."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.seen = Memory()
        self.store: Store = self.do(self._open())
        self.names = 0

    async def _open(self) -> Store:
        url = f"sqlite:///{Path(self.folder.name) / 'notifier.db'}"
        return await self.stack.enter_async_context(open_store(url, exclusive=True, clock=self.clock))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def commits(self, work: Coroutine[Any, Any, object], lease: Lease) -> bool:
        """Whether this write under a lease passes; it must if it is the newest, and must not if it is not."""
        try:
            self.do(work)
        except LeaseLost:
            passed = False
        else:
            passed = True
        assert passed == (self.seen.newest[lease.duty] == lease and lease not in self.seen.given_back)
        return passed

    @initialize()
    def owe(self) -> None:
        self.do(self.store.watch.commit(SCOPE, [first_look(number, to=(PLACE,)) for number in range(3)]))

    @precondition(lambda self: len(self.seen.workers) < MOST)
    @rule(duties=st.sampled_from([DUTIES, DUTIES[1:], ()]))
    def join(self, duties: tuple[str, ...]) -> None:
        self.names += 1
        name = f"worker-{self.names}"
        self.seen.workers[name] = Worker(name)
        self._beat(self.seen.workers[name], duties)

    @precondition(lambda self: self.seen.workers)
    @rule(which=any_of)
    def beat(self, which: int) -> None:
        self._beat(self.some(which))

    @precondition(lambda self: self.seen.workers)
    @rule(which=any_of)
    def give_up(self, which: int) -> None:
        worker = self.some(which)
        for lease in worker.held:
            if lease.duty in worker.surplus:
                self.do(self.store.leases.release(lease))
                self.seen.given_back.add(lease)
        worker.held = tuple(lease for lease in worker.held if lease.duty not in worker.surplus)

    @precondition(lambda self: self.seen.workers)
    @rule(which=any_of, clean=st.booleans())
    def end(self, which: int, clean: bool) -> None:
        worker = self.some(which)
        del self.seen.workers[worker.name]
        if clean:
            self.do(self.store.leases.leave(worker.name))
            self.seen.given_back |= {lease for lease in self.seen.newest.values() if lease.worker == worker.name}

    @rule(seconds=st.sampled_from([0.5, LEASE / 3, TRUST - 1, TRUST, LEASE, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.clock.time += seconds

    @precondition(lambda self: self.seen.workers)
    @rule(which=any_of)
    def oversleep(self, which: int) -> None:
        """All sleep for too long, and this one wakes first."""
        self.clock.time += LEASE + 1
        self._beat(self.some(which))

    @precondition(lambda self: any(lease.duty == WATCHING for lease in self.seen.leases))
    @rule(which=any_of)
    def commit(self, which: int) -> None:
        """By whoever ever held it: a late one, most of the time."""
        leases = [lease for lease in self.seen.leases if lease.duty == WATCHING]
        lease = leases[which % len(leases)]
        state = ScopeState(0.0, float(lease.token), None)
        if self.commits(self.store.watch.under(lease).complete(SCOPE, state, []), lease):
            assert lease.token >= self.seen.noted
            self.seen.noted = lease.token
        assert (self.do(self.store.watch.scope_state(SCOPE)).complete_at or 0) == self.seen.noted

    @precondition(lambda self: any(self.senders()))
    @rule(which=any_of)
    def send(self, which: int) -> None:
        """Look, mark, send: by whoever ever held the destination."""
        leases = self.senders()
        lease = leases[which % len(leases)]
        rows = self.do(self.store.outbox.owed(PLACE, 9))
        if not rows:
            return
        row = rows[which % len(rows)]
        if self.commits(self.store.outbox.under(lease).sending(PLACE, [row.seq]), lease):
            # Whatever went before may have arrived: the people there must be told so.
            assert row.repeated == (self.seen.sent[row.seq] > 0)
            self.seen.sent[row.seq] += 1
            self.seen.sendings.append(Sending(lease, row))

    @precondition(lambda self: self.seen.sendings)
    @rule(which=any_of)
    def settle(self, which: int) -> None:
        """The answer comes, perhaps long after someone else has sent it too."""
        sending = self.seen.sendings.pop(which % len(self.seen.sendings))
        outcome = Outcome(PLACE, settled=(sending.row.seq,))
        self.commits(self.store.outbox.under(sending.lease).finish(outcome), sending.lease)

    @invariant()
    def a_duty_is_done_by_one_at_a_time(self) -> None:
        doing = Counter(each for worker in self.seen.workers.values() for each in worker.trusts(self.clock.time))
        assert all(count == 1 for count in doing.values()), doing

    def teardown(self) -> None:
        """Once nobody is disturbed any more, every duty is done by one of those who are there."""
        try:
            self.clock.time += LEASE + 1
            living = [*self.seen.workers.values()] or [Worker("last")]
            self.seen.workers = {worker.name: worker for worker in living}
            for _ in range(3):
                for number in range(len(living)):
                    self._beat(living[number])
                    self.give_up(number)
            held = [lease.duty for worker in living for lease in worker.held]
            assert sorted(held) == sorted(DUTIES)
            self.a_duty_is_done_by_one_at_a_time()
        finally:
            self.do(self.stack.aclose())
            self.runner.close()
            self.folder.cleanup()

    def some(self, which: int) -> Worker:
        return [*self.seen.workers.values()][which % len(self.seen.workers)]

    def senders(self) -> list[Lease]:
        return [lease for lease in self.seen.leases if lease.duty == SENDING]

    def _beat(self, worker: Worker, duties: tuple[str, ...] = DUTIES) -> None:
        standing = self.do(self.store.leases.beat(worker.name, duties, LEASE))
        if self.clock.time > worker.asked + LEASE:
            assert not set(worker.held) & set(standing.held), "silent for too long, and nothing was new"
        worker.held, worker.surplus, worker.asked = standing.held, standing.surplus, self.clock.time
        for lease in standing.held:
            newest = self.seen.newest.get(lease.duty)
            if lease == newest:
                assert lease not in self.seen.given_back
                continue
            assert newest is None or lease.token == newest.token + 1
            self.seen.newest[lease.duty] = lease
            self.seen.leases.append(lease)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
