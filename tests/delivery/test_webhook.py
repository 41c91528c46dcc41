"""A webhook for programs, read by the reference libraries of both communities."""

import base64
import json
from datetime import UTC, datetime

import aiohttp
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from pydantic import ValidationError
from standardwebhooks import Webhook as Reference
from standardwebhooks import WebhookVerificationError

from notifier.delivery import KINDS
from notifier.delivery.webhook import Webhook, WebhookSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from tests.delivery.receiver import Receiver
from tests.examples import ended, started

OLD = "whsec_" + base64.b64encode(b"old " * 8).decode()
NEW = "whsec_" + base64.b64encode(b"new " * 8).decode()
EVENT = ended()
BATCH = Batch((EVENT,))


def webhook(http: aiohttp.ClientSession, url: str, secret: str | None = NEW) -> Webhook:
    given = {"url": url} if secret is None else {"url": url, "secret": secret}
    return Webhook("programs", WebhookSettings.model_validate(given), http)


async def test_the_reference_libraries_read_and_verify_it(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    receiver.answer(204)

    await webhook(http, receiver.url).send(BATCH)

    (request,) = receiver.received
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-id"] == EVENT.id
    Reference(NEW).verify(request.body, request.headers)
    event = from_structured_event(HTTPMessage(request.headers, request.body), JSONFormat())
    assert event.get_id() == EVENT.id
    assert event.get_type() == "tuning_job.status_changed"


@pytest.mark.parametrize(
    "secrets", [pytest.param(f"{NEW} {OLD}", id="by-a-space"), pytest.param(f"{NEW}, {OLD}", id="by-a-comma")]
)
async def test_while_secrets_rotate_either_verifies(
    http: aiohttp.ClientSession, receiver: Receiver, secrets: str
) -> None:
    await webhook(http, receiver.url, secrets).send(BATCH)

    (request,) = receiver.received
    assert request.headers["webhook-signature"].count("v1,") == 2
    for each in (OLD, NEW):
        assert Reference(each).verify(request.body, request.headers)["id"] == EVENT.id
    with pytest.raises(WebhookVerificationError):
        Reference("whsec_" + base64.b64encode(b"x" * 24).decode()).verify(request.body, request.headers)


async def test_without_a_secret_nothing_is_signed(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    await webhook(http, receiver.url, None).send(BATCH)

    (request,) = receiver.received
    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == EVENT.id


async def test_a_retry_keeps_its_id_and_body_and_signs_its_own_time(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    times = iter([1_769_860_800.9, 1_769_860_860.2])
    settings = WebhookSettings.model_validate({"url": receiver.url, "secret": NEW})
    destination = Webhook("programs", settings, http, clock=lambda: next(times))

    await destination.send(BATCH)
    await destination.send(Batch(BATCH.events, repeated=True))

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert [each.headers["webhook-timestamp"] for each in (first, second)] == ["1769860800", "1769860860"]
    moment = datetime.fromtimestamp(1_769_860_800, UTC)
    assert first.headers["webhook-signature"] == Reference(NEW).sign(EVENT.id, moment, first.body.decode())


@pytest.mark.parametrize(
    ("status", "headers", "fault", "after", "ambiguous"),
    [
        pytest.param(400, {}, Fault.MESSAGE, None, False, id="bad-request"),
        pytest.param(413, {}, Fault.MESSAGE, None, False, id="too-large"),
        pytest.param(415, {}, Fault.MESSAGE, None, False, id="media-type"),
        pytest.param(422, {}, Fault.MESSAGE, None, False, id="unprocessable"),
        pytest.param(410, {}, Fault.GONE, None, False, id="gone"),
        pytest.param(429, {"Retry_After": "7"}, Fault.NOBODY, 7.0, False, id="throttled"),
        pytest.param(429, {"Retry_After": "-7"}, Fault.NOBODY, 0.0, False, id="throttled-negative"),
        pytest.param(429, {"Retry_After": "1000000000"}, Fault.NOBODY, 1e9, False, id="throttled-for-ever"),
        pytest.param(429, {}, Fault.NOBODY, None, False, id="throttled-without-a-wait"),
        pytest.param(503, {"Retry_After": "30"}, Fault.NOBODY, 30.0, True, id="busy-for-a-while"),
        pytest.param(503, {}, Fault.DESTINATION, None, True, id="unavailable"),
        pytest.param(500, {}, Fault.DESTINATION, None, True, id="server-error"),
        pytest.param(502, {"Retry_After": "9"}, Fault.DESTINATION, 9.0, True, id="gateway-with-a-wait"),
        pytest.param(504, {}, Fault.DESTINATION, None, True, id="gateway-timeout"),
        pytest.param(401, {}, Fault.DESTINATION, None, False, id="unauthorized"),
        pytest.param(404, {}, Fault.DESTINATION, None, False, id="not-found"),
        pytest.param(409, {}, Fault.DESTINATION, None, False, id="conflict"),
        pytest.param(301, {"Location": "http://127.0.0.1:1/"}, Fault.DESTINATION, None, False, id="redirect"),
        pytest.param(304, {}, Fault.DESTINATION, None, False, id="not-modified"),
    ],
)
async def test_an_answer_says_whose_failure_it_is(
    http: aiohttp.ClientSession,
    receiver: Receiver,
    status: int,
    headers: dict[str, str],
    fault: Fault,
    after: float | None,
    ambiguous: bool,
) -> None:
    receiver.answer(status, b"", **headers)

    with pytest.raises(DeliveryError) as caught:
        await webhook(http, receiver.url).send(BATCH)

    error = caught.value
    assert (error.fault, error.after, error.ambiguous) == (fault, after, ambiguous)
    assert str(error).startswith(f"it answered {status}")
    assert receiver.url not in str(error)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success(http: aiohttp.ClientSession, receiver: Receiver, status: int) -> None:
    receiver.answer(status)

    await webhook(http, receiver.url).send(BATCH)

    assert json.loads(receiver.received[0].body)["id"] == EVENT.id


async def test_a_refusal_repeats_the_receivers_advice_but_no_secret(
    http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    destination = webhook(http, receiver.url)

    receiver.answer(400, b"data.tuning_job: unknown member")
    with pytest.raises(DeliveryError, match=r"^it answered 400: data\.tuning_job: unknown member$"):
        await destination.send(BATCH)
    receiver.answer(400, f"cannot POST {receiver.url}, wanted {NEW}".encode())
    with pytest.raises(DeliveryError, match=r"^it answered 400$"):
        await destination.send(BATCH)


async def test_a_request_carries_exactly_one_event(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="too many values"):
        await webhook(http, receiver.url).send(Batch((EVENT, started())))

    assert receiver.received == []


def test_programs_get_every_event_and_no_digests(http: aiohttp.ClientSession) -> None:
    policy = webhook(http, "https://h.example/hidden").policy

    assert (policy.name, policy.kind, policy.people, policy.rate) == ("programs", "webhook", False, 0.0)


def test_a_changed_address_or_secret_changes_the_fingerprint(http: aiohttp.ClientSession) -> None:
    prints = {
        webhook(http, url, secret).policy.fingerprint
        for url in ("https://h.example/a", "https://h.example/b")
        for secret in (None, OLD, NEW)
    }

    assert len(prints) == 6


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="empty"),
        pytest.param("sEcReT", id="no-prefix"),
        pytest.param(base64.b64encode(b"sEcReT" * 5).decode(), id="base64-without-the-prefix"),
        pytest.param("whsec_sEcReT*", id="not-base64"),
        pytest.param("whsec_" + base64.b64encode(b"x" * 23).decode(), id="too-short"),
        pytest.param("whsec_" + base64.b64encode(b"x" * 65).decode(), id="too-long"),
        pytest.param(f"{NEW} whsec_short", id="the-second-of-two"),
    ],
)
def test_a_wrong_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate({"url": "https://h.example/", "secret": secret})

    assert not secret or secret not in str(caught.value)
    assert "whsec_" in str(caught.value)


async def test_a_probe_posts_nothing(http: aiohttp.ClientSession, receiver: Receiver) -> None:
    assert await webhook(http, receiver.url).probe() == "reached, without TLS"
    assert receiver.received == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_built_from_its_own_settings(http: aiohttp.ClientSession, kind: str) -> None:
    bot = {"token": "xoxb-keep-it-hidden", "channel": "#a"}
    service = {"url": "json://h.example/hidden"}
    given = {"console": {}, "slack": bot, "apprise": service}.get(kind, {"url": "https://h.example/hidden"})
    settings = KINDS[kind].settings.model_validate({"kind": kind, **given})

    destination = KINDS[kind].build("mine", settings, http)

    assert (destination.policy.name, destination.policy.kind) == ("mine", kind)
    assert "hidden" not in repr(settings)
    with pytest.raises(ValidationError):
        KINDS[kind].settings.model_validate({"kind": "another", **given})
