"""Today's API over the wire: pages, records, and what only trials tell."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifier.errors import CallFailed, Cause
from notifier.model import ComputeHours, JobIdentity, KnownTrials
from notifier.ports import Source
from notifier.sources import hyperparameter_source, new_session
from tests.examples import ACCOUNT, NOON, REGION, sample
from tests.sources.aws import Aws, Reply, error, parsed, wire
from tests.sources.conftest import FAST, HASTE, Tally
from tests.sources.test_mapping import DESCRIBED, FINISHED

LIST = "ListHyperParameterTuningJobs"
DESCRIBE = "DescribeHyperParameterTuningJob"
LIST_TRIALS = "ListTrainingJobsForHyperParameterTuningJob"
DESCRIBE_TRIAL = "DescribeTrainingJob"
NOON_HEADER = {"Date": "Sat, 31 Jan 2026 12:00:00 GMT"}


def row(name: str = "Churn") -> dict[str, Any]:
    """A row of List as AWS writes it, its ARN lower-cased."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/{name.lower()}",
        "HyperParameterTuningJobStatus": "InProgress",
        "Strategy": "Bayesian",
        "CreationTime": NOON.timestamp(),
        "TrainingJobStatusCounters": {"Completed": 1, "InProgress": 1},
        "ObjectiveStatusCounters": {},
        "ResourceLimits": {"MaxParallelTrainingJobs": 2},
    }


def page(*rows: dict[str, Any], token: str | None = None) -> Reply:
    """A page of List, answered at noon."""
    body = {"HyperParameterTuningJobSummaries": list(rows)} | ({"NextToken": token} if token else {})
    return Reply(body, headers=NOON_HEADER)


def trials(*rows: dict[str, Any], token: str | None = None) -> Reply:
    """A page of trials, answered at noon."""
    body = {"TrainingJobSummaries": list(rows)} | ({"NextToken": token} if token else {})
    return Reply(body, headers=NOON_HEADER)


def trial(status: str, began: float | None = None, ended: float | None = None) -> dict[str, Any]:
    """A row of trials; times are hours before noon."""
    times = {"TrainingStartTime": began, "TrainingEndTime": ended}
    return {
        "TrainingJobName": "t",
        "TrainingJobStatus": status,
        "CreationTime": NOON.timestamp(),
        **{name: (NOON - timedelta(hours=hours)).timestamp() for name, hours in times.items() if hours is not None},
    }


def described(instances: int = 1, **changes: Any) -> dict[str, Any]:
    """A recorded record, on instances of a number."""
    recorded: dict[str, Any] = wire(sample(FINISHED))
    recorded["TrainingJobDefinition"]["ResourceConfig"]["InstanceCount"] = instances
    return {**recorded, **changes}


async def test_pages_are_asked_for_newest_first_and_a_hundred_at_a_time(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(row("a"), token="2"), page(row("b")))

    pages = [each async for each in source.pages()]

    assert [[each.name for each in page.rows] for page in pages] == [["a"], ["b"]]
    assert [page.last for page in pages] == [False, True]
    asked = {"MaxResults": 100, "SortBy": "CreationTime", "SortOrder": "Descending"}
    assert aws.asked(LIST) == [asked, asked | {"NextToken": "2"}]


async def test_short_and_empty_pages_with_a_token_are_not_the_last(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(token="2"), page(row("a"), token="3"), page(token="4"), page(row("b")))

    names = [each.name async for page in source.pages() for each in page.rows]

    assert names == ["a", "b"]


async def test_a_page_is_asked_for_only_when_it_is_wanted(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(row("a"), token="2"), page(row("b")))

    async with aclosing(source.pages()) as pages:
        await anext(pages)

    assert len(aws.asked(LIST)) == 1


async def test_a_token_that_comes_twice_ends_the_listing(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(row("a"), token="2"), page(row("b"), token="3"), page(row("c"), token="2"))

    with pytest.raises(CallFailed, match="circle") as caught:
        [each async for each in source.pages()]

    assert caught.value.cause is Cause.MALFORMED
    assert len(aws.asked(LIST)) == 3


async def test_a_page_has_the_servers_clock(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page())

    assert [each.date async for each in source.pages()] == [NOON]


@pytest.mark.parametrize("date", ["tomorrow", ""], ids=["unreadable", "empty"])
async def test_a_page_without_a_date_has_the_local_clock(aws: Aws, source: Source, date: str) -> None:
    aws.answers(LIST, Reply(page().body, headers={"Date": date}))
    before = datetime.now(UTC)

    (dated,) = [each.date async for each in source.pages()]

    assert before <= dated <= datetime.now(UTC)


@pytest.mark.parametrize("member", ["CreationTime", "TrainingJobStatusCounters", "HyperParameterTuningJobStatus"])
async def test_a_row_that_lacks_a_member_is_set_aside_by_its_name(aws: Aws, source: Source, member: str) -> None:
    odd = {name: value for name, value in row("odd").items() if name != member}
    aws.answers(LIST, page(row("a"), odd, row("b")))

    (only,) = [each async for each in source.pages()]

    assert [each.name for each in only.rows] == ["a", "b"]
    assert only.unread == {"odd": f"{member} is missing"}


async def test_a_page_of_which_little_can_be_read_is_no_use(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(row("a"), *({"HyperParameterTuningJobName": f"odd-{n}"} for n in range(11))))

    with pytest.raises(CallFailed, match="HyperParameterTuningJobArn is missing") as caught:
        [each async for each in source.pages()]

    assert caught.value.cause is Cause.MALFORMED


async def test_a_rows_name_is_kept_as_given(aws: Aws, source: Source) -> None:
    aws.answers(LIST, page(row("Churn-XGB")))

    (only,) = [each async for page in source.pages() for each in page.rows]

    assert only.name == "Churn-XGB"
    assert only.arn is not None
    assert only.arn.endswith("/churn-xgb")


@pytest.mark.parametrize("name", DESCRIBED)
async def test_every_recorded_answer_survives_the_wire(aws: Aws, source: Source, name: str) -> None:
    recorded = sample(name)
    aws.answers(DESCRIBE, wire(recorded))

    job = await source.describe(recorded["HyperParameterTuningJobName"])

    created = parsed(recorded)["CreationTime"]
    assert job.name == recorded["HyperParameterTuningJobName"]
    assert job.status == recorded["HyperParameterTuningJobStatus"]
    assert job.identity == JobIdentity.of(ACCOUNT, job.region, job.name, created)
    assert job.created_at == created
    leader = recorded["BestTrainingJob"]
    assert (job.best and job.best.metric and job.best.metric.value) == (
        leader and leader["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    )


async def test_nan_on_the_wire_is_no_value(aws: Aws, source: Source) -> None:
    metric = {"MetricName": "loss", "Value": float("nan")}
    best = {"TrainingJobName": "a", "FinalHyperParameterTuningJobObjectiveMetric": metric}
    body = json.dumps(described(BestTrainingJob=best)).encode()
    assert b"NaN" in body
    aws.answers(DESCRIBE, Reply(body))

    job = await source.describe("a")

    assert job.best is not None
    assert job.best.metric is not None
    assert job.best.metric.value is None


async def test_an_incomplete_record_is_asked_for_again(aws: Aws, source: Source, tally: Tally) -> None:
    aws.answers(DESCRIBE, {"HyperParameterTuningJobName": "a"}, described())

    job = await source.describe("a")

    assert job.status == "Completed"
    assert [outcome for _, _, outcome in tally.calls] == [Cause.MALFORMED, "ok"]


async def test_one_answer_is_enough_unless_trials_are_asked_for(aws: Aws, source: Source) -> None:
    aws.answers(DESCRIBE, described())

    job = await source.describe("a")

    assert [name for name, _ in aws.requests] == [DESCRIBE]
    assert job.compute_hours is None
    assert (job.counts.pending, job.counts.running) == (None, None)


async def test_trials_tell_compute_hours_who_waits_and_retries(aws: Aws, source: Source) -> None:
    aws.answers(DESCRIBE, described(instances=2))
    aws.answers(
        LIST_TRIALS,
        trials(trial("Completed", 3, 2), trial("Failed", 2, 1.5), token="2"),
        trials(trial("InProgress", 0.5), trial("InProgress"), trial("Failed"), trial("Stopping", 0.25)),
    )
    steps = ("Starting", "Downloading", "Training", "Starting", "Training", "Completed")
    aws.answers(
        DESCRIBE_TRIAL,
        {"SecondaryStatusTransitions": [{"Status": each, "StartTime": NOON.timestamp()} for each in steps]},
    )

    job = await source.describe("a", trials=True)

    assert job.compute_hours == ComputeHours(finished=3.0, in_flight=1.5)
    assert (job.counts.pending, job.counts.running) == (1, 1)
    assert job.best is not None
    assert job.best.retried_attempt == 1
    consumed = job.to_response()["ResourcesStats"]["ConsumedResources"]
    assert consumed["ComputeHours"] == {"Finished": 3.0, "InFlight": 1.5}
    assert consumed["Jobs"] == {"Completed": 20, "Failed": 0, "Pending": 1, "Running": 1}
    assert aws.asked(LIST_TRIALS)[1]["NextToken"] == "2"
    assert {each["MaxResults"] for each in aws.asked(LIST_TRIALS)} == {100}
    assert aws.asked(DESCRIBE_TRIAL) == [{"TrainingJobName": job.best.training_job_name}]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(error("AccessDeniedException"), id="denied"),
        pytest.param(error("ValidationException"), id="trial-is-gone"),
        pytest.param(Reply(b"<html>oops</html>", 500), id="server-fails"),
    ],
)
async def test_what_trials_do_not_tell_is_absent(aws: Aws, source: Source, reply: Reply) -> None:
    aws.answers(DESCRIBE, described())
    aws.answers(LIST_TRIALS, reply)
    aws.answers(DESCRIBE_TRIAL, reply)

    with_trials, without = await source.describe("a", trials=True), await source.describe("a")

    assert with_trials == without


async def test_concurrent_calls_share_one_client(aws: Aws, source: Source) -> None:
    aws.answers(DESCRIBE, described())

    jobs = await asyncio.gather(*[source.describe("a") for _ in range(60)])

    assert len(aws.asked(DESCRIBE)) == len(jobs) == 60


async def test_a_cancelled_call_leaves_the_source_usable(aws: Aws, source: Source, tally: Tally) -> None:
    aws.answers(DESCRIBE, Reply(fate="is late"), described())
    lost = asyncio.create_task(source.describe("a"))
    async with asyncio.timeout(10):
        await aws.heard.wait()

    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)

    assert lost.cancelled()
    assert (await source.describe("a")).status == "Completed"
    assert [outcome for _, _, outcome in tally.calls] == ["ok"]


STS = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
REFUSAL = b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"


async def test_the_account_is_asked_for_once(aws: Aws, source: Source) -> None:
    aws.answers("GetCallerIdentity", Reply(STS))

    assert [await source.account(), await source.account()] == [ACCOUNT, ACCOUNT]
    assert len(aws.asked("GetCallerIdentity")) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(REFUSAL, 403), id="refuses"),
        pytest.param(Reply(b"", 503), id="fails"),
        pytest.param(Reply(fate="is reset"), id="cannot-be-reached"),
        pytest.param(Reply(b"<html>hello</html>"), id="is-not-sts"),
    ],
)
async def test_the_account_is_unknown_where_sts_does_not_say(aws: Aws, source: Source, reply: Reply) -> None:
    aws.answers("GetCallerIdentity", reply, reply, Reply(STS))

    assert await source.account() is None
    assert await source.account() in (None, ACCOUNT)


async def test_sessions_with_other_credentials_make_sources_of_their_own(aws: Aws, tally: Tally) -> None:
    aws.answers(LIST, page())
    other = new_session()
    other.set_credentials("AKIAOTHER", "other")
    async with (
        hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as ours,
        hyperparameter_source(other, "eu-west-1", rate=FAST, meter=tally, patience=HASTE) as theirs,
    ):
        for source in (ours, theirs):
            assert [each.last async for each in source.pages()] == [True]

    assert "Credential=AKIAOTHER/" in aws.authorizations[1]
    assert "/eu-west-1/sagemaker/" in aws.authorizations[1]
    assert "AKIAOTHER" not in aws.authorizations[0]


def row_of(name: str, status: str = "Completed", value: float | None = 0.5) -> dict[str, Any]:
    """A row of trials that tells its value."""
    metric = {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "auc", "Value": value}}
    tuned = {"TunedHyperParameters": {"eta": "0.3"}}
    return {**trial(status), "TrainingJobName": name, **tuned, **(metric if value is not None else {})}


async def test_only_the_new_part_of_the_trials_is_read(aws: Aws, source: Source) -> None:
    aws.answers(LIST_TRIALS, trials(row_of("d"), token="2"), trials(row_of("c"), row_of("b"), token="3"))

    found = await source.trials("xgb", KnownTrials(over=frozenset("ab")))

    assert [each.name for each in found] == ["d", "c"]
    assert len(aws.asked(LIST_TRIALS)) == 2
    first, _ = aws.asked(LIST_TRIALS)
    assert (first["SortBy"], first["SortOrder"], first["MaxResults"]) == ("CreationTime", "Descending", 100)


async def test_a_trial_that_was_not_over_is_read_until_it_is_found(aws: Aws, source: Source) -> None:
    aws.answers(
        LIST_TRIALS, trials(row_of("c"), row_of("b"), token="2"), trials(row_of("a", "Failed", None), token="3")
    )

    found = await source.trials("xgb", KnownTrials(over=frozenset("bc"), going=frozenset("a")))

    assert [(each.name, each.status, each.value) for each in found] == [("a", "Failed", None)]
    assert len(aws.asked(LIST_TRIALS)) == 2


async def test_a_trial_tells_its_value_its_hyperparameters_and_why_it_failed(aws: Aws, source: Source) -> None:
    failed = {**trial("Failed", 2.0, 1.0), "FailureReason": "AlgorithmError: out of memory"}
    aws.answers(LIST_TRIALS, trials(row_of("a", value=0.25), failed))

    told, broken = await source.trials("xgb", KnownTrials())

    assert (told.value, told.metric_name, told.hyperparameters, told.over) == (0.25, "auc", {"eta": "0.3"}, True)
    assert (broken.failure_reason, broken.value) == ("AlgorithmError: out of memory", None)


async def test_a_listing_of_trials_that_breaks_half_way_is_a_failed_call(aws: Aws, source: Source) -> None:
    aws.answers(LIST_TRIALS, trials(row_of("a"), token="2"), error("InternalFailure", 500))

    with pytest.raises(CallFailed):
        await source.trials("xgb", KnownTrials())
