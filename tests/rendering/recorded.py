"""The recorded runs as events, mapped roughly: what messages look like for jobs that people really ran."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from notifier.model import (
    BestTrainingJob,
    Event,
    Metric,
    ParameterRange,
    ResourceLimits,
    Status,
    StatusChange,
    TrialCounts,
    TuningJob,
)
from tests.examples import ACCOUNT, NOON, SAMPLES, ended, new_best, sample, started, tuning_job

RUNS = sorted(path.name for path in SAMPLES.glob("trials_*.json"))
DESCRIBED = sorted(path.name for path in SAMPLES.glob("describe_*.json"))


def trial(row: Mapping[str, Any], metric: str) -> BestTrainingJob:
    """One trial of a recorded run."""
    return BestTrainingJob(
        training_job_name=row["TrainingJobName"],
        metric=Metric(metric, row.get("FinalObjectiveValue")),
        hyperparameters=row.get("TunedHyperParameters", {}),
    )


def run(name: str) -> list[Event]:
    """A recorded run as the events it would have made: started, every new best, completed."""
    answer = sample(name)
    metric, direction = answer.get("MetricName", "loss"), answer.get("Type")
    trials = [trial(row, metric) for row in answer["trials"]]
    job = tuning_job(
        trials[0].training_job_name[:-13],
        objective_metric=metric,
        direction=direction,
        counts=TrialCounts(completed=len(trials)),
        limits=ResourceLimits(len(trials), 3),
    )
    events: list[Event] = [started(job)]
    leader: BestTrainingJob | None = None
    first: float | None = None
    for each in trials:
        if each.metric and leader and leader.metric and not _better(each.metric, leader.metric, direction):
            continue
        event = new_best(each, leader, job)
        if first is None and each.metric:
            first = each.metric.value
        events.append(replace(event, best=event.best and replace(event.best, first_value=first)))
        leader = each
    return [*events, ended(replace(job, best=leader))]


def described(name: str) -> TuningJob:
    """A recorded describe answer."""
    answer = sample(name)
    config = answer.get("HyperParameterTuningJobConfig") or {}
    objective = config.get("HyperParameterTuningJobObjective") or {}
    limits, counts = config.get("ResourceLimits") or {}, answer.get("TrainingJobStatusCounters") or {}
    best = answer.get("BestTrainingJob") or {}
    final = best.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    return TuningJob(
        account_id=ACCOUNT,
        region=(answer.get("HyperParameterTuningJobArn") or ":::us-east-1").split(":")[3],
        name=answer.get("HyperParameterTuningJobName") or "unnamed",
        status=answer.get("HyperParameterTuningJobStatus") or Status.COMPLETED,
        created_at=_moment(answer.get("CreationTime")),
        ended_at=_moment(answer["HyperParameterTuningEndTime"]) if answer.get("HyperParameterTuningEndTime") else None,
        strategy=config.get("Strategy"),
        objective_metric=objective.get("MetricName"),
        direction=objective.get("Type"),
        best=BestTrainingJob(
            training_job_name=best.get("TrainingJobName") or "?",
            metric=Metric(final.get("MetricName") or "?", final.get("Value")),
            hyperparameters=best.get("TunedHyperParameters") or {},
        )
        if best
        else None,
        parameter_ranges=tuple(_ranges(config.get("ParameterRanges") or {})),
        counts=TrialCounts(
            completed=counts.get("Completed") or 0,
            in_progress=counts.get("InProgress"),
            retryable_error=counts.get("RetryableError") or 0,
            non_retryable_error=counts.get("NonRetryableError") or 0,
            stopped=counts.get("Stopped") or 0,
        ),
        limits=ResourceLimits(limits.get("MaxNumberOfTrainingJobs"), limits.get("MaxParallelTrainingJobs")),
    )


def told_of(job: TuningJob) -> Event:
    """The event that brings a job's status."""
    event = ended(job, job.status)
    return replace(event, job=job, status=StatusChange(None, job.status))


def _ranges(groups: Mapping[str, Any]) -> Iterator[ParameterRange]:
    for group, rows in groups.items():
        kind = group.removesuffix("ParameterRanges")
        for row in rows or ():
            values = tuple(row.get("Values") or ())
            yield ParameterRange(row["Name"], kind, values, row.get("MinValue"), row.get("MaxValue"))


def _better(now: Metric, then: Metric, direction: str | None) -> bool:
    if now.value is None or then.value is None:
        return False
    return now.value < then.value if direction == "Minimize" else now.value > then.value


def _moment(text: str | None) -> datetime:
    parsed = datetime.fromisoformat(text) if text else NOON
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
