"""The queue of hints: over a scripted wire, and over moto's SQS."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.session import AioSession

from notifier.errors import CallFailed, Cause
from notifier.model import Hint
from notifier.ports import Heard, HintQueue
from notifier.sources import hint_queue, new_session, queue_region
from notifier.sources.operation import Operation
from tests.examples import ACCOUNT, REGION
from tests.sources.aws import RESET, Aws, Reply, error
from tests.sources.conftest import HASTE, Tally
from tests.sources.test_moto import MOTO_ACCOUNT, moto_url

__all__ = ["moto_url"]

BODY = (
    '{"detail-type": "SageMaker HyperParameter Tuning Job State Change", "source": "aws.sagemaker",'
    f' "account": "{ACCOUNT}", "region": "{REGION}", "detail": {{"HyperParameterTuningJobName": "xgb"}}}}'
)


def message(number: int = 1, body: str = BODY, times: str = "1") -> dict[str, Any]:
    """A message as SQS gives it."""
    attributes = {"ApproximateReceiveCount": times}
    return {"MessageId": f"m{number}", "ReceiptHandle": f"r{number}", "Body": body, "Attributes": attributes}


@pytest.fixture
async def queue(aws: Aws, tally: Tally) -> AsyncIterator[HintQueue]:
    url = f"{aws.url}/{ACCOUNT}/notifier"
    async with hint_queue(new_session(), url, REGION, meter=tally, patience=HASTE) as queue:
        yield queue


@pytest.mark.parametrize(
    ("url", "region"),
    [
        pytest.param("https://sqs.eu-west-1.amazonaws.com/111122223333/notifier", "eu-west-1", id="public"),
        pytest.param("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/notifier", "cn-north-1", id="china"),
        pytest.param("https://sqs.us-gov-west-1.amazonaws.com/111122223333/q", "us-gov-west-1", id="govcloud"),
        pytest.param("https://sqs-fips.us-east-2.amazonaws.com/111122223333/q", "us-east-2", id="fips"),
        pytest.param("https://sqs.eu-north-1.api.aws/111122223333/q", "eu-north-1", id="dual-stack"),
        pytest.param("https://vpce-0a-1b.sqs.eu-west-1.vpce.amazonaws.com/111122223333/q", "eu-west-1", id="vpc"),
        pytest.param("https://ap-south-1.queue.amazonaws.com/111122223333/q", "ap-south-1", id="legacy"),
        pytest.param("http://127.0.0.1:9324/000000000000/q", None, id="loopback"),
        pytest.param("https://sqs.example.com/q", None, id="somebody-elses"),
    ],
)
def test_a_queues_url_says_its_region(url: str, region: str | None) -> None:
    assert queue_region(url) == region


async def test_messages_are_asked_for_ten_at_a_time_by_long_polling(aws: Aws, queue: HintQueue, tally: Tally) -> None:
    aws.answers(
        "ReceiveMessage", {"Messages": [message(1), message(2, "{}", "3"), message(3, BODY.replace("Job", ""))]}
    )

    heard = await queue.receive()

    assert heard == [
        Heard("m1", "r1", 1, Hint(ACCOUNT, REGION, "xgb")),
        Heard("m2", "r2", 3, wrong="detail-type is missing"),
        Heard("m3", "r3", 1),
    ]
    (asked,) = aws.asked("ReceiveMessage")
    assert (asked["MaxNumberOfMessages"], asked["WaitTimeSeconds"]) == (10, 20)
    assert asked["QueueUrl"] == f"{aws.url}/{ACCOUNT}/notifier"
    assert "/sqs/aws4_request" in aws.authorizations[0]
    assert tally.calls == [(REGION, "ReceiveMessage", "ok")]
    assert queue.name == f"{REGION}/{ACCOUNT}/notifier"


async def test_an_empty_queue_says_nothing(aws: Aws, queue: HintQueue) -> None:
    aws.answers("ReceiveMessage", {})

    assert await queue.receive() == []


async def test_messages_are_deleted_in_one_batch_and_those_that_were_not_are_counted(
    aws: Aws, queue: HintQueue
) -> None:
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    aws.answers("DeleteMessageBatch", RESET, {"Successful": [{"Id": "0"}], "Failed": [failed]}, {"Successful": []})

    assert await queue.delete(["r1", "r2"]) == 1
    assert await queue.delete(["r2"]) == 0
    _, second, third = aws.asked("DeleteMessageBatch")
    assert second["Entries"] == [{"Id": "0", "ReceiptHandle": "r1"}, {"Id": "1", "ReceiptHandle": "r2"}]
    assert third["Entries"] == [{"Id": "0", "ReceiptHandle": "r2"}]


@pytest.mark.parametrize(
    ("reply", "cause", "text"),
    [
        pytest.param(
            error("AccessDeniedException"), Cause.DENIED, "access is denied (AccessDeniedException); allow sqs:Receive",
            id="denied",
        ),
        pytest.param(
            Reply(
                {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"},
                400,
                {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
            ),
            Cause.REFUSED,
            "there is no such queue (AWS.SimpleQueueService.NonExistentQueue); correct NOTIFIER_SQS_QUEUE_URL",
            id="no-queue",
        ),
        pytest.param(
            error("KMS.AccessDeniedException"), Cause.DENIED, "allow kms:Decrypt on it", id="encrypted-for-others"
        ),
        pytest.param(error("RequestThrottled"), Cause.THROTTLED, "AWS throttles (RequestThrottled)", id="throttled"),
        pytest.param(error("ExpiredToken", 403), Cause.CREDENTIALS, "does not accept the credentials", id="expired"),
        pytest.param(Reply({"Messages": [{"Body": ""}]}), Cause.MALFORMED, "ReceiptHandle is missing", id="no-receipt"),
        pytest.param(RESET, Cause.UNREACHABLE, "closed the connection", id="reset"),
    ],
)  # fmt: skip
async def test_a_question_that_fails_is_asked_once_and_says_what_to_do(
    aws: Aws, queue: HintQueue, reply: Reply, cause: Cause, text: str
) -> None:
    aws.answers("ReceiveMessage", reply)

    with pytest.raises(CallFailed) as caught:
        await queue.receive()

    assert caught.value.cause is cause
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"ReceiveMessage in {REGION}: ")
    assert len(aws.asked("ReceiveMessage")) == 1


async def test_the_probe_touches_no_message_and_names_the_action_that_is_missing(aws: Aws, queue: HintQueue) -> None:
    aws.answers("ReceiveMessage", {"Messages": [message()]})
    aws.answers("DeleteMessageBatch", {"Failed": [{"Id": "0", "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}]})
    await queue.probe()

    (asked,) = aws.asked("ReceiveMessage")
    assert (asked["WaitTimeSeconds"], asked["VisibilityTimeout"]) == (0, 0)
    assert [each["ReceiptHandle"] for each in aws.asked("DeleteMessageBatch")[0]["Entries"]] != ["r1"]

    aws.answers("DeleteMessageBatch", error("AccessDeniedException"))
    with pytest.raises(CallFailed, match=r"allow sqs:DeleteMessage$"):
        await queue.probe()


def test_a_batch_needs_what_each_of_its_parts_does() -> None:
    assert Operation.FORGET.action == "sqs:DeleteMessage"


async def test_a_queue_on_aws_goes_where_the_environment_says_and_any_other_where_its_url_leads(
    aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.answers("ReceiveMessage", {})
    public = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/notifier"
    async with hint_queue(new_session(), public, REGION, meter=tally) as queue:
        await queue.receive()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    async with hint_queue(new_session(), f"{aws.url}/q", REGION, meter=tally) as queue:
        await queue.receive()

    assert [each["QueueUrl"] for each in aws.asked("ReceiveMessage")] == [public, f"{aws.url}/q"]


async def test_motos_queue_gives_a_message_again_until_it_is_deleted(moto_url: str, tally: Tally) -> None:
    session = AioSession()
    session.set_credentials("AKIAEXAMPLEEXAMPLE", "secret")
    async with session.create_client("sqs", REGION, endpoint_url=moto_url) as sqs:
        made = await sqs.create_queue(QueueName="notifier", Attributes={"VisibilityTimeout": "0"})
        await sqs.send_message(QueueUrl=made["QueueUrl"], MessageBody=BODY)
        async with hint_queue(new_session(), made["QueueUrl"], REGION, meter=tally) as queue:
            await queue.probe()
            (first,) = await queue.receive()
            (second,) = await queue.receive()
            assert first.hint == second.hint == Hint(ACCOUNT, REGION, "xgb")
            assert (first.id, second.times - first.times) == (second.id, 1)

            assert await queue.delete([second.receipt]) == 0

        left = await sqs.get_queue_attributes(QueueUrl=made["QueueUrl"], AttributeNames=["All"])
        assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"
        assert queue.name == f"{REGION}/{MOTO_ACCOUNT}/notifier"
