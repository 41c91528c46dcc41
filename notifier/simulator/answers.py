"""What the simulated API says of a job, member by member as SageMaker names them. Times are epoch seconds."""

from collections.abc import Iterable, Mapping
from typing import Any

from notifier.model import Status, TrialCounts
from notifier.simulator.account import Account
from notifier.simulator.job import SimulatedJob, Trial

_INSTANCE = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
_BUCKET = "s3://simulated-bucket/output"


def tuning_job_arn(account: Account, region: str, name: str) -> str:
    """The ARN of a tuning job; `aws` partition."""
    return f"arn:aws:sagemaker:{region}:{account.account_id}:hyper-parameter-tuning-job/{name}"


def training_job_arn(account: Account, region: str, name: str) -> str:
    """The ARN of a training job."""
    return f"arn:aws:sagemaker:{region}:{account.account_id}:training-job/{name}"


def summary(account: Account, job: SimulatedJob, now: float, region: str) -> dict[str, Any]:
    """One row of ListHyperParameterTuningJobs, its ARN lower-cased as there."""
    snapshot = job.at(now)
    return _present(
        {
            "HyperParameterTuningJobName": job.name,
            "HyperParameterTuningJobArn": tuning_job_arn(account, region, job.name.lower()),
            "HyperParameterTuningJobStatus": snapshot.status,
            "Strategy": job.strategy,
            "CreationTime": _time(job.created),
            "HyperParameterTuningEndTime": _time(job.created, snapshot.ended),
            "LastModifiedTime": _time(job.created, snapshot.modified),
            "TrainingJobStatusCounters": _counters(snapshot.counts),
            "ObjectiveStatusCounters": _objectives(snapshot.counts),
            "ResourceLimits": _limits(job),
        }
    )


def description(account: Account, job: SimulatedJob, now: float, region: str) -> dict[str, Any]:
    """The answer of DescribeHyperParameterTuningJob."""
    snapshot = job.at(now)
    since = snapshot.ended if snapshot.ended is not None else now - job.created
    row = summary(account, job, now, region)
    del row["Strategy"], row["ResourceLimits"]
    return _present(
        {
            **row,
            "HyperParameterTuningJobArn": tuning_job_arn(account, region, job.name),
            "HyperParameterTuningJobConfig": _config(job),
            "TrainingJobDefinition": _definition(job),
            "BestTrainingJob": snapshot.best and training_summary(account, job, snapshot.best, now, region),
            "FailureReason": job.failure_reason if snapshot.status is Status.FAILED else None,
            "TuningJobCompletionDetails": {
                "NumberOfTrainingJobsObjectiveNotImproving": snapshot.not_improving,
            },
            "ConsumedResources": {"RuntimeInSeconds": int(since)},
        }
    )


def training_summary(account: Account, job: SimulatedJob, trial: Trial, now: float, region: str) -> dict[str, Any]:
    """One row of ListTrainingJobsForHyperParameterTuningJob; BestTrainingJob has the same shape."""
    since = now - job.created
    status = trial.status(since)
    scored = status is Status.COMPLETED and trial.value is not None
    return _present(
        {
            "TrainingJobName": trial.name,
            "TrainingJobArn": training_job_arn(account, region, trial.name),
            "CreationTime": _time(job.created, trial.created),
            "TrainingStartTime": _time(job.created, trial.begins) if since >= trial.begins else None,
            "TrainingEndTime": _time(job.created, trial.ends) if since >= trial.ends else None,
            "TrainingJobStatus": status,
            "TunedHyperParameters": dict(trial.hyperparameters),
            "FailureReason": trial.failure_reason if status is Status.FAILED else None,
            "FinalHyperParameterTuningJobObjectiveMetric": _metric(job, trial) if scored else None,
            "ObjectiveStatus": "Succeeded" if scored else "Failed" if since >= trial.ends else "Pending",
        }
    )


def training_description(account: Account, job: SimulatedJob, trial: Trial, now: float, region: str) -> dict[str, Any]:
    """The answer of DescribeTrainingJob."""
    since = now - job.created
    row = training_summary(account, job, trial, now, region)
    ended = since >= trial.ends
    return _present(
        {
            **{name: row[name] for name in row if name not in _OF_SUMMARIES_ONLY},
            "TuningJobArn": tuning_job_arn(account, region, job.name),
            "ModelArtifacts": {"S3ModelArtifacts": f"{_BUCKET}/{trial.name}/output/model.tar.gz"},
            "SecondaryStatus": trial.status(since) if ended else "Training" if trial.running(since) else "Starting",
            "SecondaryStatusTransitions": _transitions(job, trial, since),
            "HyperParameters": dict(trial.hyperparameters),
            "ResourceConfig": _INSTANCE,
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "TrainingTimeInSeconds": int(trial.ends - trial.begins) if ended else None,
            "FinalMetricDataList": [
                {"MetricName": job.run.metric, "Value": trial.value, "Timestamp": _time(job.created, trial.ends)}
            ]
            if ended and trial.value is not None
            else None,
        }
    )


_OF_SUMMARIES_ONLY = {"TunedHyperParameters", "FinalHyperParameterTuningJobObjectiveMetric", "ObjectiveStatus"}


def preview_description(job: SimulatedJob, now: float) -> dict[str, Any]:
    """The answer of the preview's DescribeTuningJob."""
    snapshot, since = job.at(now), now - job.created
    counts = snapshot.counts
    return _present(
        {
            "BestTrainingJob": snapshot.best and _preview_best(job, snapshot.best, since),
            "MetricDefinitions": _metric_definitions(job),
            "ParameterRanges": _ranges(job, typed=True),
            "ResourcesStats": {
                "ConsumedResources": {
                    "ComputeHours": _compute_hours(job, since),
                    "Jobs": {
                        "Completed": counts.completed,
                        "Failed": counts.failed,
                        "Pending": counts.pending,
                        "Running": counts.running,
                    },
                    "ResourceLimits": {
                        "MaxClockTimeInHours": 24,
                        "MaxNumberOfTrainingJobs": job.max_trials,
                        "MaxParallelTrainingJobs": job.max_parallel,
                    },
                }
            },
            "Strategy": job.strategy,
            "TuningJobName": job.name,
            "TuningJobStartTime": _time(job.created),
            "TuningJobEndTime": _time(job.created, snapshot.ended),
            "TuningJobStatus": snapshot.status,
            "FailureReason": job.failure_reason if snapshot.status is Status.FAILED else None,
        }
    )


def _preview_best(job: SimulatedJob, best: Trial, since: float) -> dict[str, Any]:
    return {
        "FinalTuningJobObjectiveMetric": _metric(job, best),
        "HyperParameters": dict(best.hyperparameters),
        "RetriedAttempt": best.retries(since),
        "TrainingJobName": best.name,
        "TrainingJobStatus": best.status(since),
    }


def _compute_hours(job: SimulatedJob, since: float) -> dict[str, int]:
    """Whole hours, as the preview has them; one instance a trial."""
    finished = sum(each.ends - each.begins for each in job.trials if since >= each.ends)
    in_flight = sum(since - each.begins for each in job.trials if each.begins <= since < each.ends)
    return {"Finished": int(finished / 3600), "InFlight": int(in_flight / 3600)}


def _config(job: SimulatedJob) -> dict[str, Any]:
    return {
        "Strategy": job.strategy,
        "HyperParameterTuningJobObjective": {"MetricName": job.run.metric, "Type": job.run.direction},
        "ResourceLimits": _limits(job),
        "ParameterRanges": _ranges(job, typed=False),
        "TrainingJobEarlyStoppingType": "Off",
    }


def _definition(job: SimulatedJob) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingInputMode": "File", "MetricDefinitions": _metric_definitions(job)},
        "RoleArn": f"arn:aws:iam::{'1' * 12}:role/simulated",
        "OutputDataConfig": {"S3OutputPath": _BUCKET},
        "ResourceConfig": _INSTANCE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "StaticHyperParameters": {"_tuning_objective_metric": job.run.metric},
    }


def _metric_definitions(job: SimulatedJob) -> list[dict[str, str]]:
    regex = f"{job.run.metric}: ([-+0-9.e]+)"
    # The service adds the last one by itself.
    return [{"Name": job.run.metric, "Regex": regex}, {"Name": "ObjectiveMetric", "Regex": regex}]


def _limits(job: SimulatedJob) -> dict[str, int]:
    return {"MaxNumberOfTrainingJobs": job.max_trials, "MaxParallelTrainingJobs": job.max_parallel}


def _metric(job: SimulatedJob, trial: Trial) -> dict[str, Any]:
    """Without a Type: no recorded answer has one."""
    return {"MetricName": job.run.metric, "Value": trial.value}


def _counters(counts: TrialCounts) -> dict[str, int | None]:
    return {
        "Completed": counts.completed,
        "InProgress": counts.in_progress,
        "RetryableError": counts.retryable_error,
        "NonRetryableError": counts.non_retryable_error,
        "Stopped": counts.stopped,
    }


def _objectives(counts: TrialCounts) -> dict[str, int | None]:
    return {
        "Succeeded": counts.completed,
        "Pending": counts.in_progress,
        "Failed": counts.non_retryable_error + counts.stopped,
    }


def _ranges(job: SimulatedJob, *, typed: bool) -> dict[str, list[dict[str, Any]]]:
    """Ranges as wide as the values seen: the recordings hold trials only."""
    ranges: dict[str, list[dict[str, Any]]] = {
        f"{kind}ParameterRanges": [] for kind in ("Categorical", "Continuous", "Integer")
    }
    for name in sorted({name for each in job.run.trials for name in each.hyperparameters}):
        seen = [each.hyperparameters[name] for each in job.run.trials if name in each.hyperparameters]
        kind, bounds = _range(seen)
        row = {"Name": name, **bounds, **({"Type": kind} if typed else {})}
        if kind != "Categorical" and not typed:
            row["ScalingType"] = "Auto"
        ranges[f"{kind}ParameterRanges"].append(row)
    return ranges


def _range(seen: list[str]) -> tuple[str, dict[str, Any]]:
    if any(text.startswith('"') for text in seen):
        return "Categorical", {"Values": sorted({text.strip('"') for text in seen})}
    bounds = {"MinValue": min(seen, key=float), "MaxValue": max(seen, key=float)}
    return "Integer" if all(text.lstrip("-").isdigit() for text in seen) else "Continuous", bounds


def _transitions(job: SimulatedJob, trial: Trial, since: float) -> list[dict[str, Any]]:
    """Each attempt begins again at Starting: that is how today's API shows a retry."""
    moments: list[tuple[str, float]] = []
    starting = trial.created
    for begins, ends in trial.attempts:
        moments += [("Starting", starting), ("Training", begins)]
        starting = ends
    moments.append((trial.outcome, trial.ends))
    return list(_spans(job, [each for each in moments if each[1] <= since]))


def _spans(job: SimulatedJob, moments: list[tuple[str, float]]) -> Iterable[dict[str, Any]]:
    nexts = [at for _, at in moments[1:]]
    for index, (status, at) in enumerate(moments):
        end = nexts[index] if index < len(nexts) else None
        yield _present({"Status": status, "StartTime": _time(job.created, at), "EndTime": _time(job.created, end)})


def _time(created: float, since: float | None = 0.0) -> float | None:
    """A moment in milliseconds, as on the wire."""
    return None if since is None else round(created + since, 3)


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    """What is absent is left out, not null."""
    return {name: value for name, value in members.items() if value is not None}
