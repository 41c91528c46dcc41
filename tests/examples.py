"""Values that tests begin with, and the recorded answers of the API."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notifier.model import (
    BestChange,
    BestSnapshot,
    BestTrainingJob,
    Direction,
    Event,
    EventType,
    Metric,
    ResourceLimits,
    Status,
    StatusChange,
    TrialCounts,
    TuningJob,
    event_id,
)

SAMPLES = Path(__file__).parent / "samples"
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
REGION = "us-east-1"


def sample(name: str) -> dict[str, Any]:
    """One recorded answer."""
    answer: dict[str, Any] = json.loads((SAMPLES / name).read_text())
    return answer


def best(number: int = 1, value: float | None = 0.9, **hyperparameters: str) -> BestTrainingJob:
    """A leading trial."""
    return BestTrainingJob(
        training_job_name=f"xgb-{number:03d}",
        status=Status.COMPLETED,
        metric=Metric("validation:auc", value),
        hyperparameters=hyperparameters or {"eta": "0.3", "max_depth": "6"},
    )


def tuning_job(name: str = "xgb-churn", status: str = Status.IN_PROGRESS, **changes: Any) -> TuningJob:
    """A tuning job that began an hour before noon, maximizes, and has done 4 of 20 trials."""
    job = TuningJob(
        account_id=ACCOUNT,
        region=REGION,
        name=name,
        status=status,
        created_at=NOON - timedelta(hours=1),
        arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/{name}",
        strategy="Bayesian",
        objective_metric="validation:auc",
        direction=Direction.MAXIMIZE,
        counts=TrialCounts(completed=4, in_progress=2),
        limits=ResourceLimits(max_training_jobs=20, max_parallel_training_jobs=2),
    )
    return replace(job, **changes)


def started(job: TuningJob | None = None) -> Event:
    """It began."""
    job = job or tuning_job()
    return Event(event_id(job.identity, EventType.STARTED), EventType.STARTED, NOON, job)


def ended(job: TuningJob | None = None, status: str = Status.COMPLETED) -> Event:
    """It came to its end."""
    job = replace(job or tuning_job(), status=status, ended_at=NOON)
    change = StatusChange(Status.IN_PROGRESS, status)
    return Event(event_id(job.identity, EventType.STATUS_CHANGED, status), EventType.STATUS_CHANGED, NOON, job, change)


def new_best(current: BestTrainingJob, previous: BestTrainingJob | None = None, job: TuningJob | None = None) -> Event:
    """Another trial leads."""
    job = replace(job or tuning_job(), best=current)
    values = [each.metric.value for each in (current, previous) if each and each.metric]
    gain = abs(values[0] - values[1]) if len(values) == 2 and None not in values else None  # type: ignore[operator]
    change = BestChange(
        current=BestSnapshot.of(current),
        previous=BestSnapshot.of(previous) if previous else None,
        objective=job.direction,
        improvement=gain,
        first_value=values[-1] if values else None,
    )
    identity = event_id(job.identity, EventType.NEW_BEST, current.training_job_name)
    return Event(identity, EventType.NEW_BEST, NOON, job, best=change)
