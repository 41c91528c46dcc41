"""What the two dialects answer, as the model's values. Pure; raises Unreadable where an answer cannot be one."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from sys import intern

from notifier.model import (
    BestTrainingJob,
    Completion,
    ComputeHours,
    Metric,
    MetricDefinition,
    ParameterRange,
    ResourceLimits,
    Summary,
    TrialCounts,
    TuningJob,
    the_same_counts,
)
from notifier.sources.members import (
    Answer,
    Unreadable,
    count,
    moment,
    number,
    part,
    parts,
    required_moment,
    required_part,
    required_text,
    text,
)


def summary(row: Answer) -> Summary:
    """One row of ListHyperParameterTuningJobs. AWS lower-cases its ARN; the name is as it was given."""
    return Summary(
        name=required_text(row, "HyperParameterTuningJobName"),
        arn=required_text(row, "HyperParameterTuningJobArn"),
        # One text for all rows: thousands of them are kept from one listing to the next.
        status=intern(required_text(row, "HyperParameterTuningJobStatus")),
        created_at=required_moment(row, "CreationTime"),
        modified_at=moment(row, "LastModifiedTime"),
        ended_at=moment(row, "HyperParameterTuningEndTime"),
        strategy=intern(text(row, "Strategy") or "") or None,
        counts=_counts(required_part(row, "TrainingJobStatusCounters")),
        limits=_limits(part(row, "ResourceLimits")),
    )


def tuning_job(answer: Answer, region: str, account: str | None = None) -> TuningJob:
    """DescribeHyperParameterTuningJob. The ARN says whose and where it is; `region` and `account` where it does not."""
    config = required_part(answer, "HyperParameterTuningJobConfig")
    arn = required_text(answer, "HyperParameterTuningJobArn")
    definitions = job_definitions(answer)
    objectives = [part(config, "HyperParameterTuningJobObjective")]
    objectives += [part(each, "TuningObjective") for each in definitions]
    owner, place = _owner(arn, account, region)
    return TuningJob(
        account_id=owner,
        region=place,
        name=required_text(answer, "HyperParameterTuningJobName"),
        status=required_text(answer, "HyperParameterTuningJobStatus"),
        created_at=required_moment(answer, "CreationTime"),
        arn=arn,
        modified_at=moment(answer, "LastModifiedTime"),
        ended_at=moment(answer, "HyperParameterTuningEndTime"),
        failure_reason=text(answer, "FailureReason"),
        strategy=text(config, "Strategy"),
        objective_metric=_agreed(objectives, "MetricName"),
        direction=_agreed(objectives, "Type"),
        directions=_directions(definitions),
        best=_best(part(answer, "BestTrainingJob")),
        overall_best=_best(part(answer, "OverallBestTrainingJob")),
        metric_definitions=_metric_definitions(part(each, "AlgorithmSpecification") for each in definitions),
        parameter_ranges=_ranges([config, *definitions]),
        counts=_counts(required_part(answer, "TrainingJobStatusCounters")),
        limits=_limits(part(config, "ResourceLimits")),
        runtime_seconds=count(part(answer, "ConsumedResources"), "RuntimeInSeconds"),
        completion=_completion(part(answer, "TuningJobCompletionDetails")),
        silent_trials=_silent_trials(answer),
    )


def preview_tuning_job(answer: Answer, region: str, account: str) -> TuningJob:
    """The preview's DescribeTuningJob. It has no ARN and no direction; its limit on time is in hours."""
    consumed = part(part(answer, "ResourcesStats"), "ConsumedResources")
    best = _preview_best(part(answer, "BestTrainingJob"))
    return TuningJob(
        account_id=account,
        region=region,
        name=required_text(answer, "TuningJobName"),
        status=required_text(answer, "TuningJobStatus"),
        created_at=required_moment(answer, "TuningJobStartTime"),
        ended_at=moment(answer, "TuningJobEndTime"),
        failure_reason=text(answer, "FailureReason"),
        strategy=text(answer, "Strategy"),
        objective_metric=best.metric.name if best and best.metric else None,
        best=best,
        metric_definitions=_metric_definitions([answer]),
        parameter_ranges=_ranges([answer]),
        counts=_preview_counts(part(consumed, "Jobs")),
        limits=_preview_limits(part(consumed, "ResourceLimits")),
        compute_hours=_compute_hours(part(consumed, "ComputeHours")),
    )


def job_definitions(answer: Answer) -> list[Answer]:
    """How trials are started: several in a multi-algorithm job, else one; none in an answer that does not say."""
    single = part(answer, "TrainingJobDefinition")
    return [*([single] if single else []), *parts(answer, "TrainingJobDefinitions")]


def _owner(arn: str, account: str | None, region: str) -> tuple[str, str]:
    """The account and the region: the fifth and the fourth word of an ARN."""
    words = [*arn.split(":"), *[""] * 5]
    owner = words[4] or account
    if owner is None:
        raise Unreadable("HyperParameterTuningJobArn names no account")
    return owner, words[3] or region


def _agreed(objectives: list[Answer], member: str) -> str | None:
    """What all objectives that say something say; algorithms may differ, and then the job as a whole says nothing."""
    said = {value for each in objectives if (value := text(each, member))}
    return said.pop() if len(said) == 1 else None


def _directions(definitions: list[Answer]) -> Mapping[str, str]:
    named = {text(each, "DefinitionName"): text(part(each, "TuningObjective"), "Type") for each in definitions}
    return {name: direction for name, direction in named.items() if name and direction}


def _best(trial: Answer) -> BestTrainingJob | None:
    if not trial:
        return None
    return BestTrainingJob(
        training_job_name=required_text(trial, "TrainingJobName"),
        status=text(trial, "TrainingJobStatus"),
        metric=_metric(part(trial, "FinalHyperParameterTuningJobObjectiveMetric")),
        hyperparameters=part(trial, "TunedHyperParameters"),
        definition_name=text(trial, "TrainingJobDefinitionName"),
        started_at=moment(trial, "TrainingStartTime"),
        ended_at=moment(trial, "TrainingEndTime"),
    )


def _preview_best(trial: Answer) -> BestTrainingJob | None:
    if not trial:
        return None
    return BestTrainingJob(
        training_job_name=required_text(trial, "TrainingJobName"),
        status=text(trial, "TrainingJobStatus"),
        metric=_metric(part(trial, "FinalTuningJobObjectiveMetric")),
        hyperparameters=part(trial, "HyperParameters"),
        retried_attempt=count(trial, "RetriedAttempt"),
    )


def _metric(metric: Answer) -> Metric | None:
    return Metric(required_text(metric, "MetricName"), number(metric, "Value")) if metric else None


def _metric_definitions(algorithms: Iterable[Answer]) -> tuple[MetricDefinition, ...] | None:
    """All of them in their order, without those that algorithms share; None where no algorithm says any."""
    said = [each for each in algorithms if "MetricDefinitions" in each]
    found = {
        MetricDefinition(required_text(each, "Name"), required_text(each, "Regex")): None
        for algorithm in said
        for each in parts(algorithm, "MetricDefinitions")
    }
    return tuple(found) if said else None


def _ranges(holders: list[Answer]) -> tuple[ParameterRange, ...] | None:
    """All tuned hyperparameters, those alike in several algorithms once; None where nothing says any."""
    said = [
        part(holder, member)
        for holder in holders
        for member in ("ParameterRanges", "HyperParameterRanges")
        if member in holder
    ]
    found = {
        _range(kind, each): None
        for ranges in said
        for kind in ("Categorical", "Continuous", "Integer")
        for each in parts(ranges, f"{kind}ParameterRanges")
    }
    return tuple(found) if said else None


def _range(kind: str, each: Answer) -> ParameterRange:
    return ParameterRange(
        name=required_text(each, "Name"),
        kind=kind,
        values=tuple(each.get("Values", ())),
        min_value=text(each, "MinValue"),
        max_value=text(each, "MaxValue"),
    )


def _counts(counters: Answer) -> TrialCounts:
    return the_same_counts(
        count(counters, "Completed") or 0,
        count(counters, "InProgress"),
        count(counters, "RetryableError") or 0,
        count(counters, "NonRetryableError") or 0,
        count(counters, "Stopped") or 0,
    )


def _preview_counts(jobs: Answer) -> TrialCounts:
    return TrialCounts(
        completed=count(jobs, "Completed") or 0,
        non_retryable_error=count(jobs, "Failed") or 0,
        pending=count(jobs, "Pending"),
        running=count(jobs, "Running"),
    )


def _limits(limits: Answer) -> ResourceLimits:
    return _the_same_limits(
        count(limits, "MaxNumberOfTrainingJobs"),
        count(limits, "MaxParallelTrainingJobs"),
        count(limits, "MaxRuntimeInSeconds"),
    )


# One object for all rows that say the same: thousands of them are kept from one listing to the next.
_the_same_limits = lru_cache(maxsize=1024)(ResourceLimits)


def _preview_limits(limits: Answer) -> ResourceLimits:
    hours = number(limits, "MaxClockTimeInHours")
    return ResourceLimits(
        max_training_jobs=count(limits, "MaxNumberOfTrainingJobs"),
        max_parallel_training_jobs=count(limits, "MaxParallelTrainingJobs"),
        max_runtime_seconds=None if hours is None else round(hours * 3600),
    )


def _compute_hours(hours: Answer) -> ComputeHours | None:
    return ComputeHours(number(hours, "Finished"), number(hours, "InFlight")) if hours else None


def _silent_trials(answer: Answer) -> int | None:
    """Trials that completed and sent no objective; None where the counters are not told.

    ObjectiveStatusCounters.Failed counts trials that failed as well.
    """
    trials, objectives = part(answer, "TrainingJobStatusCounters"), part(answer, "ObjectiveStatusCounters")
    failed = count(objectives, "Failed")
    if failed is None:
        return None
    sent = (count(objectives, "Succeeded") or 0) + (count(objectives, "Pending") or 0)
    return max(0, min(failed, (count(trials, "Completed") or 0) - sent))


def _completion(details: Answer) -> Completion | None:
    if not details:
        return None
    return Completion(
        not_improving=count(details, "NumberOfTrainingJobsObjectiveNotImproving"),
        converged_at=moment(details, "ConvergenceDetectedTime"),
    )
