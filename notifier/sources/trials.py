"""What only the training jobs of a tuning job tell: hours of compute, which of them wait, how often one began again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from notifier.model import ComputeHours, Trial
from notifier.sources.mapping import job_definitions
from notifier.sources.members import Answer, count, moment, number, part, parts, required_moment, required_text, text


def trial(row: Answer) -> Trial:
    """A row as a trial."""
    metric = part(row, "FinalHyperParameterTuningJobObjectiveMetric")
    return Trial(
        name=required_text(row, "TrainingJobName"),
        status=required_text(row, "TrainingJobStatus"),
        created_at=moment(row, "CreationTime") or required_moment(row, "TrainingStartTime"),
        started_at=moment(row, "TrainingStartTime"),
        ended_at=moment(row, "TrainingEndTime"),
        value=number(metric, "Value"),
        metric_name=text(metric, "MetricName"),
        failure_reason=text(row, "FailureReason"),
        definition_name=text(row, "TrainingJobDefinitionName"),
        hyperparameters=part(row, "TunedHyperParameters"),
    )


def pending_and_running(trials: Iterable[Trial]) -> tuple[int, int]:
    """How the trials in progress divide: those without a TrainingStartTime are pending."""
    started = Counter(each.started_at is not None for each in trials if each.status == "InProgress")
    return started[False], started[True]


def compute_hours(trials: Iterable[Trial], instances: Mapping[str | None, int], now: datetime) -> ComputeHours | None:
    """Instance hours of the trials; None where a definition does not say how many instances a trial has.

    `instances` is by definition name, `now` the server's clock.
    """
    finished = in_flight = timedelta()
    for each in trials:
        if each.started_at is None:
            continue
        if each.definition_name not in instances:
            return None
        number = instances[each.definition_name]
        if each.ended_at is not None:
            finished += number * (each.ended_at - each.started_at)
        elif not each.over:
            in_flight += number * max(now - each.started_at, timedelta())
    hour = timedelta(hours=1)
    return ComputeHours(finished=finished / hour, in_flight=in_flight / hour)


def instance_counts(answer: Answer) -> dict[str | None, int]:
    """How many instances a trial has, by the name of its definition; those that do not say are left out."""
    counts: dict[str | None, int] = {}
    definitions = job_definitions(answer)
    for each in definitions:
        if (number := _instances(each)) is not None:
            counts[text(each, "DefinitionName")] = number
            if len(definitions) == 1:
                # A trial of a single definition need not name it.
                counts[None] = number
    return counts


def retried_attempts(answer: Answer) -> int | None:
    """How often a training job began again (DescribeTrainingJob): a retry goes through Starting once more."""
    transitions = parts(answer, "SecondaryStatusTransitions")
    starts = sum(text(each, "Status") == "Starting" for each in transitions)
    return max(starts - 1, 0) if transitions else None


def _instances(definition: Answer) -> int | None:
    """The count of the definition; with instance groups their sum, with alternatives only if all agree."""
    resources = part(definition, "ResourceConfig")
    flexible = part(definition, "HyperParameterTuningResourceConfig")
    if (number := count(resources, "InstanceCount") or count(flexible, "InstanceCount")) is not None:
        return number
    if groups := parts(resources, "InstanceGroups"):
        return sum(count(each, "InstanceCount") or 0 for each in groups)
    alternatives = {count(each, "InstanceCount") for each in parts(flexible, "InstanceConfigs")}
    return alternatives.pop() if len(alternatives) == 1 else None
