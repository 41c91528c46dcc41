"""What NOTIFIER_SQS_QUEUE_URL may say."""

import pytest

from tests.settings.environment import loaded, refused


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://sqs.us-east-1.amazonaws.com/111122223333/notifier", id="aws"),
        pytest.param("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/notifier", id="china"),
        pytest.param("http://127.0.0.1:9324/000000000000/notifier", id="loopback"),
        pytest.param("http://[::1]:9324/queue/notifier.fifo", id="loopback-of-ipv6"),
    ],
)
def test_a_queue_is_named_by_its_url(url: str) -> None:
    assert loaded(SQS_QUEUE_URL=url).sqs_queue_url == url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("arn:aws:sqs:us-east-1:111122223333:notifier", id="arn"),
        pytest.param("notifier", id="name"),
        pytest.param("https://sqs.us-east-1.amazonaws.com/", id="no-queue"),
        pytest.param("https:///111122223333/notifier", id="no-host"),
        pytest.param("http://[::1/q", id="half-an-address"),
        pytest.param("http://127.0.0.1:99999/q", id="no-port"),
        pytest.param("https://hunter2@sqs.us-east-1.amazonaws.com/1/q", id="password"),
        pytest.param("https://sqs.us-east-1.amazonaws.com/1/q?token=hunter2", id="token"),
        pytest.param("sqs://us-east-1/notifier", id="another-scheme"),
    ],
)
def test_what_is_no_url_of_a_queue_is_refused_with_an_example_and_not_repeated(url: str) -> None:
    ((name, message),) = refused(SQS_QUEUE_URL=url).items()

    assert name == "NOTIFIER_SQS_QUEUE_URL"
    assert message.startswith("is no queue's URL: write it as https://sqs.us-east-1.amazonaws.com/")
    assert "hunter2" not in message


def test_the_previews_jobs_make_no_events() -> None:
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/notifier"

    assert "remove it" in refused(SQS_QUEUE_URL=url, API="preview", JOBS="xgb")["NOTIFIER_SQS_QUEUE_URL"]
