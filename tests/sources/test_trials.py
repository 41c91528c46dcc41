"""What the training jobs of a tuning job add up to."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.model import ComputeHours, Trial
from notifier.sources.trials import compute_hours, instance_counts, pending_and_running, retried_attempts, trial
from tests.examples import NOON, SAMPLES, sample
from tests.sources.aws import parsed

RECORDED = sorted(path.name for path in SAMPLES.glob("trials_*.json"))
HOUR = timedelta(hours=1)


def ran(
    status: str, definition: str | None = None, began: datetime | None = None, ended: datetime | None = None
) -> Trial:
    """A trial that ran from when to when."""
    return Trial("t", status, NOON, began, ended, definition_name=definition)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_trials_add_up_to_their_elapsed_times(name: str) -> None:
    rows = parsed(sample(name))["trials"]
    trials = [trial(row) for row in rows]

    hours = compute_hours(trials, {None: 1}, NOON)

    assert hours is not None
    assert hours.finished == pytest.approx(sum(row["TrainingElapsedTimeSeconds"] for row in rows) / 3600)
    assert hours.in_flight == 0


def test_hours_count_every_instance_of_every_definition() -> None:
    trials = [
        ran("Completed", "small", NOON - 3 * HOUR, NOON - 2 * HOUR),
        ran("Stopped", "large", NOON - 2 * HOUR, NOON - HOUR),
        ran("InProgress", "large", NOON - HOUR),
    ]

    assert compute_hours(trials, {"small": 1, "large": 8}, NOON) == ComputeHours(finished=9.0, in_flight=8.0)


def test_hours_are_unknown_where_a_definition_does_not_say_its_instances() -> None:
    assert compute_hours([ran("Completed", "other", NOON - HOUR, NOON)], {"small": 1}, NOON) is None


def test_a_trial_that_never_began_costs_nothing() -> None:
    assert compute_hours([ran("Failed", "other")], {}, NOON) == ComputeHours(finished=0.0, in_flight=0.0)


def test_a_clock_that_runs_behind_gives_no_negative_hours() -> None:
    assert compute_hours([ran("InProgress", None, NOON + HOUR)], {None: 1}, NOON) == ComputeHours(0.0, 0.0)


def test_an_ended_trial_without_an_end_is_not_in_flight() -> None:
    assert compute_hours([ran("Failed", None, NOON - HOUR)], {None: 1}, NOON) == ComputeHours(0.0, 0.0)


def test_only_trials_in_progress_are_pending_or_running() -> None:
    trials = [ran("InProgress"), ran("InProgress"), ran("InProgress", None, NOON), ran("Failed"), ran("New")]

    assert pending_and_running(trials) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        pytest.param({}, {}, id="no-definition"),
        pytest.param({"TrainingJobDefinition": {"ResourceConfig": {"InstanceCount": 3}}}, {None: 3}, id="one"),
        pytest.param(
            {"TrainingJobDefinitions": [{"DefinitionName": "a", "ResourceConfig": {"InstanceCount": 3}}]},
            {None: 3, "a": 3},
            id="one-named",
        ),
        pytest.param(
            {
                "TrainingJobDefinitions": [
                    {"DefinitionName": "a", "ResourceConfig": {"InstanceCount": 3}},
                    {"DefinitionName": "b", "HyperParameterTuningResourceConfig": {"InstanceCount": 2}},
                    {"DefinitionName": "c"},
                ]
            },
            {"a": 3, "b": 2},
            id="several",
        ),
        pytest.param(
            {
                "TrainingJobDefinition": {
                    "ResourceConfig": {"InstanceGroups": [{"InstanceCount": 1}, {"InstanceCount": 4}]}
                }
            },
            {None: 5},
            id="groups",
        ),
        pytest.param(
            {
                "TrainingJobDefinition": {
                    "HyperParameterTuningResourceConfig": {
                        "InstanceConfigs": [{"InstanceCount": 2}, {"InstanceCount": 2}]
                    }
                }
            },
            {None: 2},
            id="alternatives-that-agree",
        ),
        pytest.param(
            {
                "TrainingJobDefinition": {
                    "HyperParameterTuningResourceConfig": {
                        "InstanceConfigs": [{"InstanceCount": 2}, {"InstanceCount": 4}]
                    }
                }
            },
            {},
            id="alternatives-that-differ",
        ),
    ],
)
def test_instances_are_counted_by_definition(answer: dict[str, Any], counts: dict[str | None, int]) -> None:
    assert instance_counts(answer) == counts


@pytest.mark.parametrize(
    ("statuses", "retried"),
    [
        pytest.param([], None, id="nothing-said"),
        pytest.param(["Pending"], 0, id="not-begun"),
        pytest.param(["Starting", "Training", "Completed"], 0, id="first-attempt"),
        pytest.param(["Starting", "Training", "Starting", "Training"], 1, id="began-again"),
    ],
)
def test_a_retry_goes_through_starting_once_more(statuses: list[str], retried: int | None) -> None:
    answer = {"SecondaryStatusTransitions": [{"Status": each} for each in statuses]}

    assert retried_attempts(answer) == retried
