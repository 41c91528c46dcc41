"""Slack's incoming webhook: its answers, and what becomes of the message."""

import asyncio
import json

import aiohttp
import pytest
from pydantic import ValidationError

from notifier.delivery import open_http
from notifier.delivery.slack_webhook import SlackWebhook, SlackWebhookSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch, Status
from tests.delivery.receiver import Receiver, raw, request_read
from tests.examples import best, ended, new_best, tuning_job

BATCH = Batch((new_best(best()),))


def slack(http: aiohttp.ClientSession, url: str, mention: str = "") -> SlackWebhook:
    settings = SlackWebhookSettings.model_validate({"url": url, "mention": mention})
    return SlackWebhook("team", settings, http)


async def test_a_message_is_blocks_with_a_text_and_nothing_that_slack_would_refuse(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await slack(http, receiver.url).send(BATCH)

    (request,) = receiver.received
    payload = json.loads(request.body)
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert payload.keys() == {"text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert payload["blocks"][0]["text"]["text"] == "🏆 xgb-churn: new best 0.9"


async def test_refused_blocks_are_sent_once_more_as_plain_text(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answers = [(400, {}, b"invalid_blocks"), (200, {}, b"ok")]

    await slack(http, receiver.url, "here").send(Batch((ended(tuning_job("a&b"), Status.FAILED),)))

    first, second = (json.loads(each.body) for each in receiver.received)
    assert "blocks" in first
    assert "blocks" not in second
    assert second["text"].startswith("<!here> ❌ a&amp;b: failed\n")


@pytest.mark.parametrize(
    ("status", "body", "headers", "fault", "after", "ambiguous", "requests"),
    [
        *(
            pytest.param(400, code, {}, Fault.MESSAGE, None, False, 2, id=code)
            for code in ("invalid_payload", "invalid_blocks", "no_text", "too_many_attachments", "user_not_found")
        ),
        *(
            pytest.param(status, code, {}, Fault.DESTINATION, None, False, 1, id=code)
            for status, code in (
                (403, "action_prohibited"),
                (403, "invalid_token"),
                (404, "channel_not_found"),
                (404, "no_service"),
                (404, "no_team"),
                (410, "channel_is_archived"),
                (403, "no_active_hooks"),
                (403, "team_disabled"),
                (403, "posting_to_general_channel_denied"),
                (400, "something_new"),
            )
        ),
        pytest.param(429, "", {"Retry_After": "30"}, Fault.NOBODY, 30.0, False, 1, id="throttled"),
        pytest.param(429, '{"retry_after": 3, "ok": false}', {}, Fault.NOBODY, 3.0, False, 1, id="told-in-the-body"),
        pytest.param(429, '{"retry_after": -3}', {}, Fault.NOBODY, 0.0, False, 1, id="negative-in-the-body"),
        pytest.param(429, '{"retry_after": 1e999}', {}, Fault.NOBODY, 1e10, False, 1, id="for-ever-in-the-body"),
        pytest.param(429, "[]", {}, Fault.NOBODY, None, False, 1, id="throttled-without-a-wait"),
        pytest.param(500, "", {}, Fault.DESTINATION, None, True, 1, id="server-error"),
        pytest.param(503, "", {}, Fault.DESTINATION, None, True, 1, id="unavailable"),
        pytest.param(503, "", {"Retry_After": "5"}, Fault.NOBODY, 5.0, True, 1, id="busy-for-a-while"),
        pytest.param(302, "", {"Location": "/login"}, Fault.DESTINATION, None, False, 1, id="redirect"),
        pytest.param(200, "<html>sign in</html>", {}, Fault.DESTINATION, None, True, 1, id="a-page-of-a-proxy"),
        pytest.param(200, "", {}, Fault.DESTINATION, None, True, 1, id="empty"),
    ],
)
async def test_an_answer_says_whose_failure_it_is(
    http: aiohttp.ClientSession,
    receiver: Receiver,
    status: int,
    body: str,
    headers: dict[str, str],
    fault: Fault,
    after: float | None,
    ambiguous: bool,
    requests: int,
) -> None:
    receiver.answer(status, body.encode(), **headers)

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(BATCH)

    error = caught.value
    assert (error.fault, error.after, error.ambiguous) == (fault, after, ambiguous)
    assert len(receiver.received) == requests
    assert str(status) in str(error)


async def test_a_code_is_told_with_what_to_do(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(404, b"no_service")

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(BATCH)

    assert str(caught.value) == "Slack answered 404 no_service (the webhook was revoked: make a new one)"


async def test_an_answer_that_repeats_the_address_is_not_repeated(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer(404, f"The requested URL {receiver.url} was not found".encode())

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(BATCH)

    assert str(caught.value) == "Slack answered 404 (check the webhook's URL)"


async def test_an_ok_that_was_not_read_in_time_may_have_been_one() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await reader.read()

    async with raw(slow) as url, open_http(total=0.3) as http:
        with pytest.raises(DeliveryError) as caught:
            await slack(http, url).send(BATCH)

    assert (caught.value.fault, caught.value.ambiguous) == (Fault.DESTINATION, True)


def test_a_channel_is_people_at_slacks_pace(http: aiohttp.ClientSession) -> None:
    policy = slack(http, "https://hooks.slack.com/services/T/B/x").policy

    assert (policy.kind, policy.people, policy.rate, policy.best_cooldown) == ("slack_webhook", True, 1.0, 300.0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("mention", "everybody", id="nobody-to-mention"),
        pytest.param("url", "hooks.slack.com/services/sEcReT", id="no-address"),
        pytest.param("rate", "-1", id="negative-rate"),
        pytest.param("secret", "x", id="a-setting-of-another-kind"),
    ],
)
def test_wrong_settings_are_refused_without_repeating_them(variable: str, value: str) -> None:
    given = {"url": "https://hooks.slack.com/services/sEcReT", variable: value}

    with pytest.raises(ValidationError) as caught:
        SlackWebhookSettings.model_validate(given)

    assert [error["loc"] for error in caught.value.errors()] == [(variable,)]
    assert "sEcReT" not in str(caught.value)
