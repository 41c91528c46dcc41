"""Slack's Web API: what is asked of it, what its answers mean, and that no secret is told."""

import json
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from notifier.delivery.slack import Slack, SlackSettings
from notifier.errors import CardLost, DeliveryError, Fault
from notifier.model import Batch, Event, EventType, Face, Posted, Status
from notifier.simulator.inbox import Inbox
from notifier.simulator.loopback import serving
from notifier.simulator.workspace import API_PATH, CHANNEL, TOKEN, Workspace
from tests.delivery.receiver import Receiver
from tests.examples import NOON, best, ended, new_best, started, tuning_job
from tests.store.looks import notice

FACE = Face(tuning_job(best=best()), NOON)
AT = Posted("C0ELSEWHERE", "1700000000.000100")


def slack(http: aiohttp.ClientSession, url: str, channel: str = CHANNEL, **settings: Any) -> Slack:
    chosen = SlackSettings(token=SecretStr(TOKEN), channel=channel, url=url, **settings)
    return Slack("team", chosen, http)


def said(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in receiver.received]


async def test_a_card_is_posted_into_the_channel_and_says_where_it_stands(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer(200, b'{"ok": true, "channel": "C0TOLD", "ts": "1.2"}')

    posted = await slack(http, receiver.url, "#tuning-jobs").open(FACE)

    assert posted == Posted("C0TOLD", "1.2")
    (request,) = receiver.received
    assert request.path.endswith("/chat.postMessage")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    (payload,) = said(receiver)
    assert payload.keys() == {"channel", "text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert payload["channel"] == "#tuning-jobs"


@pytest.mark.parametrize("answer", [b'{"ok": true}', b'{"ok": true, "channel": 7, "ts": "1"}'])
async def test_a_card_that_stands_nowhere_may_stand_there(
    http: aiohttp.ClientSession, receiver: Receiver, answer: bytes
) -> None:
    receiver.answer(200, answer)

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).open(FACE)

    assert (caught.value.fault, caught.value.ambiguous) == (Fault.DESTINATION, True)


async def test_an_edit_goes_where_the_card_stands(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(200, b'{"ok": true}')

    await slack(http, receiver.url).edit(AT, FACE)

    assert receiver.received[0].path.endswith("/chat.update")
    (payload,) = said(receiver)
    assert (payload["channel"], payload["ts"]) == (AT.channel, AT.ts)
    assert "thread_ts" not in payload


@pytest.mark.parametrize(
    ("event", "broadcast"),
    [
        pytest.param(started(), False, id="started"),
        pytest.param(new_best(best()), False, id="new-best"),
        pytest.param(ended(), True, id="completed"),
        pytest.param(ended(status=Status.FAILED), True, id="failed"),
        pytest.param(ended(status=Status.STOPPING), False, id="stopping"),
        pytest.param(Event("gone", EventType.DELETED, NOON, tuning_job()), True, id="deleted"),
    ],
)
async def test_a_reply_goes_under_the_card_and_an_ending_into_the_channel_too(
    http: aiohttp.ClientSession, receiver: Receiver, event: Event, broadcast: bool
) -> None:
    receiver.answer(200, b'{"ok": true}')

    await slack(http, receiver.url).reply(AT, Batch((event,)))

    (payload,) = said(receiver)
    assert (payload["channel"], payload["thread_ts"]) == (AT.channel, AT.ts)
    assert payload.get("reply_broadcast", False) is broadcast


async def test_refused_blocks_are_sent_plainer_and_an_edit_takes_the_old_ones_away(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answers = [(200, {}, b'{"ok": false, "error": "invalid_blocks"}'), (200, {}, b'{"ok": true}')]

    await slack(http, receiver.url).edit(AT, FACE)

    first, second = said(receiver)
    assert first["blocks"] and second["blocks"] == []
    assert second["text"].startswith("⏳ xgb-churn: in progress, best so far 0.9\n")


def cases() -> list[Any]:
    """What Slack may answer: (status, error, headers), then the fault, the wait, and whether it may have arrived."""
    message = ("invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_attachments")
    destination = (
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"),
        *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "no_permission", "something_new"),
    )
    later = ("ratelimited", "rate_limited", "service_unavailable", "request_timeout")
    return [
        *(pytest.param(200, code, {}, Fault.MESSAGE, None, False, id=code) for code in message),
        *(pytest.param(200, code, {}, Fault.DESTINATION, None, False, id=code) for code in destination),
        *(pytest.param(200, code, {}, Fault.NOBODY, None, False, id=code) for code in later),
        *(
            pytest.param(200, code, {}, Fault.DESTINATION, None, True, id=code)
            for code in ("fatal_error", "internal_error")
        ),
        pytest.param(429, "ratelimited", {"Retry_After": "30"}, Fault.NOBODY, 30.0, False, id="throttled"),
        pytest.param(429, "", {"Retry_After": "30"}, Fault.NOBODY, 30.0, False, id="throttled-without-a-word"),
        pytest.param(503, "", {"Retry_After": "5"}, Fault.NOBODY, 5.0, True, id="busy-for-a-while"),
        pytest.param(500, "", {}, Fault.DESTINATION, None, True, id="server-error"),
        pytest.param(302, "", {"Location": "/login"}, Fault.DESTINATION, None, False, id="redirect"),
        pytest.param(200, "", {}, Fault.DESTINATION, None, True, id="neither-yes-nor-no"),
    ]


@pytest.mark.parametrize(("status", "error", "headers", "fault", "after", "ambiguous"), cases())
async def test_an_answer_says_whose_failure_it_is(
    http: aiohttp.ClientSession,
    receiver: Receiver,
    status: int,
    error: str,
    headers: dict[str, str],
    fault: Fault,
    after: float | None,
    ambiguous: bool,
) -> None:
    receiver.answer(status, json.dumps({"ok": False, "error": error} if error else {}).encode(), **headers)

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).reply(AT, Batch((started(),)))

    failure = caught.value
    assert (failure.fault, failure.after, failure.ambiguous) == (fault, after, ambiguous)
    assert str(failure).startswith(f"Slack answered {error or status}")
    assert len(receiver.received) == (2 if fault is Fault.MESSAGE else 1)


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"[]", b'{"ok": "yes"}', b"[" * 100_000])
async def test_what_is_not_slacks_answer_may_hide_one(
    http: aiohttp.ClientSession, receiver: Receiver, body: bytes
) -> None:
    receiver.answer(200, body)

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(Batch((notice(),)))

    assert (caught.value.fault, caught.value.ambiguous) == (Fault.DESTINATION, True)
    assert str(caught.value) == "Slack answered 200"


@pytest.mark.parametrize(
    "error",
    ["message_not_found", "edit_window_closed", "cant_update_message", "thread_not_found", "cannot_reply_to_message"],
)
async def test_a_card_that_is_lost_is_no_failure_of_the_destination(
    http: aiohttp.ClientSession, receiver: Receiver, error: str
) -> None:
    receiver.answer(200, json.dumps({"ok": False, "error": error}).encode())

    with pytest.raises(CardLost):
        await slack(http, receiver.url).edit(AT, FACE)
    with pytest.raises(CardLost):
        await slack(http, receiver.url).reply(AT, Batch((started(),)))
    with pytest.raises(DeliveryError):
        await slack(http, receiver.url).send(Batch((notice(),)))
    with pytest.raises(DeliveryError):
        await slack(http, receiver.url).open(FACE)


async def test_what_is_missing_is_told_with_what_to_do(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(200, b'{"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "identify"}')

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(Batch((notice(),)))

    told = "Slack answered missing_scope (give the app the scope chat:write, and install it again)"
    assert str(caught.value) == told


async def test_an_answer_that_repeats_the_token_is_not_repeated(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer(200, json.dumps({"ok": False, "error": TOKEN, "needed": TOKEN}).encode())

    with pytest.raises(DeliveryError) as caught:
        await slack(http, receiver.url).send(Batch((notice(),)))

    assert str(caught.value) == "Slack answered 200"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, "the token is notifier's in Simulated; the channel is tried with --send", id="all-is-well"),
        pytest.param({"charts": False}, "it takes no charts, so that a line of text stands for them", id="no-charts"),
        pytest.param({"blocks": False}, "it takes none of our blocks, so that messages are plain text", id="no-blocks"),
    ],
)
async def test_the_check_says_what_slack_takes(http: aiohttp.ClientSession, changes: dict[str, Any], told: str) -> None:
    workspace = Workspace(**changes)
    async with serving(Inbox(workspace=workspace).app(), "127.0.0.1") as address:
        assert told in await slack(http, address + API_PATH).probe()

    assert workspace.posts == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"token": "another"}, "Slack answered invalid_auth (the token is wrong or revoked", id="token"),
        pytest.param({"scopes": "users:read"}, "the app has no scope chat:write", id="scope"),
    ],
)
async def test_the_check_says_what_is_missing(http: aiohttp.ClientSession, changes: dict[str, Any], told: str) -> None:
    async with serving(Inbox(workspace=Workspace(**changes)).app(), "127.0.0.1") as address:
        with pytest.raises(DeliveryError, match=told.replace("(", r"\(")):
            await slack(http, address + API_PATH).probe()


def test_a_bot_is_people_at_slacks_pace_and_its_home_is_the_channel(http: aiohttp.ClientSession) -> None:
    url = "https://slack.com/api/"
    one, other = slack(http, url), slack(http, url, "C0OTHER123")

    assert one.policy.people and one.policy.rate == 1.0 and one.policy.kind == "slack"
    assert one.home != other.home and one.policy.fingerprint != other.policy.fingerprint
    assert TOKEN not in one.home + one.policy.fingerprint
