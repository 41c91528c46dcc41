"""What a sweep reads, and what is remembered of a job between two of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier.model.identity import JobIdentity
from notifier.model.job import ResourceLimits, TrialCounts
from notifier.model.status import ended


@dataclass(frozen=True, slots=True)
class Summary:
    """One row of ListHyperParameterTuningJobs (HyperParameterTuningJobSummaries): no best, no objective, no reason."""

    name: str
    arn: str | None
    status: str
    created_at: datetime
    modified_at: datetime | None = None
    ended_at: datetime | None = None
    strategy: str | None = None
    counts: TrialCounts = TrialCounts()
    limits: ResourceLimits = ResourceLimits()
    says: int | None = field(default=None, compare=False)
    """The row's status, creation and counters as a number of 64 bits; None where they are not as usual."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a job, small enough to keep thousands in memory; its full record stays in the store.

    `told` is False for a row whose first sight is still owed (its Describe has not answered yet).
    `described` is False while only List has spoken: the first Describe is then a silent baseline.
    `watched` is False for a job that the settings leave out: it is remembered, never told.
    `looked_at` is the last Describe, `missing_since` the first ResourceNotFound in a row, `moved_at` when a trial was
    last seen to have ended, 0 if never (epoch seconds). `early` are the causes of which an early word was told.
    """

    identity: JobIdentity
    name: str
    status: str
    counts: TrialCounts = TrialCounts()
    best_name: str | None = None
    best_value: float | None = None
    first_value: float | None = None
    told: bool = True
    described: bool = True
    watched: bool = True
    looked_at: float = 0.0
    missing_since: float | None = None
    ended_at: float | None = None
    moved_at: float = 0.0
    early: tuple[str, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether more is expected of it: the job goes on, or its first sight is still owed."""
        return not self.told or not ended(self.status)


@dataclass(frozen=True, slots=True)
class Settled:
    """A row that was looked at beside a memory and deserved nothing: both the same again deserve nothing again.

    `says` is the row's. `near`: it is watched, and about to end.
    """

    says: int
    memory: Remembered
    near: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of List: its rows, the server's clock then (`Date` header, UTC), and whether it is the last.

    `settled` are further rows, which say what they said before, and are not read again. `unread` lack what a row must
    have: by the job's name, what it is.
    """

    rows: tuple[Summary, ...]
    date: datetime
    last: bool
    unread: Mapping[str, str] = field(default_factory=dict)
    settled: tuple[Settled, ...] = ()


@dataclass(frozen=True, slots=True)
class ScopeState:
    """What is known of a scope's sweeps. Times are the server's, epoch seconds; None: never."""

    baseline_at: float | None = None
    complete_at: float | None = None
    """The start of the last complete sweep (the first page's `Date`)."""
    full_at: float | None = None
    """The start of the last complete sweep that read every row."""
