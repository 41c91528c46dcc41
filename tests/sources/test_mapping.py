"""What answers become as values, recorded and made up."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Completion, Metric, MetricDefinition, ParameterRange, ResourceLimits, TrialCounts
from notifier.sources.mapping import preview_tuning_job, summary, tuning_job
from notifier.sources.members import Unreadable
from tests.examples import ACCOUNT, NOON, REGION, SAMPLES, sample
from tests.sources.aws import parsed

DESCRIBED = sorted(path.name for path in SAMPLES.glob("describe_*.json") if "partial" not in path.name)
ALWAYS = {"ResourcesStats", "Strategy", "TuningJobName", "TuningJobStartTime", "TuningJobStatus"}
DEFINED = {"MetricDefinitions", "ParameterRanges"}
RANGES = {"CategoricalParameterRanges", "ContinuousParameterRanges", "IntegerParameterRanges"}
FINISHED = "describe_tuning-job2020-05-09-19-16-58.json"
MULTI = "describe_ack_success_describe_variation.json"


def answer(name: str = FINISHED, **changes: Any) -> dict[str, Any]:
    """A recorded answer as botocore gives it, changed."""
    return {**parsed(sample(name)), **changes}


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_recorded_answer_has_the_seeds_keys(name: str) -> None:
    recorded = sample(name)

    response = tuning_job(parsed(recorded), REGION).to_response()

    expected = ALWAYS | DEFINED
    expected |= {"BestTrainingJob"} if recorded["BestTrainingJob"] else set()
    expected |= {"TuningJobEndTime"} if recorded["HyperParameterTuningEndTime"] else set()
    assert response.keys() == expected
    assert response["ParameterRanges"].keys() == RANGES
    assert response["ResourcesStats"]["ConsumedResources"].keys() == {"Jobs", "ResourceLimits"}


def test_a_recorded_answer_maps_value_for_value() -> None:
    response = tuning_job(answer(), REGION).to_response()

    recorded = sample(FINISHED)["TrainingJobDefinition"]["AlgorithmSpecification"]
    assert response.pop("MetricDefinitions") == recorded["MetricDefinitions"]
    assert response == {
        "BestTrainingJob": {
            "FinalTuningJobObjectiveMetric": {"MetricName": "validation:rmse", "Value": 2.815459966659546},
            "HyperParameters": {"eta": "0.09186279147990559", "max_depth": "12", "min_child_weight": "2"},
            "TrainingJobName": "tuning-job2020-05-09-19-16-58-011-903a4a62",
            "TrainingJobStatus": "Completed",
        },
        "ParameterRanges": {
            "CategoricalParameterRanges": [],
            "ContinuousParameterRanges": [{"Name": "eta", "Type": "Continuous", "MinValue": "0.05", "MaxValue": "0.5"}],
            "IntegerParameterRanges": [
                {"Name": "max_depth", "Type": "Integer", "MinValue": "3", "MaxValue": "12"},
                {"Name": "min_child_weight", "Type": "Integer", "MinValue": "2", "MaxValue": "8"},
            ],
        },
        "ResourcesStats": {
            "ConsumedResources": {
                "Jobs": {"Completed": 20, "Failed": 0},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 3},
            }
        },
        "Strategy": "Bayesian",
        "TuningJobName": "tuning-job2020-05-09-19-16-58",
        "TuningJobStartTime": datetime(2020, 5, 9, 19, 16, 59, 198000, tzinfo=UTC),
        "TuningJobEndTime": datetime(2020, 5, 9, 19, 41, 11, 779000, tzinfo=UTC),
        "TuningJobStatus": "Completed",
    }


def test_a_record_carries_what_todays_api_adds() -> None:
    job = tuning_job(
        answer(
            TuningJobCompletionDetails={
                "NumberOfTrainingJobsObjectiveNotImproving": 3,
                "ConvergenceDetectedTime": NOON,
            },
            ConsumedResources={"RuntimeInSeconds": 1452},
            FailureReason="No training job succeeded after 5 attempts.",
            OverallBestTrainingJob={"TrainingJobName": "warm", "TrainingJobStatus": "Completed"},
        ),
        "eu-west-1",
    )

    assert (job.account_id, job.region) == (ACCOUNT, "us-east-2")
    assert (job.objective_metric, job.direction) == ("validation:rmse", "Minimize")
    assert job.modified_at == job.ended_at == datetime(2020, 5, 9, 19, 41, 11, 779000, tzinfo=UTC)
    assert job.best is not None
    assert job.best.started_at == datetime(2020, 5, 9, 19, 29, 4, tzinfo=UTC)
    assert job.completion == Completion(not_improving=3, converged_at=NOON)
    assert job.runtime_seconds == 1452
    assert job.failure_reason == "No training job succeeded after 5 attempts."
    assert job.overall_best is not None
    assert job.overall_best.training_job_name == "warm"


def test_a_multi_algorithm_job_has_its_directions_by_definition() -> None:
    recorded = answer(MULTI)
    first, *_ = recorded["TrainingJobDefinitions"]
    other = {
        **first,
        "DefinitionName": "other",
        "TuningObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "HyperParameterRanges": {
            "IntegerParameterRanges": [{"Name": "num_round", "MinValue": "1", "MaxValue": "5"}],
            "CategoricalParameterRanges": first["HyperParameterRanges"]["CategoricalParameterRanges"],
        },
    }
    own = [each["DefinitionName"] for each in recorded["TrainingJobDefinitions"]]
    best = {"TrainingJobName": "leads", "TrainingJobDefinitionName": "other", "TrainingJobStatus": "Completed"}

    job = tuning_job(
        {**recorded, "TrainingJobDefinitions": [*recorded["TrainingJobDefinitions"], other], "BestTrainingJob": best},
        REGION,
    )

    assert job.directions == {**dict.fromkeys(own, "Minimize"), "other": "Maximize"}
    assert (job.direction, job.objective_metric) == (None, None)
    assert job.direction_of(job.best) == "Maximize"
    assert job.metric_definitions is not None
    assert len(set(job.metric_definitions)) == len(job.metric_definitions)
    assert job.parameter_ranges is not None
    assert ParameterRange("num_round", "Integer", (), "1", "5") in job.parameter_ranges
    assert [each.name for each in job.parameter_ranges].count("category") == 1


def test_algorithms_that_agree_give_the_job_one_direction() -> None:
    job = tuning_job(answer(MULTI), REGION)

    assert (job.direction, job.objective_metric) == ("Minimize", "validation:error")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None], ids=str)
def test_a_value_that_is_no_number_is_absent(value: float | None) -> None:
    best = {**answer()["BestTrainingJob"]}
    best["FinalHyperParameterTuningJobObjectiveMetric"] = {"MetricName": "loss", "Value": value}

    job = tuning_job(answer(BestTrainingJob=best), REGION)

    assert job.best is not None
    assert job.best.metric == Metric("loss", None)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_32_bit_value_is_kept_as_given(value: float) -> None:
    best = {
        "TrainingJobName": "a",
        "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "loss", "Value": value},
    }

    job = tuning_job(answer(BestTrainingJob=best), REGION)

    assert job.best is not None
    assert job.best.metric == Metric("loss", value)


def test_times_are_in_utc_whatever_the_zone_they_come_in() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-9)))

    job = tuning_job(answer(CreationTime=local), REGION)

    assert (job.created_at, job.created_at.tzinfo) == (NOON, UTC)


def test_what_an_answer_does_not_say_is_absent() -> None:
    bare = {
        "HyperParameterTuningJobName": "a",
        "HyperParameterTuningJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/a",
        "HyperParameterTuningJobConfig": {"Strategy": "Grid"},
        "HyperParameterTuningJobStatus": "Pausing",
        "CreationTime": NOON,
        "TrainingJobStatusCounters": {},
        "FailureReason": "",
    }

    assert tuning_job(bare, REGION).to_response() == {
        "ResourcesStats": {"ConsumedResources": {"Jobs": {"Completed": 0, "Failed": 0}, "ResourceLimits": {}}},
        "Strategy": "Grid",
        "TuningJobName": "a",
        "TuningJobStartTime": NOON,
        "TuningJobStatus": "Pausing",
    }


@pytest.mark.parametrize(
    "member",
    [
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobArn",
        "HyperParameterTuningJobConfig",
        "HyperParameterTuningJobStatus",
        "CreationTime",
        "TrainingJobStatusCounters",
    ],
)
def test_a_record_without_a_required_member_is_unreadable(member: str) -> None:
    with pytest.raises(Unreadable, match=f"{member} is missing"):
        tuning_job({name: value for name, value in answer().items() if name != member}, REGION)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("HyperParameterTuningJobStatus", 7, id="status-is-a-number"),
        pytest.param("CreationTime", "yesterday", id="time-is-a-text"),
        pytest.param("TrainingJobStatusCounters", {"Completed": "20"}, id="counter-is-a-text"),
        pytest.param("BestTrainingJob", ["a"], id="best-is-a-list"),
        pytest.param("BestTrainingJob", {"TrainingJobStatus": "Completed"}, id="best-has-no-name"),
    ],
)
def test_a_member_of_another_type_is_unreadable(member: str, value: Any) -> None:
    with pytest.raises(Unreadable):
        tuning_job(answer(**{member: value}), REGION)


def test_a_partial_recording_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        tuning_job(parsed(sample("describe_partial_awscn_sagemaker-xgboost-200901-0656.json")), "cn-northwest-1")


@pytest.mark.parametrize(
    ("arn", "account", "owner"),
    [
        pytest.param("arn:aws-cn:sagemaker:cn-north-1:444455556666:x/a", "1", ("444455556666", "cn-north-1"), id="arn"),
        pytest.param("a masked arn", ACCOUNT, (ACCOUNT, REGION), id="source-where-the-arn-does-not-say"),
    ],
)
def test_the_arn_says_whose_a_job_is(arn: str, account: str, owner: tuple[str, str]) -> None:
    job = tuning_job(answer(HyperParameterTuningJobArn=arn), REGION, account)

    assert (job.account_id, job.region) == owner


def test_a_job_whose_owner_nothing_tells_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no account"):
        tuning_job(answer(HyperParameterTuningJobArn="a masked arn"), REGION)


def test_a_row_keeps_its_name_while_its_arn_is_lower_cased() -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/churn-xgb"
    row = summary(
        {
            "HyperParameterTuningJobName": "Churn-XGB",
            "HyperParameterTuningJobArn": arn,
            "HyperParameterTuningJobStatus": "InProgress",
            "Strategy": "Hyperband",
            "CreationTime": NOON,
            "LastModifiedTime": NOON,
            "TrainingJobStatusCounters": {"Completed": 4, "InProgress": 2, "RetryableError": 1},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 3600},
        }
    )

    assert (row.name, row.arn, row.strategy, row.modified_at) == ("Churn-XGB", arn, "Hyperband", NOON)
    assert row.counts == TrialCounts(completed=4, in_progress=2, retryable_error=1)
    assert row.limits == ResourceLimits(max_parallel_training_jobs=2, max_runtime_seconds=3600)


@pytest.mark.parametrize("member", ["TuningJobName", "TuningJobStatus", "TuningJobStartTime"])
def test_a_preview_answer_without_a_required_member_is_unreadable(member: str) -> None:
    bare = {"TuningJobName": "a", "TuningJobStatus": "InProgress", "TuningJobStartTime": NOON}

    with pytest.raises(Unreadable, match=f"{member} is missing"):
        preview_tuning_job({name: value for name, value in bare.items() if name != member}, REGION, ACCOUNT)


def test_metric_definitions_keep_their_order() -> None:
    definition = {
        "AlgorithmSpecification": {
            "MetricDefinitions": [{"Name": "b", "Regex": "b=(.*)"}, {"Name": "a", "Regex": "a=(.*)"}]
        }
    }

    job = tuning_job(answer(TrainingJobDefinition=definition), REGION)

    assert job.metric_definitions == (MetricDefinition("b", "b=(.*)"), MetricDefinition("a", "a=(.*)"))
