"""One look at one job: describe, judge, route, write down."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from notifier.detection.early import Rules, stall, stalled, with_early_words
from notifier.detection.judgement import (
    Sight,
    Verdict,
    believe,
    best_unchanged,
    judge,
    missing,
    row_alone,
    says_nothing,
    unanswered,
)
from notifier.detection.staleness import Doubt, doubt
from notifier.detection.sweep import history_before, locked_out
from notifier.errors import CallFailed, Cause, JobMissing
from notifier.model import Event, JobIdentity, Remembered, Summary, TuningJob
from notifier.pipeline import notices
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.tags import TagReader
from notifier.pipeline.trials import TrialReader
from notifier.ports import Observed, Routed, Source
from notifier.routing import Route, route

CONCURRENT_LOOKS = 8


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears what. `catch_up` is seconds: endings older than that are counted, not told one by one.

    `people` are the destinations that read of trials; `living`: some of them show a job as it goes on.
    """

    routes: tuple[Route, ...]
    operator: tuple[str, ...]
    catch_up: float
    people: frozenset[str] = frozenset()
    living: bool = False
    early: Rules = Rules()


@dataclass(slots=True)
class Tally:
    """What one sweep has done so far."""

    pages: int = 0
    rows: int = 0
    planned: int = 0
    """Looks that are to be taken, as far as is known so far; `looks` are those of them that were taken."""
    looks: int = 0
    failures: list[CallFailed] = field(default_factory=list)
    denied: list[Remembered | None] = field(default_factory=list)
    """The jobs, as they are remembered, whose Describe was denied."""
    unread: dict[str, str] = field(default_factory=dict)
    """What is wrong with rows of List that cannot be read, by the job's name."""
    lost: list[CallFailed] = field(default_factory=list)
    """Jobs of which neither List nor Describe said anything."""


class Looker:
    """Looks at jobs of one scope, at most eight at a time, and writes down what it sees."""

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        telling: Telling,
        trials: TrialReader,
        tags: TagReader,
        *,
        alive: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.clock = clock
        self.alive = alive
        self.tally = Tally()
        self._source = source
        self._ledger = ledger
        self._telling = telling
        self._trials = trials
        self._tags = tags
        self._places = asyncio.Semaphore(CONCURRENT_LOOKS)
        self._doubts: dict[JobIdentity, Doubt] = {}
        self._caught_up: list[Observed] = []

    def begin(self) -> None:
        """A new sweep begins: what a broken one saw and did not commit will be seen again."""
        self.tally = Tally()
        self._caught_up.clear()

    async def ask(self, name: str, memory: Remembered | None = None) -> TuningJob | JobMissing | CallFailed:
        """Describe one job. A failure is an answer too: one job in trouble delays no other."""
        scope = self._ledger.scope
        async with self._places:
            self.alive()
            try:
                record = await self._source.describe(name)
            except JobMissing as error:
                return error
            except CallFailed as error:
                self.tally.failures.append(error)
                if error.cause is Cause.DENIED:
                    self.tally.denied.append(memory)
                return error
            finally:
                self.tally.looks += 1
        if (record.account_id, record.region) == (scope.account_id, scope.region):
            return record
        return replace(record, account_id=scope.account_id, region=scope.region)

    async def row(self, row: Summary, memory: Remembered | None, *, silent: bool, history: float | None) -> None:
        """Describe a job that its List row shows to have moved, and write down what that changes."""
        if memory is not None:
            memory = await self.sighted(memory)
        answer = await self.ask(row.name, memory)
        sight = Sight(self.clock(), silent, history)
        # Where the name was used again meanwhile, the answer speaks of another job, which List will show.
        if isinstance(answer, TuningJob) and (memory is None or answer.identity == memory.identity):
            await self.judge(memory, await self._record(memory, answer), answer, row, sight)
        else:
            scope = self._ledger.scope
            await self.write(unanswered(memory, row, scope.account_id, scope.region, sight))

    async def name(self, memory: Remembered, record: TuningJob | None) -> None:
        """Describe a remembered job by its name, and write down what that changes: a deletion, it may be."""
        answer = await self.ask(memory.name, memory)
        if isinstance(answer, CallFailed):
            return
        if isinstance(answer, TuningJob) and answer.identity == memory.identity:
            await self.judge(await self.sighted(memory), record, answer, None, Sight(self.clock()))
        # Where the name was used again, the job we remember is gone, and the new one is List's to show. An answer that
        # still speaks of an earlier job of the name says nothing.
        elif isinstance(answer, JobMissing) or answer.identity.created > memory.identity.created:
            await self.missing(memory, record)

    async def unread(self, name: str, *, silent: bool, history: float | None) -> None:
        """Describe a job whose row cannot be read; where that fails too, whether it is new nobody can say."""
        answer = await self.ask(name)
        if isinstance(answer, CallFailed):
            wrong = self.tally.unread[name]
            text = f"{answer}; and the row of {name} in List cannot be read: {wrong}"
            self.tally.lost.append(CallFailed(answer.cause, text, answer.action))
        elif isinstance(answer, TuningJob):
            await self._unlisted(answer, Sight(self.clock(), silent, history))

    async def hinted(self, name: str) -> bool:
        """Describe a job that a hint names; whether that says what is meant: something new, or that the job has ended.

        One that is not found, or gives no answer, is left to the sweeps.
        """
        answer = await self.ask(name)
        if not isinstance(answer, TuningJob):
            return False
        memory = self._ledger.jobs.get(answer.identity)
        await self._unlisted(answer, Sight(self.clock(), history_before=history_before(self._ledger.state)))
        return memory is None or answer.ended or not says_nothing(memory, answer)

    async def _unlisted(self, answer: TuningJob, sight: Sight) -> None:
        """Write down what an answer changes to which no row of List led."""
        memory = self._ledger.jobs.get(answer.identity)
        if memory is not None:
            memory = await self.sighted(memory)
        record = await self._record(memory, answer)
        await self.judge(memory, record, answer, None, sight)

    async def judge(
        self, memory: Remembered | None, record: TuningJob | None, now: TuningJob, row: Summary | None, sight: Sight
    ) -> None:
        """Write down what one answer changes; one that contradicts what is known must come three times."""
        verdict = judge(memory, record, now, row, sight)
        if verdict.stale and memory is not None:
            contradiction = doubt(self._doubts.get(memory.identity), now, sight.epoch)
            if not contradiction.believable(sight.epoch):
                self._doubts[memory.identity] = contradiction
                return
            verdict = believe(memory, now, sight)
        self._doubts.pop(now.identity, None)
        await self.write(with_early_words(verdict, memory, sight, self._telling.early), memory=memory)

    async def note(self, row: Summary, memory: Remembered | None, *, watched: bool) -> None:
        """Remember a row as it is; nothing is told."""
        scope = self._ledger.scope
        await self.write(row_alone(memory, row, scope.account_id, scope.region, watched=watched))

    async def missing(self, memory: Remembered, record: TuningJob | None) -> None:
        """Write down that a remembered job was not found; a deleted one is forgotten."""
        verdict = missing(memory, record, Sight(self.clock()))
        if verdict is None:
            await self._ledger.write(Observed(memory, forget=True))
        else:
            await self.write(verdict, forget=bool(verdict.events))

    async def sighted(self, memory: Remembered) -> Remembered:
        """A job is seen, whatever else is said of it: if it was not found a moment ago, it is not missing after all."""
        if memory.missing_since is not None:
            memory = replace(memory, missing_since=None)
            await self._ledger.write(Observed(memory))
        return memory

    def shortcoming(self) -> CallFailed | None:
        """Why this sweep is not complete though List is: no job can be described, or a new one may be lost. Or None."""
        tally = self.tally
        if tally.lost:
            return tally.lost[0]
        if not tally.denied or len(tally.denied) < tally.looks:
            return None
        answered_at = max((each.looked_at for each in self._ledger.jobs.values()), default=0.0)
        return tally.failures[0] if locked_out(tally.denied, answered_at, self.clock().timestamp()) else None

    async def tell_late(self) -> None:
        """Commit the endings that are too old to be told one by one, together with one line that counts them."""
        late, self._caught_up = self._caught_up, []
        if late:
            notice = notices.caught_up(
                self._ledger.scope, self._source.place.phrase, [each.remembered for each in late], self.clock()
            )
            late[0] = replace(late[0], events=(Routed(notice, self._telling.operator),))
            await self._ledger.write(*late)

    async def _record(self, memory: Remembered | None, now: TuningJob) -> TuningJob | None:
        """The last known record, where memory alone does not tell enough of it: reading it costs as much as a call."""
        if memory is None or best_unchanged(memory, now):
            return None
        return await self._ledger.record(memory.identity)

    async def write(self, verdict: Verdict, *, forget: bool = False, memory: Remembered | None = None) -> None:
        """Write down what a look changes, with what is owed for it; `memory` is what was remembered before."""
        if verdict.remembered is None:
            return
        if verdict.events and self._too_late(verdict.remembered):
            self._caught_up.append(Observed(verdict.remembered, verdict.record, forget=forget))
            return
        routed = await self._routed(verdict.events)
        trials = await self._trials.read(memory, verdict.record, routed)
        await self._ledger.write(Observed(verdict.remembered, verdict.record, routed, forget, trials))

    async def tell_stalls(self, watched: Iterable[Remembered], now: float) -> None:
        """Tell of jobs of which no trial has ended for long; `now` is epoch seconds."""
        signs = {each.identity: sign for each in watched if (sign := stalled(each, now, self._telling.early))}
        if not signs:
            return
        records = await self._ledger.records(list(signs))
        for identity, record in records.items():
            remembered, event = stall(self._ledger.jobs[identity], record, signs[identity], self.clock())
            await self._ledger.write(Observed(remembered, events=await self._routed((event,))))

    async def _routed(self, events: Sequence[Event]) -> tuple[Routed, ...]:
        """The events of one job, with who hears of them."""
        tags = await self._tags.read(events)
        return tuple(Routed(each, route(each, self._telling.routes, tags)) for each in events)

    async def read_late_trials(self) -> None:
        """Read the trials that were not there in time for the looks of this sweep."""
        observed = await self._trials.later(self._ledger.jobs)
        if observed:
            await self._ledger.write(*observed)
            await self._ledger.flush()

    def _too_late(self, remembered: Remembered) -> bool:
        ended_at = remembered.ended_at
        return ended_at is not None and self.clock().timestamp() - ended_at > self._telling.catch_up
