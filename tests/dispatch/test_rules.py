"""Whatever happens, in whatever order: nothing is lost, overtakes, goes too soon or dies wrongly."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notifier.dispatch.folding import Message
from notifier.dispatch.holds import STUCK_AFTER, standing
from notifier.dispatch.memory import Memory
from notifier.dispatch.notices import end_of
from notifier.dispatch.queue import UNSETTLED, Look, plan
from notifier.dispatch.verdict import ALONE_FOR, Answer, Circumstances, judge
from notifier.errors import DeliveryError, Fault
from notifier.model import EventType, Hold, NoticeType, Owed, Policy, Told
from notifier.ports import Outcome
from tests.dispatch.rows import NOW, PEOPLE, PROGRAM, best, end_of_hold, ended, notice, started, stopping, watching

JOBS = [f"job-{number}" for number in range(14)]
KINDS = [started, stopping, best, ended]


class Delivering(RuleBasedStateMachine):
    """One destination: rows come to be owed, time goes by, messages go out, answers come back in any order."""

    policy: Policy = PROGRAM

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.rows: dict[int, Owed] = {}
        self.flying: list[tuple[Message, bool]] = []
        self.told: dict[str, Told] = {}
        self.hold: Hold | None = None
        self.memory = Memory()
        self.not_before = NOW
        self.owed: set[int] = set()
        self.holds: list[Owed] = []
        self.delivered: list[Owed] = []
        self.silent: list[Owed] = []
        self.dead: list[Owed] = []

    @rule(job=st.sampled_from(JOBS), kind=st.sampled_from(KINDS), value=st.integers(0, 10))
    def owe(self, job: str, kind: type, value: int) -> None:
        row: Owed = best(job, 1.0 + value / 500) if kind is best else kind(job)
        self._owe(row)

    @rule()
    def owe_endings_of_all(self) -> None:
        for job in JOBS:
            self._owe(ended(job))

    @rule()
    def owe_notice(self) -> None:
        self.holds.append(notice())
        self._owe(self.holds[-1])

    @rule(scopes=st.integers(1, 5))
    def owe_words_on_scopes(self, scopes: int) -> None:
        for _ in range(scopes):
            self._owe(watching())

    @precondition(lambda self: self.holds)
    @rule()
    def owe_its_end(self) -> None:
        self._owe(end_of_hold(self.holds.pop()))

    @rule(seconds=st.sampled_from([0.5, 5.0, 70.0, 400.0, 5000.0, ALONE_FOR]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def send(self) -> None:
        under_way = [message for message, _ in self.flying]
        known = self.memory
        look = Look(self.now, list(self.rows.values()), under_way, self.told, self.hold, known.apart, known.deferred)
        decided = plan(self.policy, look, digest_jobs=5)
        for row in decided.silent:
            self.silent.append(self.rows.pop(row.seq))
        for message in decided.batches:
            self._check(message)
            self.flying.append((message, standing(self.hold, self.policy) is not None))

    @precondition(lambda self: self.flying)
    @rule(
        which=st.integers(0, 3),
        fault=st.sampled_from([None, None, *Fault]),
        after=st.sampled_from([None, 3.0, 1e9]),
        dice=st.floats(0, 1),
    )
    def answer(self, which: int, fault: Fault | None, after: float | None, dice: float) -> None:
        self._answer(which, fault, after, dice)

    @precondition(lambda self: self.flying)
    @rule(dice=st.floats(0, 1))
    def first_job_is_refused_for_days_while_others_go_through(self, dice: float) -> None:
        message, _ = self.flying[0]
        failing = message[0].job_key == JOBS[0]
        self._answer(0, Fault.DESTINATION if failing else None, None, dice)
        self.now += 600.0

    @rule(attempts=st.integers(STUCK_AFTER, 20))
    def an_outage_counts_attempts(self, attempts: int) -> None:
        flying = {row.seq for message, _ in self.flying for row in message}
        for seq, row in self.rows.items():
            if seq not in flying:
                self.rows[seq] = replace(row, attempts=attempts)

    @precondition(lambda self: self.hold is not None and self.hold.until is None)
    @rule()
    def someone_retries(self) -> None:
        # Whoever does so asks for it at once, whatever wait the destination asked for meanwhile.
        self.hold = None
        self.not_before = self.now

    @invariant()
    def never_more_than_four_under_way_and_one_a_job(self) -> None:
        jobs = [{row.job_key for row in message} for message, _ in self.flying]
        assert len(jobs) <= UNSETTLED
        assert sum(map(len, jobs)) == len(set().union(*jobs))

    @invariant()
    def no_row_is_lost_or_doubled(self) -> None:
        over = [row.seq for row in (*self.delivered, *self.silent, *self.dead)]
        assert len(over) == len(set(over))
        assert {*over, *self.rows} == self.owed

    @invariant()
    def only_small_bests_and_holds_that_are_over_go_untold(self) -> None:
        assert not self.silent or self.policy.people
        kinds = {row.event_type for row in self.silent}
        assert kinds <= {EventType.NEW_BEST, NoticeType.DESTINATION_HELD}
        assert EventType.NEW_BEST not in kinds or self.policy.min_improvement > 0

    def teardown(self) -> None:
        """Once the fault ends, everything goes, by itself."""
        for _ in range(2 * len(self.owed) + 10):
            while self.flying:
                self._answer(0, None, None, 0.5)
            if self.hold is not None and self.hold.until is None:
                self.hold = None
            self.now += 5000.0
            self.send()
        assert all(row.event_type == EventType.NEW_BEST for row in self.rows.values())
        assert all(self.policy.min_improvement > 0 for _ in self.rows)

    def _owe(self, row: Owed) -> None:
        self.rows[row.seq] = row
        self.owed.add(row.seq)

    def _check(self, message: Message) -> None:
        """Order, and no wait cut short."""
        assert self.now >= self.not_before
        mine = {row.seq for row in message}
        for row in message:
            earlier = [each for each in self.rows.values() if each.job_key == row.job_key and each.seq < row.seq]
            assert all(each.seq in mine for each in earlier)
            assert row.event_id not in {end_of(each.event_id) for each in self.rows.values()}
        assert [row.seq for row in message] == sorted(mine)

    def _answer(self, which: int, fault: Fault | None, after: float | None, dice: float) -> None:
        message, probe = self.flying.pop(min(which, len(self.flying) - 1))
        error = None if fault is None else DeliveryError("refused", fault, after=after)
        answer = Answer(message, error, probe)
        around = Circumstances(self.now, dice, self.hold, worked_at=self.memory.worked_at, doubted=self.memory.doubted)
        outcome = judge(self.policy, [answer], around)
        self._check_deaths(outcome, message, fault)
        if fault is Fault.NOBODY and after is not None:
            self.not_before = max(self.not_before, self.now + min(after, 3600.0))
        self._apply(outcome, [answer])

    def _check_deaths(self, outcome: Outcome, message: Message, fault: Fault | None) -> None:
        for seq, _ in outcome.dead:
            alone_since = self.rows[seq].alone_since
            known = next((row.alone_since for row in message if row.alone_since is not None), alone_since)
            by_rule = known is not None and self.now - known >= ALONE_FOR and self.hold is None
            assert (fault is Fault.MESSAGE and len(message) == 1) or by_rule

    def _apply(self, outcome: Outcome, answers: Sequence[Answer]) -> None:
        self.memory = self.memory.after(answers, outcome, self.now)
        self.hold = outcome.hold
        self.told |= dict(outcome.told)
        self.delivered += [self.rows.pop(seq) for seq in outcome.settled]
        self.dead += [self.rows.pop(seq) for seq, _ in outcome.dead]
        for each in outcome.postponed:
            row = self.rows[each.seq]
            self.rows[each.seq] = replace(
                row, next_at=each.next_at, attempts=each.attempts, alone_since=each.alone_since
            )


class DeliveringToPeople(Delivering):
    """The same for people, who get new bests paced and digests."""

    policy = replace(PEOPLE, min_improvement=0.01)


ENOUGH = settings(max_examples=60, stateful_step_count=40, deadline=None)

TestPrograms = Delivering.TestCase
TestPrograms.settings = ENOUGH
TestPeople = DeliveringToPeople.TestCase
TestPeople.settings = ENOUGH
