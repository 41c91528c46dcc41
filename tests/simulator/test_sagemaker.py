"""The simulated SageMaker as aiobotocore's real client sees it."""

import asyncio
import json
from collections.abc import Iterator
from email.utils import formatdate
from itertools import count
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from notifier.model import Status
from notifier.simulator.account import ACCOUNT_ID, Account, history, quiet
from notifier.simulator.job import SimulatedJob
from notifier.simulator.loopback import serving
from notifier.simulator.operations import page_token
from notifier.simulator.runs import load_runs
from notifier.simulator.sagemaker import Quirks, SageMaker
from tests.simulator.conftest import Connect

NOW = 1_800_000_000.0
MIDWAY = SimulatedJob("dengue-Deepar", load_runs()["dengai"], NOW - 2400, retried=frozenset({3}))
ACCOUNT = Account((*history(25, NOW), MIDWAY))
PAGE = {"SortBy": "CreationTime", "SortOrder": "Descending"}


def simulated(account: Account = ACCOUNT, **changes: Any) -> SageMaker:
    """A simulated SageMaker whose clock stands."""
    return SageMaker(account, clock=lambda: NOW, **changes)


async def listed(client: Any, **parameters: Any) -> list[list[dict[str, Any]]]:
    """Every page of List."""
    pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(**parameters)
    return [page["HyperParameterTuningJobSummaries"] async for page in pages]


async def test_list_is_paged_newest_first_and_names_every_job_once(connect: Connect) -> None:
    client = await connect(simulated())

    pages = await listed(client, **PAGE)

    assert [len(page) for page in pages] == [10, 10, 6]
    rows = [row for page in pages for row in page]
    assert len({row["HyperParameterTuningJobName"] for row in rows}) == 26
    times = [row["CreationTime"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert rows[0]["HyperParameterTuningJobArn"].endswith(":hyper-parameter-tuning-job/dengue-deepar")


async def test_a_job_that_begins_between_two_pages_shifts_none(connect: Connect) -> None:
    sagemaker = simulated()
    client = await connect(sagemaker)
    first = await client.list_hyper_parameter_tuning_jobs(**PAGE)

    sagemaker.account = ACCOUNT.adding([SimulatedJob("newer", load_runs()["aim318"], NOW - 1)])
    second = await client.list_hyper_parameter_tuning_jobs(**PAGE, NextToken=first["NextToken"])

    names = [
        row["HyperParameterTuningJobName"]
        for page in (first, second)
        for row in page["HyperParameterTuningJobSummaries"]
    ]
    assert len(names) == len(set(names)) == 20
    assert "newer" not in names


async def test_filters_apply_after_a_page_was_cut(connect: Connect) -> None:
    client = await connect(simulated())

    pages = await listed(client, **PAGE, StatusEquals="InProgress")

    assert [len(page) for page in pages] == [1, 0, 0]


async def test_describe_finds_a_job_whatever_the_case_of_its_name(connect: Connect) -> None:
    client = await connect(simulated(), region="eu-west-1")

    answer = await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="DENGUE-deepar")

    assert answer["HyperParameterTuningJobName"] == "dengue-Deepar"
    assert answer["HyperParameterTuningJobArn"] == (
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT_ID}:hyper-parameter-tuning-job/dengue-Deepar"
    )
    assert answer["HyperParameterTuningJobStatus"] == Status.IN_PROGRESS
    assert answer["TrainingJobStatusCounters"]["RetryableError"] == 1
    best = answer["BestTrainingJob"]
    assert "Type" not in best["FinalHyperParameterTuningJobObjectiveMetric"]
    ranges = answer["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert [each["Name"] for each in ranges["ContinuousParameterRanges"]] == ["dropout_rate", "learning_rate"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"] == formatdate(NOW, usegmt=True)


async def test_trials_are_listed_and_described(connect: Connect) -> None:
    client = await connect(simulated())
    name = {"HyperParameterTuningJobName": "dengue-Deepar"}

    by_value = await client.list_training_jobs_for_hyper_parameter_tuning_job(
        **name, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending", MaxResults=100
    )
    described = await client.describe_hyper_parameter_tuning_job(**name)
    best = await client.describe_training_job(TrainingJobName=described["BestTrainingJob"]["TrainingJobName"])

    summaries = by_value["TrainingJobSummaries"]
    assert len(summaries) == described["TrainingJobStatusCounters"]["Completed"]
    assert summaries[0]["TrainingJobName"] == described["BestTrainingJob"]["TrainingJobName"] == best["TrainingJobName"]
    assert best["HyperParameters"] == summaries[0]["TunedHyperParameters"]
    assert best["TuningJobArn"] == described["HyperParameterTuningJobArn"]


async def test_the_preview_answers_as_its_model_says(connect: Connect) -> None:
    client = await connect(simulated(), "sagemaker-preview")

    answer = await client.describe_tuning_job(TuningJobName="dengue-Deepar", AwsAccountId=ACCOUNT_ID)

    assert answer["TuningJobStatus"] == Status.IN_PROGRESS
    assert set(answer["BestTrainingJob"]) == {
        "FinalTuningJobObjectiveMetric",
        "HyperParameters",
        "RetriedAttempt",
        "TrainingJobName",
        "TrainingJobStatus",
    }
    assert set(answer["ResourcesStats"]["ConsumedResources"]) == {"ComputeHours", "Jobs", "ResourceLimits"}
    assert answer["ParameterRanges"]["IntegerParameterRanges"][0]["Type"] == "Integer"


async def test_sts_names_the_caller_on_the_same_port(connect: Connect) -> None:
    client = await connect(simulated(), "sts")

    assert (await client.get_caller_identity())["Account"] == ACCOUNT_ID


async def test_in_a_role_of_another_account_the_same_jobs_have_its_number(connect: Connect) -> None:
    sagemaker, other = simulated(), "222233334444"
    role = f"arn:aws:iam::{other}:role/path/notifier"

    own = await connect(sagemaker, "sts")
    assumed = await own.assume_role(RoleArn=role, RoleSessionName="notifier")
    given = assumed["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    caller = await (await connect(sagemaker, "sts", **keys)).get_caller_identity()
    (*_, page) = await listed(await connect(sagemaker, **keys), **PAGE)

    assert given["Expiration"].timestamp() == NOW + 3600
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{other}:assumed-role/notifier/notifier"
    assert caller["Account"] == other
    assert page[0]["HyperParameterTuningJobArn"].split(":")[4] == other


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(b"Action=AssumeRole&RoleArn=arn:aws:iam::12:role/notifier", id="a-role-that-is-none"),
        pytest.param(b"Action=AssumeRole", id="no-role"),
        pytest.param(b"Action=GetSessionToken", id="another-action"),
        pytest.param(b"\xff", id="no-form"),
    ],
)
async def test_what_sts_does_not_simulate_is_refused(http: aiohttp.ClientSession, form: bytes) -> None:
    async with serving(simulated().app(), "127.0.0.1") as address, http.post(address, data=form) as answer:
        assert (answer.status, "are simulated" in await answer.text()) == (400, True)


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "status"),
    [
        pytest.param(
            "describe_hyper_parameter_tuning_job",
            {"HyperParameterTuningJobName": "no-such-job"},
            "ResourceNotFound",
            400,
            id="no-such-tuning-job",
        ),
        pytest.param(
            "describe_training_job", {"TrainingJobName": "no-such-job"}, "ValidationException", 400, id="no-such-trial"
        ),
        pytest.param(
            "describe_hyper_parameter_tuning_job",
            {"HyperParameterTuningJobName": "x" * 33},
            "ValidationException",
            400,
            id="name-too-long",
        ),
        pytest.param(
            "describe_hyper_parameter_tuning_job",
            {"HyperParameterTuningJobName": "under_score"},
            "ValidationException",
            400,
            id="name-malformed",
        ),
        pytest.param(
            "list_hyper_parameter_tuning_jobs", {"MaxResults": 101}, "ValidationException", 400, id="page-too-long"
        ),
        pytest.param(
            "list_hyper_parameter_tuning_jobs", {"NextToken": "forged"}, "ValidationException", 400, id="token-forged"
        ),
        pytest.param(
            "list_hyper_parameter_tuning_jobs",
            {"NextToken": page_token([1.5, "dengue-Deepar"])},
            "ValidationException",
            400,
            id="token-of-another-order",
        ),
    ],
)
async def test_errors_are_those_of_aws(
    connect: Connect, operation: str, parameters: dict[str, Any], code: str, status: int
) -> None:
    client = await connect(simulated())

    with pytest.raises(ClientError) as caught:
        await getattr(client, operation)(**parameters)

    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_what_is_not_simulated_is_an_unknown_operation(http: aiohttp.ClientSession) -> None:
    headers = {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "application/x-amz-json-1.1"}
    async with (
        serving(simulated().app(), "127.0.0.1") as address,
        http.post(address, data=b"{}", headers=headers) as answer,
    ):
        assert answer.status == 404
        assert json.loads(await answer.read())["__type"] == "UnknownOperationException"


async def test_a_missing_job_is_a_typed_exception(connect: Connect) -> None:
    client = await connect(simulated())

    with pytest.raises(client.exceptions.ResourceNotFound, match="can't find a tuning job"):
        await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="no-such-job")


@pytest.mark.parametrize(
    ("quirks", "code"),
    [
        pytest.param(Quirks(throttled=1.0), "ThrottlingException", id="throttled"),
        pytest.param(Quirks(failed=1.0), "InternalFailure", id="failed"),
    ],
)
async def test_ordered_troubles_come_as_errors(connect: Connect, quirks: Quirks, code: str) -> None:
    sagemaker = simulated(quirks=quirks)
    client = await connect(sagemaker)

    with pytest.raises(ClientError) as caught:
        await client.list_hyper_parameter_tuning_jobs()

    assert caught.value.response["Error"]["Code"] == code
    assert (sagemaker.calls["ListHyperParameterTuningJobs"], sagemaker.refused[code]) == (1, 1)
    assert sagemaker.sweeps == []


async def test_an_ordered_reset_cuts_the_connection(connect: Connect) -> None:
    client = await connect(simulated(quirks=Quirks(reset=1.0)))

    with pytest.raises(HTTPClientError):
        await client.list_hyper_parameter_tuning_jobs()


async def test_an_empty_page_leads_to_the_rows_it_left_out(connect: Connect) -> None:
    client = await connect(simulated(quirks=Quirks(empty_pages=0.5), seed=3))

    pages = await listed(client, **PAGE)

    assert [] in pages
    assert sum(len(page) for page in pages) == 26


async def test_a_stale_answer_is_an_earlier_one(connect: Connect) -> None:
    client = await connect(simulated(quirks=Quirks(stale=1.0, stale_by=2401.0)))

    with pytest.raises(client.exceptions.ResourceNotFound):
        await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="dengue-Deepar")


async def test_the_same_seed_brings_the_same_troubles(connect: Connect) -> None:
    async def outcomes(seed: int) -> list[str]:
        client = await connect(simulated(quirks=Quirks(throttled=0.3, failed=0.2), seed=seed))
        return [await outcome(client) for _ in range(40)]

    async def outcome(client: Any) -> str:
        try:
            await client.list_hyper_parameter_tuning_jobs()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    first, again, other = await outcomes(1), await outcomes(1), await outcomes(2)
    assert first == again != other
    assert set(first) == {"ok", "ThrottlingException", "InternalFailure"}


async def test_calls_are_counted_by_operation(connect: Connect, http: aiohttp.ClientSession) -> None:
    sagemaker = simulated()
    client = await connect(sagemaker)
    await listed(client)
    await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="dengue-Deepar")

    async with http.get(f"{client.meta.endpoint_url}/__calls") as answer:
        counts = await answer.json()

    assert counts == {
        "calls": {"ListHyperParameterTuningJobs": 3, "DescribeHyperParameterTuningJob": 1},
        "refused": {},
        "sweeps": 1,
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"<html>", "SerializationException", id="not-json"),
        pytest.param(b"[]", "SerializationException", id="not-an-object"),
        pytest.param(b"{}", "ValidationException", id="a-member-is-missing"),
    ],
)
async def test_a_malformed_request_is_refused(http: aiohttp.ClientSession, body: bytes, code: str) -> None:
    async with serving(simulated().app(), "127.0.0.1") as address:
        headers = {"X-Amz-Target": "SageMaker.DescribeHyperParameterTuningJob"}
        async with http.post(address, data=body, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json(content_type=None))["__type"] == code
        async with http.post(address, data=b"Action=AssumeRole") as answer:
            assert answer.status == 400


async def test_time_passes_between_two_answers(connect: Connect) -> None:
    ticks: Iterator[int] = count()
    job = SimulatedJob("replayed", load_runs()["aim318"], NOW)
    client = await connect(SageMaker(Account((job,)), clock=lambda: NOW + 60.0 * next(ticks)))

    answers = [await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="replayed") for _ in "abc"]
    while answers[-1]["HyperParameterTuningJobStatus"] == Status.IN_PROGRESS:
        answers.append(await client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="replayed"))

    completed = [answer["TrainingJobStatusCounters"]["Completed"] for answer in answers]
    assert completed == sorted(completed) and completed[-1] == 9
    assert "HyperParameterTuningEndTime" in answers[-1] and "BestTrainingJob" not in answers[0]


async def test_a_full_account_is_answered_while_others_ask(connect: Connect) -> None:
    client = await connect(simulated(Account((*history(5000, NOW), *quiet(250, NOW)))))

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(client.list_hyper_parameter_tuning_jobs(**PAGE, MaxResults=100)) for _ in range(5)]

    assert all(len(each.result()["HyperParameterTuningJobSummaries"]) == 100 for each in asked)
