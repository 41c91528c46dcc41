"""What becomes of every tuning job of a soak: the truth, fixed by a seed. Pure; moments are epoch seconds."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from itertools import pairwise
from math import isfinite

from notifier.model.status import FINAL
from tests.pipeline.sagemaker import Job

LAST_BIRTH, LAST_END = 0.85, 0.95
"""Parts of the soak after which no job begins, and none changes."""
DELETION_SECONDS = 60.0
"""A deletion must be confirmed so much later; nothing is deleted where that would be after the soak."""
SEEN_SECONDS = 20.0
"""Whoever lives so long is seen, whatever happens to the workers meanwhile."""
REASON = "No training job succeeded after 5 attempts. Most recent: <b>out of memory</b> & <!channel>"
FLOOR = 0.001
"""A value that every best beats."""
OLD = 20
"""Jobs of each scope that ended long before: history, of which nothing may be told."""


class Kind(Enum):
    """How a job lives."""

    OLD = "ended long before"
    STANDING = "in progress before anybody looked"
    ORDINARY = "begins and ends"
    BRIEF = "begins and ends between two sweeps"
    DELETED = "deleted before it ended"
    CLEARED = "deleted a while after it ended"
    REBORN = "deleted before it ended, its name used again"


_SHARES = {
    Kind.STANDING: 0.2,
    Kind.ORDINARY: 0.54,
    Kind.BRIEF: 0.15,
    Kind.DELETED: 0.04,
    Kind.CLEARED: 0.05,
    Kind.REBORN: 0.02,
}


@dataclass(frozen=True, slots=True)
class Best:
    """A trial that led, since when, and its value."""

    at: float
    name: str
    value: float


@dataclass(frozen=True, eq=False)
class Life:
    """One tuning job: its states, each from a moment on, until it is deleted. What is there at `began` is no news."""

    account: str
    region: str
    kind: Kind
    steps: tuple[tuple[float, Job], ...]
    began: float
    deleted: float | None = None

    @property
    def name(self) -> str:
        return self.steps[0][1].name

    @property
    def created(self) -> float:
        return self.steps[0][1].created

    @property
    def newborn(self) -> bool:
        """Whether it is not there yet when the soak begins."""
        return self.created > self.began

    def at(self, moment: float) -> Job | None:
        """What SageMaker knows of it then; None before its creation and after its deletion."""
        if moment < self.created or (self.deleted is not None and moment >= self.deleted):
            return None
        return self.steps[max(0, bisect_right(self.steps, moment, key=lambda step: step[0]) - 1)][1]

    @cached_property
    def ending(self) -> tuple[float, str] | None:
        """When it ended, and how; None where it never did, or long before."""
        last = self.steps[-1]
        return (last[0], last[1].status) if last[1].status in FINAL and last[0] > self.began else None

    @cached_property
    def statuses(self) -> dict[str, float]:
        """Since when it had each status that is news."""
        changes = [(first, second) for first, second in pairwise(self.steps) if first[1].status != second[1].status]
        found = {after[1].status: after[0] for _, after in changes if after[0] > self.began}
        return found | ({self.steps[0][1].status: self.created} if self.newborn else {})

    @cached_property
    def leaders(self) -> dict[str, Best]:
        """Every trial that ever led, by name, in the order in which they began to."""
        found: dict[str, Best] = {}
        for at, job in self.steps:
            if job.best:
                best = Best(at, f"{job.name}-{job.best:03d}", job.value)
                found.setdefault(best.name, best)
        return found

    @cached_property
    def known(self) -> float:
        """The best value that is no news; 0 where there is none."""
        return max((each.value for each in self.leaders.values() if each.at <= self.began), default=0.0)

    @cached_property
    def final_best(self) -> Best | None:
        """The best of all its trials, news or not."""
        return max(self.leaders.values(), key=lambda best: best.value, default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen in which scopes (account and region), how much of it, and in how many seconds."""

    seed: int
    seconds: float
    jobs: int
    scopes: tuple[tuple[str, str], ...]

    def lives(self, started: float, began: float) -> tuple[Life, ...]:
        """Every life, where the processes started and the changes began at these moments.

        `began` may be infinite: then nothing changes yet.
        """
        dice = random.Random(self.seed)
        kinds = [each for each in _SHARES if each not in {Kind.DELETED, Kind.REBORN} or self._deletes]
        found: list[Life] = []
        for number in range(self.jobs):
            kind = dice.choices(kinds, [_SHARES[each] for each in kinds])[0]
            name = f"{dice.choice(('soak', 'Soak'))}-{number:03d}"
            found += _lives(dice, self.seconds, name, kind, self.scopes[number % len(self.scopes)], started, began)
        for account, region in self.scopes:
            found += [_ended_long_ago(dice, account, region, number, started, began) for number in range(OLD)]
        return tuple(found)

    @property
    def _deletes(self) -> bool:
        return self.seconds >= 2 * DELETION_SECONDS


@dataclass
class _Story:
    """Writes the life of one job, step by step. Times are seconds since the soak began until they become a Life."""

    dice: random.Random
    seconds: float
    steps: list[tuple[float, Job]] = field(default_factory=list)
    trials: int = 0
    leader: int = 0
    value: float = 0.0
    first: float = 0.0

    def live(self, name: str, kind: Kind) -> None:
        """All of it, to its end or deletion."""
        born, over = self._span(kind)
        self.be_born(name, born)
        if kind is Kind.STANDING and self.dice.random() < 0.5:
            self._improve()
            self.steps = [(0.0, replace(self.steps[0][1], completed=1, best=1, value=self.value))]
        count = self.dice.randint(0, 2) if kind is Kind.BRIEF else self.dice.randint(2, 8)
        self.move(count, born, over)
        if kind in {Kind.DELETED, Kind.REBORN}:
            self.steps.append((over, self.steps[-1][1]))
        else:
            self.end(over)

    def _span(self, kind: Kind) -> tuple[float, float]:
        last = self.seconds * LAST_END
        born = 0.0 if kind is Kind.STANDING else self.dice.uniform(0.0, self.seconds * LAST_BIRTH)
        if kind is Kind.BRIEF:
            return born, born + self.dice.uniform(0.2, 1.5)
        if kind in {Kind.DELETED, Kind.REBORN}:
            born = self.dice.uniform(0.0, self.seconds / 4)
            return born, born + max(SEEN_SECONDS, self.dice.uniform(0.1, 0.2) * self.seconds)
        return born, born + self.dice.uniform(0.3, 1.0) * (last - born)

    def be_born(self, name: str, born: float) -> None:
        """The first step."""
        self.steps = [(born, Job(name, 0.0, in_progress=2))]

    def move(self, count: int, born: float, over: float) -> None:
        """Trials end: with a new best, or not; now and then one no better than the first leads for a while."""
        for at in sorted(self.dice.uniform(born, over) for _ in range(count)):
            luck, job = self.dice.random(), self.steps[-1][1]
            if luck < 0.45 or not self.leader:
                self._improve()
                job = replace(job, best=self.leader, value=self.value)
            else:
                self.trials += 1
                if luck < 0.6:
                    job = replace(job, best=self.trials, value=self.dice.choice((self.first, FLOOR)))
            self.steps.append((at, replace(job, completed=self.trials)))

    def end(self, over: float) -> None:
        """The last step; sometimes the last trial brings the best and the end in one."""
        outcome = self.dice.choices(("Completed", "Failed", "Stopped"), (0.7, 0.12, 0.18))[0]
        at, job = self.steps[-1]
        if outcome == "Stopped":
            # Within the last tenth, so that it is often, not always, seen to be stopping.
            self.steps.append((at + (over - at) * 0.9, replace(job, status="Stopping")))
        if self.dice.random() < 0.3:
            self._improve()
        last = replace(job, status=outcome, completed=self.trials, in_progress=0, best=self.leader, value=self.value)
        self.steps.append((over, replace(last, reason=REASON if outcome == "Failed" else None)))

    def _improve(self) -> None:
        self.trials += 1
        self.leader, self.value = self.trials, round(self.value + self.dice.randint(2, 40) / 1000, 3)
        self.first = self.first or self.value

    def told(self, place: tuple[str, str], kind: Kind, created: float, began: float) -> Life:
        """As a life in an account and region, in epoch seconds. `created` is the job's, or infinite."""
        final = self.steps[-1][1].status in FINAL
        ends = began + self.steps[-1][0]
        # A creation may be rounded up beyond what follows in the same millisecond.
        steps = [(max(created, began + at), replace(job, created=created)) for at, job in self.steps]
        steps[0] = (created, steps[0][1])
        if final:
            steps[-1] = (max(created, ends), replace(steps[-1][1], ended=round(ends, 3)))
        deleted = ends if not final else ends + DELETION_SECONDS if kind is Kind.CLEARED else None
        return Life(*place, kind, tuple(steps), began, deleted)


def _lives(
    dice: random.Random, seconds: float, name: str, kind: Kind, place: tuple[str, str], started: float, began: float
) -> Iterator[Life]:
    story = _Story(dice, seconds)
    story.live(name, kind)
    created = started - dice.uniform(60.0, 3000.0) if kind is Kind.STANDING else began + story.steps[0][0]
    yield story.told(place, kind, _milliseconds(created), began)
    if kind is Kind.REBORN:
        again, born = _Story(dice, seconds), story.steps[-1][0] + 5.0
        again.be_born(name, born)
        again.move(3, born, born + 20.0)
        again.end(born + 25.0)
        yield again.told(place, Kind.ORDINARY, _milliseconds(began + born), began)


def _milliseconds(moment: float) -> float:
    """A moment as precise as it goes over the wire."""
    return round(moment, 3) if isfinite(moment) else moment


def _ended_long_ago(dice: random.Random, account: str, region: str, number: int, started: float, began: float) -> Life:
    created = round(started - dice.uniform(2.0, 30.0) * 86400.0, 3)
    job = Job(f"old-{number:03d}", created, "Completed", 3, 0, 2, 0.5, created + 3600.0)
    return Life(account, region, Kind.OLD, ((created, job),), began)


def standing(lives: Sequence[Life], moment: float) -> dict[str, Job]:
    """The jobs of one scope at a moment, by lower-cased name; a name used again is the later job."""
    ordered = sorted(lives, key=lambda life: life.created)
    return {life.name.lower(): job for life in ordered if (job := life.at(moment)) is not None}
