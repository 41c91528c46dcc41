"""What becomes of a call that goes wrong: its cause, its retries, its text."""

import math
import socket
import traceback
from pathlib import Path

import pytest

from notifier.errors import CallFailed, Cause, JobMissing
from notifier.ports import Source
from notifier.sources import Patience, hyperparameter_source, new_session
from tests.examples import REGION
from tests.sources.aws import CUT, LATE, NOTHING, RESET, Aws, Reply, error
from tests.sources.conftest import FAST, HASTE, KEY_ID, SECRET, TOKEN, Tally
from tests.virtual import in_virtual_time, now

LIST = "ListHyperParameterTuningJobs"
DESCRIBE = "DescribeHyperParameterTuningJob"
PASSING, FINAL = 4, 1


async def _list(source: Source) -> int:
    return sum([len(page.rows) async for page in source.pages()])


@pytest.mark.parametrize(
    ("reply", "cause", "requests"),
    [
        pytest.param(error("ThrottlingException", message="Rate exceeded"), Cause.THROTTLED, PASSING, id="throttled"),
        pytest.param(Reply(b"slow down", 429), Cause.THROTTLED, PASSING, id="throttled-by-status"),
        pytest.param(error("InternalFailure", 500, ""), Cause.SERVER, PASSING, id="internal-failure"),
        pytest.param(Reply(b"<html>Bad Gateway</html>", 502), Cause.SERVER, PASSING, id="html-502"),
        pytest.param(Reply(b"", 503), Cause.SERVER, PASSING, id="empty-503"),
        pytest.param(Reply(b""), Cause.MALFORMED, PASSING, id="empty-200"),
        pytest.param(Reply(b"<html>hello</html>"), Cause.MALFORMED, PASSING, id="html-200"),
        pytest.param(Reply(b"[]"), Cause.MALFORMED, PASSING, id="list-200"),
        pytest.param(Reply(b'{"HyperParameterTuningJobSummaries": [{'), Cause.MALFORMED, PASSING, id="truncated-json"),
        pytest.param(Reply({"NextToken": "x"}), Cause.MALFORMED, PASSING, id="no-rows-member"),
        pytest.param(
            Reply({"HyperParameterTuningJobSummaries": [{"HyperParameterTuningJobStatus": "InProgress"}]}),
            Cause.MALFORMED,
            PASSING,
            id="row-without-a-name",
        ),
        pytest.param(
            Reply({"HyperParameterTuningJobSummaries": [{"CreationTime": "yesterday"}]}),
            Cause.MALFORMED,
            PASSING,
            id="unreadable-time",
        ),
        pytest.param(RESET, Cause.UNREACHABLE, PASSING, id="reset"),
        pytest.param(CUT, Cause.UNREACHABLE, PASSING, id="cut-off"),
        pytest.param(error("AccessDeniedException"), Cause.DENIED, FINAL, id="denied"),
        pytest.param(Reply(b"<html>Forbidden</html>", 403), Cause.DENIED, FINAL, id="html-403"),
        pytest.param(error("ExpiredTokenException"), Cause.CREDENTIALS, FINAL, id="expired"),
        pytest.param(error("UnrecognizedClientException"), Cause.CREDENTIALS, FINAL, id="unknown-key"),
        pytest.param(error("InvalidSignatureException", 403), Cause.CREDENTIALS, FINAL, id="wrong-signature"),
        pytest.param(error("ValidationException"), Cause.REFUSED, FINAL, id="refused"),
        pytest.param(error("UnknownOperationException", 404), Cause.REFUSED, FINAL, id="unknown-operation"),
        pytest.param(Reply(b"", 302, {"Location": "/elsewhere"}), Cause.REFUSED, FINAL, id="redirected"),
    ],
)
async def test_a_failed_call_says_why_and_is_tried_again_where_that_may_pass(
    aws: Aws, source: Source, tally: Tally, reply: Reply, cause: Cause, requests: int
) -> None:
    aws.answers(LIST, reply)

    with pytest.raises(CallFailed) as caught:
        await _list(source)

    assert caught.value.cause is cause
    assert len(aws.asked(LIST)) == requests
    assert tally.calls == [(REGION, LIST, cause)] * requests
    text = str(caught.value)
    assert text.startswith(f"{LIST} in {REGION}: ")
    assert "\n" not in text


async def test_a_call_that_succeeds_at_last_is_a_success(aws: Aws, source: Source, tally: Tally) -> None:
    aws.answers(LIST, error("ThrottlingException"), error("InternalFailure", 500), RESET, NOTHING)

    assert await _list(source) == 0
    assert [outcome for _, _, outcome in tally.calls] == [Cause.THROTTLED, Cause.SERVER, Cause.UNREACHABLE, "ok"]


async def test_denied_access_names_the_iam_action(aws: Aws, source: Source) -> None:
    aws.answers(LIST, error("AccessDeniedException"))

    with pytest.raises(CallFailed) as caught:
        await _list(source)

    assert caught.value.action == "sagemaker:ListHyperParameterTuningJobs"
    assert "sagemaker:ListHyperParameterTuningJobs" in str(caught.value)


async def test_a_job_that_aws_does_not_know_is_missing_and_not_asked_for_again(aws: Aws, source: Source) -> None:
    aws.answers(DESCRIBE, error("ResourceNotFound"))

    with pytest.raises(JobMissing):
        await source.describe("gone")

    assert len(aws.asked(DESCRIBE)) == 1


@in_virtual_time
async def test_a_slow_answer_ends_at_the_deadline(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(attempts=2, deadline=7.0, pause=0.0)
    async with Aws.running() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        aws.answers(LIST, NOTHING, LATE)
        opening = hyperparameter_source(new_session(), REGION, rate=math.inf, meter=tally, patience=patience)
        async with opening as source:
            await _list(source)

            with pytest.raises(CallFailed) as caught:
                await _list(source)

    assert caught.value.cause is Cause.DEADLINE
    assert len(aws.asked(LIST)) == 3
    # The client has a patience of its own, with each byte anew: to whoever trickles it has no end.
    assert now() == pytest.approx(2 * 7.0)


async def test_a_job_that_met_every_deadline_is_asked_for_once_a_look_until_it_answers(aws: Aws, tally: Tally) -> None:
    patience = Patience(attempts=3, deadline=2.0, pause=0.001, longest_pause=0.002)
    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=patience) as source:

        async def requests(name: str, *script: Reply) -> int:
            before = len(aws.asked(DESCRIBE))
            aws.answers(DESCRIBE, *script)
            with pytest.raises((CallFailed, JobMissing)):
                await source.describe(name)
            return len(aws.asked(DESCRIBE)) - before

        assert await requests("hangs", LATE) == 3
        assert await requests("hangs", LATE) == 1
        assert await requests("hangs", error("InternalFailure", 500)) == 1
        assert await requests("another", LATE) == 3
        assert await requests("hangs", error("ResourceNotFound")) == 1
        assert await requests("hangs", LATE) == 3


async def test_an_endpoint_that_refuses_connections_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}")
        async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
            with pytest.raises(CallFailed, match=f"{host} cannot be reached") as caught:
                await _list(source)

            assert await source.account() is None
    assert caught.value.cause is Cause.UNREACHABLE


@pytest.mark.parametrize(
    ("url", "region", "says"),
    [
        pytest.param("not a url", REGION, "AWS_ENDPOINT_URL is not a URL", id="endpoint"),
        pytest.param("http://127.0.0.1:1", "no region!", "not the name of a region", id="region"),
    ],
)
async def test_wrong_settings_are_told_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, tally: Tally, url: str, region: str, says: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    async with hyperparameter_source(new_session(), region, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match=says) as caught:
            await _list(source)

    assert caught.value.cause is Cause.REFUSED
    assert len(tally.calls) == 1


async def test_a_server_without_tls_is_told(aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url.replace("http:", "https:"))
    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match=r"TLS with 127.0.0.1:.* fails") as caught:
            await _list(source)

    assert caught.value.cause is Cause.UNREACHABLE


async def test_a_role_that_must_not_be_assumed_names_the_action_of_sts(
    aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = "arn:aws:iam::111122223333:role/watcher"
    (tmp_path / "config").write_text(f"[profile watcher]\nrole_arn = {role}\ncredential_source = Environment\n")
    session = new_session()
    session.set_config_variable("profile", "watcher")
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    aws.answers("AssumeRole", Reply(denied, 403))

    async with hyperparameter_source(session, REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match=r"^AssumeRole in us-east-1: access is denied") as caught:
            await _list(source)

    assert (caught.value.cause, caught.value.action) == (Cause.DENIED, "sts:AssumeRole")


async def test_credentials_that_cannot_be_loaded_are_told(
    aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile broken]\ncredential_process = false\n")
    session = new_session()
    session.set_config_variable("profile", "broken")

    async with hyperparameter_source(session, REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match="the AWS credentials cannot be loaded") as caught:
            await source.account()

    assert caught.value.cause is Cause.CREDENTIALS
    assert aws.requests == []


@pytest.mark.parametrize("code", ["InvalidSignatureException", "AccessDeniedException", "SomethingNew"])
async def test_no_text_holds_what_a_request_was_signed_with(aws: Aws, source: Source, code: str) -> None:
    # AWS quotes the canonical request, session token included, when it finds a wrong signature.
    quoted = f"The Canonical String should have been\nx-amz-security-token:{TOKEN}\n{KEY_ID}\n{SECRET}"
    aws.answers(LIST, error(code, 403, quoted))

    with pytest.raises(CallFailed) as caught:
        await _list(source)

    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not [secret for secret in (KEY_ID, SECRET, TOKEN) if secret in told]


async def test_without_credentials_the_call_fails_until_they_appear(
    aws: Aws, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.answers(LIST, NOTHING)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(CallFailed, match="there are no AWS credentials") as caught:
        await _list(source)
    with pytest.raises(CallFailed, match="there are no AWS credentials"):
        await source.account()
    assert caught.value.cause is Cause.CREDENTIALS
    assert aws.requests == []

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    assert await _list(source) == 0
