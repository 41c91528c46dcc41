"""The preview's dialect, as the seed writes it."""

from datetime import timedelta
from typing import Any

import pytest

from notifier.errors import CallFailed, Cause, JobMissing
from notifier.model import Direction
from notifier.ports import Source
from notifier.sources import PREVIEW_SERVICE, new_session, preview_source
from tests.examples import ACCOUNT, NOON, REGION
from tests.sources.aws import Aws, Reply, error
from tests.sources.conftest import FAST, HASTE, Tally

DESCRIBE = "DescribeTuningJob"
START, END = NOON - timedelta(hours=3), NOON
ANSWER: dict[str, Any] = {
    "BestTrainingJob": {
        "FinalTuningJobObjectiveMetric": {"MetricName": "validation:auc", "Value": 0.8123456835746765},
        "HyperParameters": {"eta": "0.3", "max_depth": "6"},
        "RetriedAttempt": 1,
        "TrainingJobName": "mytuningjobtestbig-007",
        "TrainingJobStatus": "Completed",
    },
    "MetricDefinitions": [{"Name": "validation:auc", "Regex": "auc=(.*)"}],
    "ParameterRanges": {
        "CategoricalParameterRanges": [{"Name": "booster", "Type": "Categorical", "Values": ["gbtree", "dart"]}],
        "ContinuousParameterRanges": [{"Name": "eta", "Type": "Continuous", "MinValue": "0", "MaxValue": "1"}],
        "IntegerParameterRanges": [{"Name": "max_depth", "Type": "Integer", "MinValue": "1", "MaxValue": "10"}],
    },
    "ResourcesStats": {
        "ConsumedResources": {
            "ComputeHours": {"Finished": 12, "InFlight": 3},
            "Jobs": {"Completed": 9, "Failed": 2, "Pending": 1, "Running": 4},
            "ResourceLimits": {
                "MaxClockTimeInHours": 24,
                "MaxNumberOfTrainingJobs": 50,
                "MaxParallelTrainingJobs": 5,
            },
        }
    },
    "Strategy": "Bayesian",
    "TuningJobName": "mytuningjobtestbig",
    "TuningJobStartTime": START,
    "TuningJobEndTime": END,
    "TuningJobStatus": "Failed",
    "FailureReason": "AlgorithmError: out of memory",
}
ON_THE_WIRE = {**ANSWER, "TuningJobStartTime": START.timestamp(), "TuningJobEndTime": END.timestamp()}
STS = f"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult>"


async def test_the_seeds_call_works_as_it_is_written(aws: Aws) -> None:
    aws.answers(DESCRIBE, ON_THE_WIRE)

    async with new_session().create_client(PREVIEW_SERVICE, REGION) as client:
        answer = await client.describe_tuning_job(TuningJobName="mytuningjobtestbig", AwsAccountId=ACCOUNT)

    assert {name: value for name, value in answer.items() if name != "ResponseMetadata"} == ANSWER
    assert aws.asked(DESCRIBE) == [{"TuningJobName": "mytuningjobtestbig", "AwsAccountId": ACCOUNT}]


async def test_the_models_error_is_typed(aws: Aws) -> None:
    aws.answers(DESCRIBE, error("ResourceNotFound"))

    async with new_session().create_client(PREVIEW_SERVICE, REGION) as client:
        with pytest.raises(client.exceptions.ResourceNotFound):
            await client.describe_tuning_job(TuningJobName="gone", AwsAccountId=ACCOUNT)


async def test_the_record_equals_the_answer_key_for_key(aws: Aws, preview: Source) -> None:
    aws.answers(DESCRIBE, ON_THE_WIRE)

    job = await preview.describe("mytuningjobtestbig")

    assert job.to_response() == ANSWER


@pytest.mark.parametrize("absent", ["BestTrainingJob", "MetricDefinitions", "ParameterRanges", "FailureReason"])
async def test_what_the_answer_leaves_out_stays_out(aws: Aws, preview: Source, absent: str) -> None:
    aws.answers(DESCRIBE, {name: value for name, value in ON_THE_WIRE.items() if name != absent})

    job = await preview.describe("mytuningjobtestbig")

    assert job.to_response() == {name: value for name, value in ANSWER.items() if name != absent}


async def test_the_record_has_neither_arn_nor_direction(aws: Aws, preview: Source) -> None:
    aws.answers(DESCRIBE, ON_THE_WIRE)

    job = await preview.describe("mytuningjobtestbig", trials=True)

    assert (job.arn, job.direction, job.direction_of(job.best)) == (None, None, None)
    assert job.source == f"urn:notifier:{ACCOUNT}:{REGION}:mytuningjobtestbig"
    assert (job.counts.completed, job.counts.failed, job.counts.active) == (9, 2, 5)
    assert job.limits.max_runtime_seconds == 24 * 3600
    assert job.objective_metric == "validation:auc"
    assert job.ended_at == END
    assert Direction.MAXIMIZE not in job.directions.values()


async def test_a_name_that_is_not_there_is_missing(aws: Aws, preview: Source) -> None:
    aws.answers(DESCRIBE, error("ResourceNotFound"))

    with pytest.raises(JobMissing):
        await preview.describe("not-yet")


async def test_it_lists_nothing_and_says_what_to_do(preview: Source) -> None:
    with pytest.raises(CallFailed, match="NOTIFIER_JOBS") as caught:
        [page async for page in preview.pages()]

    assert caught.value.cause is Cause.REFUSED


async def test_an_endpoint_without_the_operation_is_told(aws: Aws, preview: Source) -> None:
    aws.answers(DESCRIBE, error("UnknownOperationException", 404))

    with pytest.raises(CallFailed, match="does not know the operation"):
        await preview.describe("a")


async def test_the_account_comes_from_sts_where_it_is_not_given(aws: Aws, tally: Tally) -> None:
    aws.answers(DESCRIBE, ON_THE_WIRE)
    async with preview_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match="set NOTIFIER_ACCOUNTS"):
            await source.describe("a")
        assert aws.asked(DESCRIBE) == []
        assert await source.account() is None

        aws.answers("GetCallerIdentity", Reply(f"{STS}</GetCallerIdentityResponse>".encode()))
        job = await source.describe("a")
        assert await source.account() == ACCOUNT

    assert job.account_id == ACCOUNT
    assert aws.asked(DESCRIBE)[0]["AwsAccountId"] == ACCOUNT
