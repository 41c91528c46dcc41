"""The canonical record of a tuning job: the preview's `describe_tuning_job` answer, and what today's API adds.

What an API does not say is None here and absent in `to_response()`; nothing is invented. Times are aware and in UTC,
values of metrics finite (NaN and Infinity become None where an answer is read).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from notifier.model.identity import JobIdentity, console_url
from notifier.model.status import ended


class Direction(StrEnum):
    """Which way the objective is better."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's final value: a 32-bit float widened to 64 in today's API."""

    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class BestTrainingJob:
    """The leading trial (BestTrainingJob)."""

    training_job_name: str
    status: str | None = None
    metric: Metric | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    retried_attempt: int | None = None
    definition_name: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """How a metric is read from a trial's log."""

    name: str
    regex: str


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """One tuned hyperparameter. `kind` is Categorical (with values), Continuous or Integer (with bounds, as text)."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    min_value: str | None = None
    max_value: str | None = None


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """Trials by outcome (TrainingJobStatusCounters). `pending` and `running`: only where trials were listed."""

    completed: int = 0
    in_progress: int | None = None
    retryable_error: int = 0
    non_retryable_error: int = 0
    stopped: int = 0
    pending: int | None = None
    running: int | None = None

    @property
    def failed(self) -> int:
        """Trials that failed, those that SageMaker starts again included."""
        return self.retryable_error + self.non_retryable_error

    @property
    def terminal(self) -> int:
        """Trials that will not run again: the number that only ever grows."""
        return self.completed + self.non_retryable_error + self.stopped

    @property
    def active(self) -> int | None:
        """Trials under way, running or waiting; None where the API does not say."""
        if self.in_progress is not None:
            return self.in_progress
        if self.pending is None and self.running is None:
            return None
        return (self.pending or 0) + (self.running or 0)


the_same_counts = lru_cache(maxsize=4096)(TrialCounts)
"""One object for all that say the same: thousands are kept, in memories above all."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What the job may use at most; each may be absent. Run time is in seconds."""

    max_training_jobs: int | None = None
    max_parallel_training_jobs: int | None = None
    max_runtime_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ComputeHours:
    """Instance hours of ended and of running trials."""

    finished: float | None = None
    in_flight: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """Why the search came to its end (TuningJobCompletionDetails)."""

    not_improving: int | None = None
    converged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TuningJob:
    """One tuning job at one moment, as the service speaks of it everywhere."""

    account_id: str
    region: str
    name: str
    status: str
    created_at: datetime
    arn: str | None = None
    modified_at: datetime | None = None
    ended_at: datetime | None = None
    failure_reason: str | None = None
    strategy: str | None = None
    objective_metric: str | None = None
    direction: str | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    """Of a multi-algorithm job: the direction by definition name."""
    best: BestTrainingJob | None = None
    overall_best: BestTrainingJob | None = None
    metric_definitions: tuple[MetricDefinition, ...] | None = None
    parameter_ranges: tuple[ParameterRange, ...] | None = None
    counts: TrialCounts = TrialCounts()
    limits: ResourceLimits = ResourceLimits()
    compute_hours: ComputeHours | None = None
    runtime_seconds: int | None = None
    completion: Completion | None = None
    silent_trials: int | None = None
    """Trials that ended without a value of the objective (ObjectiveStatusCounters.Failed)."""

    @property
    def identity(self) -> JobIdentity:
        """Which job this is, for ever."""
        return JobIdentity.of(self.account_id, self.region, self.name, self.created_at)

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return ended(self.status)

    @property
    def source(self) -> str:
        """The CloudEvents source: the ARN, or a URN in a dialect without one."""
        return self.arn or f"urn:notifier:{self.account_id}:{self.region}:{self.name}"

    @property
    def console_url(self) -> str | None:
        """The job's page in the AWS console."""
        return console_url(self.region, "hyper-tuning-jobs", self.name)

    def direction_of(self, best: BestTrainingJob | None) -> str | None:
        """Which way is better for this trial: its definition's direction in a multi-algorithm job, else the job's."""
        if best is not None and best.definition_name is not None and best.definition_name in self.directions:
            return self.directions[best.definition_name]
        return self.direction

    def to_response(self) -> dict[str, Any]:
        """The record as the preview's DescribeTuningJob answers it; datetimes stay datetimes, the absent stays out."""
        return _present(
            {
                "BestTrainingJob": _best_response(self.best),
                "MetricDefinitions": None
                if self.metric_definitions is None
                else [{"Name": each.name, "Regex": each.regex} for each in self.metric_definitions],
                "ParameterRanges": _ranges_response(self.parameter_ranges),
                "ResourcesStats": {"ConsumedResources": self._consumed_response()},
                "Strategy": self.strategy,
                "TuningJobName": self.name,
                "TuningJobStartTime": self.created_at,
                "TuningJobEndTime": self.ended_at,
                "TuningJobStatus": self.status,
                "FailureReason": self.failure_reason,
            }
        )

    def _consumed_response(self) -> dict[str, Any]:
        hours, counts, limits = self.compute_hours, self.counts, self.limits
        seconds = limits.max_runtime_seconds
        return _present(
            {
                "ComputeHours": hours and _present({"Finished": hours.finished, "InFlight": hours.in_flight}),
                "Jobs": _present(
                    {
                        "Completed": counts.completed,
                        "Failed": counts.failed,
                        "Pending": counts.pending,
                        "Running": counts.running,
                    }
                ),
                "ResourceLimits": _present(
                    {
                        "MaxClockTimeInHours": None if seconds is None else _whole(seconds / 3600),
                        "MaxNumberOfTrainingJobs": limits.max_training_jobs,
                        "MaxParallelTrainingJobs": limits.max_parallel_training_jobs,
                    }
                ),
            }
        )


def _best_response(best: BestTrainingJob | None) -> dict[str, Any] | None:
    if best is None:
        return None
    metric = best.metric
    return _present(
        {
            "FinalTuningJobObjectiveMetric": metric and {"MetricName": metric.name, "Value": metric.value},
            "HyperParameters": dict(best.hyperparameters),
            "RetriedAttempt": best.retried_attempt,
            "TrainingJobName": best.training_job_name,
            "TrainingJobStatus": best.status,
        }
    )


def _ranges_response(ranges: tuple[ParameterRange, ...] | None) -> dict[str, Any] | None:
    if ranges is None:
        return None
    answer: dict[str, Any] = {}
    for kind in ("Categorical", "Continuous", "Integer"):
        answer[f"{kind}ParameterRanges"] = [
            {"Name": each.name, "Type": kind, "Values": list(each.values)}
            if kind == "Categorical"
            else {"Name": each.name, "Type": kind, "MinValue": each.min_value, "MaxValue": each.max_value}
            for each in ranges
            if each.kind == kind
        ]
    return answer


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value
