"""A trial: one training job of a tuning job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

OVER = frozenset({"Completed", "Failed", "Stopped"})
"""The statuses after which a training job does not change any more (TrainingJobStatus)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of ListTrainingJobsForHyperParameterTuningJob. Without `started_at` it still waits for its instances.

    `value` is the objective's final one, finite or None; `hyperparameters` are the tuned ones.
    """

    name: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    value: float | None = None
    metric_name: str | None = None
    failure_reason: str | None = None
    definition_name: str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self.status in OVER


@dataclass(frozen=True, slots=True)
class KnownTrials:
    """The names of a job's trials that are remembered: those that are over, and those that were not when last seen."""

    over: frozenset[str] = frozenset()
    going: frozenset[str] = frozenset()
