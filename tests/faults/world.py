"""What stands around workers on virtual time: an account, receivers, and lines to the store that can break."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from sqlalchemy import Connection

from notifier.errors import CallFailed, Cause, DeliveryError, Fault, JobMissing, StoreUnavailable
from notifier.model import (
    Api,
    Batch,
    Event,
    KnownTrials,
    Lease,
    Notice,
    Page,
    Place,
    Policy,
    Status,
    Summary,
    Trial,
    TuningJob,
)
from notifier.ports import Recognise, nothing_settled
from notifier.store.database import Database
from tests import virtual
from tests.examples import ACCOUNT, NOON, REGION, best, tuning_job

T = TypeVar("T")
SECRET = "hooks.example/T0/s3cret-of-the-world"
LAG, LOST = 80.0, 50.0
"""Seconds for which answers may be behind, and for which they may not know of a job at all: less than the two minutes
after which contradictions are believed, and the minute after which a job that is not found is gone."""


def wall() -> datetime:
    """The time, by everybody's clock."""
    return NOON + timedelta(seconds=virtual.now())


@dataclass
class Account:
    """The truth: what each tuning job was, step by step, and how its API feels."""

    histories: dict[str, list[TuningJob]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    mood: Literal["fine", "down", "breaks"] = "fine"
    """`breaks`: List ends in the middle."""
    unanswered: set[str] = field(default_factory=set)
    """Jobs whose Describe always fails."""
    behind: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """By job and operation: how many steps its answers are behind, and until when."""

    def now(self, name: str) -> TuningJob:
        """What a job is."""
        return self.histories[name][-1]

    def begin(self) -> str:
        """A job begins."""
        name = f"job-{len(self.histories)}"
        self.histories[name] = [replace(tuning_job(name), created_at=wall())]
        return name

    def move(self, name: str, **changes: object) -> None:
        """A job goes a step on."""
        self.histories[name].append(replace(self.now(name), **changes))  # type: ignore[arg-type]

    def train(self, name: str, value: float | None) -> None:
        """A trial completes and leads, with this value."""
        now = self.now(name)
        done = now.counts.completed + 1
        leader = replace(best(done, value), training_job_name=f"{name}-{done:03d}")
        self.move(name, counts=replace(now.counts, completed=done), best=leader)

    def end(self, name: str, status: str) -> None:
        """A job ends."""
        self.move(name, status=status, ended_at=wall())

    def seen(self, name: str, operation: str) -> TuningJob | None:
        """What an operation says of a job now; None: nothing yet."""
        steps, until = self.behind.get((name, operation), (0, 0.0))
        history = self.histories[name]
        steps = steps if virtual.now() < until else 0
        return history[-1 - steps] if steps < len(history) else None

    def fall_behind(self, name: str, operations: Iterable[str], steps: int | None) -> None:
        """From now on these operations show an earlier state of a job; None: one from before it began."""
        lost = steps is None or steps >= len(self.histories[name])
        shown = (steps or len(self.histories[name]), virtual.now() + (LOST if lost else LAG))
        self.behind |= dict.fromkeys(((name, operation) for operation in operations), shown)

    def heal(self) -> None:
        """Everything works, and at once."""
        self.mood = "fine"
        self.unanswered.clear()
        self.behind.clear()


class View:
    """The account as a source."""

    place = Place(REGION)
    region = REGION
    api = Api.HYPERPARAMETER.value

    def __init__(self, account: Account) -> None:
        self._account = account

    async def account(self) -> str | None:
        """As STS names it."""
        return ACCOUNT

    async def role(self) -> str | None:
        """The caller's own credentials."""
        return None

    async def pages(self, settled: Recognise = nothing_settled) -> AsyncGenerator[Page]:
        """Two rows a page, newest first."""
        rows = [_row(job) for job in map(self._listed, reversed(self._account.histories)) if job is not None]
        for start in range(0, max(1, len(rows)), 2):
            await asyncio.sleep(0.2)
            if self._account.mood == "down" or (self._account.mood == "breaks" and start):
                raise CallFailed(Cause.SERVER, "sagemaker:List…: HTTP 500")
            told = rows[start : start + 2]
            known = [settled(each.name, each.says or 0) for each in told]
            yield Page(
                tuple(row for row, same in zip(told, known, strict=True) if same is None),
                wall(),
                last=start + 2 >= len(rows),
                settled=tuple(same for same in known if same is not None),
            )
        if self._account.mood == "breaks":
            raise CallFailed(Cause.MALFORMED, "sagemaker:List…: its answer makes no sense")

    async def trials(self, name: str, known: KnownTrials) -> list[Trial]:
        """Nobody asks for trials here."""
        return []

    async def tags(self, arn: str) -> dict[str, str]:
        """No filter asks for them."""
        return {}

    async def describe(self, name: str, *, trials: bool = False) -> TuningJob:
        """One job."""
        await asyncio.sleep(0.2)
        account = self._account
        if account.mood == "down" or name in account.unanswered:
            raise CallFailed(Cause.SERVER, f"sagemaker:Describe… of {name}: HTTP 500")
        job = None if name in account.gone else account.seen(name, "describe")
        if job is None:
            raise JobMissing(name)
        return job

    def _listed(self, name: str) -> TuningJob | None:
        return None if name in self._account.gone else self._account.seen(name, "list")


def _row(job: TuningJob) -> Summary:
    says = hash((job.name, job.status, job.created_at, job.counts))
    return Summary(job.name, job.arn, job.status, job.created_at, ended_at=job.ended_at, counts=job.counts, says=says)


@dataclass(eq=False)
class Line:
    """A worker's line to the database."""

    database: Database
    cut: bool = False
    fails: list[Literal["before", "after"]] = field(default_factory=list)
    """The next writes: not done, or done and their answers lost."""
    troubled_at: float = -math.inf
    """When it last failed (virtual seconds)."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        await self._passes()
        return await self.database.read(work)

    async def write(self, work: Callable[[Connection], T], *, urgent: bool = False) -> T:
        await self._passes()
        fate = self.fails.pop(0) if self.fails else None
        if fate == "before":
            raise self._trouble()
        done = await self.database.write(work, urgent=urgent)
        # Cut off while it was on its way.
        if fate == "after" or self.cut:
            raise self._trouble()
        return done

    async def time(self) -> float:
        await self._passes()
        return await self.database.time()

    def now(self, connection: Connection) -> float:
        return self.database.now(connection)

    async def _passes(self) -> None:
        if self.cut:
            await asyncio.sleep(0.1)
            raise self._trouble()

    def _trouble(self) -> StoreUnavailable:
        self.troubled_at = virtual.now()
        return StoreUnavailable("database world: it does not answer")


Mood = Literal["fine", "lost", "down", "throttled", "refuses", "hangs", "leaks"]
"""How a receiver treats what comes: it takes it; takes it, and the answer is lost; does not take it; asks for patience;
refuses it for good; takes it and never answers; fails as a library does, with the address in its words."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One message that a receiver took. `answered`: its sender heard that it did."""

    line: Line
    lease: Lease
    began: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A receiver asked whoever sent over this line, at this moment, to be left alone until then."""

    line: Line
    at: float
    until: float

    def holds(self, now: float) -> bool:
        """Whether it must be kept: who asked could tell the others."""
        return now < self.until and self.line.troubled_at < self.at


@dataclass
class Receiver:
    """What one destination took, and whether that was right."""

    policy: Policy
    account: Account
    mood: Mood = "fine"
    patience: float = 0.0
    """Seconds that it asks for."""
    asked: "Asked | None" = None
    """The last time that it did."""
    under_way: int = 0
    """Messages that are taken, and not answered yet."""
    wrong: list[str] = field(default_factory=list)
    """What it should not have been sent."""
    taken: dict[str, list[Attempt]] = field(default_factory=dict)
    told: dict[str, list[Event]] = field(default_factory=dict)
    """By job, in order, without repeats."""
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each id stands for."""

    def take(self, batch: Batch, line: Line, lease: Lease, *, answered: bool) -> None:
        """Take a message, and check that nothing about it is wrong."""
        attempt = Attempt(line, lease, virtual.now(), answered)
        for event in batch.events:
            earlier = self.taken.setdefault(event.id, [])
            if earlier:
                assert batch.repeated, "a repeat that does not say so"
                assert _ambiguous(earlier[-1], attempt), "a repeat of what was answered and not disturbed"
            earlier.append(attempt)
            meaning = _meaning(event)
            assert self.names.setdefault(event.id, meaning) == meaning, "one id for two events"
            if isinstance(event, Event) and len(earlier) == 1:
                self._hear(event)
        assert len(set(self.names.values())) == len(self.names), "two ids for one event"

    def _hear(self, event: Event) -> None:
        told, history = self.told.setdefault(event.job.name, []), self.account.histories[event.job.name]
        if event.status is not None:
            assert event.status.after in {each.status for each in history}, "a status that never was"
        if event.best is not None:
            leaders = {each.best.training_job_name for each in history if each.best}
            assert event.best.current.training_job_name in leaders, "a best that never led"
            values = [each.best.current.value for each in told if each.best]
            assert all(_less(value, event.best.current.value) for value in values), "a best that is not better"
        if event.type.word == "deleted":
            assert event.job.name in self.account.gone, "a deletion that never was"
        assert not any(closes(each) for each in told), "news of what has ended"
        assert event.type.word != "started" or not told, "a beginning that comes late"
        told.append(event)


def closes(event: Event) -> bool:
    """Whether nothing follows it."""
    return event.type.word == "deleted" or (event.status is not None and event.status.after in _FINAL)


_FINAL = {Status.COMPLETED, Status.FAILED, Status.STOPPED}


def _ambiguous(earlier: Attempt, again: Attempt) -> bool:
    """Whether the sender could not know that the earlier one was taken; or it knew, and could tell nobody before it
    lost its duty to another."""
    handed_over = earlier.lease != again.lease and earlier.line.troubled_at >= earlier.began
    return not earlier.answered or handed_over


def _less(value: float | None, than: float | None) -> bool:
    return value is None or (than is not None and value < than)


def _meaning(event: Event | Notice) -> tuple[str, ...]:
    if isinstance(event, Notice):
        return (event.id,)
    subject = event.status.after if event.status else event.best.current.training_job_name if event.best else ""
    return (event.job.name, event.type.value, subject)


class Road:
    """A receiver as a destination of one worker under one lease."""

    def __init__(self, receiver: Receiver, line: Line, lease: Lease) -> None:
        self.policy = receiver.policy
        self._receiver = receiver
        self._line = line
        self._lease = lease

    async def send(self, batch: Batch) -> None:
        """A second on the way there, a second on the way back."""
        receiver, mood = self._receiver, self._receiver.mood
        if receiver.asked and receiver.asked.holds(virtual.now()):
            receiver.wrong.append("it was to be left alone")
        await asyncio.sleep(1)
        match mood:
            case "down":
                raise DeliveryError("HTTP 503", Fault.DESTINATION)
            case "throttled":
                receiver.asked = Asked(self._line, virtual.now(), virtual.now() + receiver.patience)
                raise DeliveryError("HTTP 429", Fault.NOBODY, after=receiver.patience)
            case "refuses":
                raise DeliveryError("HTTP 400", Fault.MESSAGE)
        try:
            receiver.take(batch, self._line, self._lease, answered=mood == "fine")
        except AssertionError as wrong:
            receiver.wrong.append(str(wrong))
        receiver.under_way += 1
        try:
            await asyncio.sleep(math.inf if mood == "hangs" else 1)
        finally:
            receiver.under_way -= 1
        match mood:
            case "lost":
                raise DeliveryError("no answer", Fault.DESTINATION, ambiguous=True)
            case "leaks":
                raise OSError(f"cannot connect to https://{SECRET}")


def secrets_in(texts: Iterable[bytes]) -> int:
    """How often the secret of the world stands in these."""
    return sum(SECRET.encode() in text for text in texts)
