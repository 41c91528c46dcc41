"""What everything else speaks of: frozen values without behaviour that needs the world."""

from notifier.model.card import Card, Face, Posted
from notifier.model.event import (
    BestChange,
    BestSnapshot,
    Event,
    EventType,
    Notice,
    NoticeType,
    StatusChange,
    event_id,
)
from notifier.model.hint import Hint, Noted
from notifier.model.identity import Api, JobIdentity, Place, Scope
from notifier.model.job import (
    BestTrainingJob,
    Completion,
    ComputeHours,
    Direction,
    Metric,
    MetricDefinition,
    ParameterRange,
    ResourceLimits,
    TrialCounts,
    TuningJob,
    the_same_counts,
)
from notifier.model.lease import Lease
from notifier.model.outbox import Batch, Hold, Owed, Policy, Told
from notifier.model.quiet import QuietHours
from notifier.model.silence import Silence
from notifier.model.status import ENDED, FINAL, RUNNING, Status, ended, rank
from notifier.model.trial import KnownTrials, Trial
from notifier.model.watch import Page, Remembered, ScopeState, Settled, Summary

__all__ = [
    "ENDED",
    "FINAL",
    "RUNNING",
    "Api",
    "Batch",
    "BestChange",
    "BestSnapshot",
    "BestTrainingJob",
    "Card",
    "Completion",
    "ComputeHours",
    "Direction",
    "Event",
    "EventType",
    "Face",
    "Hint",
    "Hold",
    "JobIdentity",
    "KnownTrials",
    "Lease",
    "Metric",
    "MetricDefinition",
    "Noted",
    "Notice",
    "NoticeType",
    "Owed",
    "Page",
    "ParameterRange",
    "Place",
    "Policy",
    "Posted",
    "QuietHours",
    "Remembered",
    "ResourceLimits",
    "Scope",
    "ScopeState",
    "Settled",
    "Silence",
    "Status",
    "StatusChange",
    "Summary",
    "Told",
    "Trial",
    "TrialCounts",
    "TuningJob",
    "ended",
    "event_id",
    "rank",
    "the_same_counts",
]
