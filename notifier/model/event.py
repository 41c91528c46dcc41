"""What people and programs should hear: immutable, with an id that detecting twice does not change."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notifier.model.identity import JobIdentity
from notifier.model.job import BestTrainingJob, TuningJob


class EventType(StrEnum):
    """What can happen to a tuning job."""

    STARTED = "tuning_job.started"
    STATUS_CHANGED = "tuning_job.status_changed"
    NEW_BEST = "tuning_job.new_best"
    DELETED = "tuning_job.deleted"
    FAILING = "tuning_job.failing"
    PLATEAUED = "tuning_job.plateaued"
    LIMIT_NEAR = "tuning_job.limit_near"
    STALLED = "tuning_job.stalled"

    @property
    def word(self) -> str:
        """The word after the dot: how settings name the type."""
        return self.value.partition(".")[2]


class NoticeType(StrEnum):
    """What the service says of itself, to the operator; the summary of a day, to whoever wants it."""

    WATCHING = "notifier.watching"
    CAUGHT_UP = "notifier.caught_up"
    SCOPE_BLIND = "notifier.scope_blind"
    SCOPE_RECOVERED = "notifier.scope_recovered"
    DESTINATION_HELD = "notifier.destination_held"
    DESTINATION_RECOVERED = "notifier.destination_recovered"
    DAILY_SUMMARY = "notifier.daily_summary"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """`before` is None for a job first seen ended."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class BestSnapshot:
    """One leading trial as an event tells it. `value` is finite or None, and unrounded."""

    training_job_name: str
    metric_name: str | None
    value: float | None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, best: BestTrainingJob) -> "BestSnapshot":
        """What an event says of this trial."""
        return cls(
            training_job_name=best.training_job_name,
            metric_name=best.metric.name if best.metric else None,
            value=best.metric.value if best.metric else None,
            hyperparameters=dict(best.hyperparameters),
        )


@dataclass(frozen=True, slots=True)
class BestChange:
    """A new leader. `improvement` is |current − previous|; `first_value` the first best ever seen of this job."""

    current: BestSnapshot
    previous: BestSnapshot | None
    objective: str | None
    improvement: float | None
    first_value: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a tuning job. `time` is AWS's where it is known, else the observation's.

    `figures` are what an early word goes by: names to numbers, seconds where they are times.
    """

    id: str
    type: EventType
    time: datetime
    job: TuningJob
    status: StatusChange | None = None
    best: BestChange | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A word of the service about itself: a title, and lines that say what it means and what to do. Plain text."""

    id: str
    type: NoticeType
    time: datetime
    title: str
    lines: tuple[str, ...] = ()
    scope: str | None = None


def event_id(identity: JobIdentity, kind: EventType, subject: str = "") -> str:
    """The SHA-256, in hex, of the identity, the type, and the new status or the training job's name."""
    return digest(identity.key, kind.value, subject)


def digest(*parts: str) -> str:
    """A hex SHA-256 over parts that cannot run into each other."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
