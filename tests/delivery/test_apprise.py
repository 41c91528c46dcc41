"""Apprise's services: what becomes of a message, whose failure another is, and that nothing keeps us from the end."""

import asyncio
import email
import email.policy
import json
import logging
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from notifier.delivery.apprise import MOST_HANGING, AppriseDestination, AppriseSettings
from notifier.delivery.apprise_service import Service
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch, Status
from notifier.rendering.apprise import Shape
from notifier.rendering.markup import Markup
from tests.delivery.front import Front, MailServer, fronting, mailing
from tests.delivery.receiver import Receiver, raw, request_read
from tests.examples import best, ended, new_best, tuning_job

BATCH = Batch((new_best(best()),))
DIGEST = Batch(tuple(ended(tuning_job(f"job-{number:02d}-of-the-long-night", best=best())) for number in range(25)))
FAILED = Batch((ended(tuning_job(best=best(), failure_reason="ClientError: ask @everyone"), Status.FAILED),))
DISCORD = "discord://123456789012345678/sEcReTtOkEnOfAHundredLetters0123456789"
PAGERDUTY = "pagerduty://0123456789abcdef0123456789abcdef@sEcReTkEy01/sagemaker/tuning"
TELEGRAM = "tgram://123456789:sEcReT_tOkEnOfABot/12345"
TEAMS = (
    "https://prod-1.westus.logic.azure.com:443/workflows/643a03b3a7b442448bf67b2a4d0d0e55/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=sEcReTsIgNaTuRe0123456789"
)
MARK = re.compile("sEcReT", re.IGNORECASE)


def destination(url: str, deadline: float = 20.0) -> AppriseDestination:
    return AppriseDestination("ops", AppriseSettings.model_validate({"url": url}), deadline=deadline)


def json_url(receiver: Receiver) -> str:
    """A service of Apprise's that posts JSON, to a receiver on loopback."""
    return receiver.url.replace("http://", "json://")


async def failure(service: AppriseDestination, batch: Batch = BATCH) -> DeliveryError:
    """The error that a send raises, which tells nothing of the URL."""
    with pytest.raises(DeliveryError) as caught:
        await service.send(batch)
    assert not MARK.search(str(caught.value))
    assert caught.value.__cause__ is None
    return caught.value


async def delivered(service: AppriseDestination) -> bool:
    """Whether a send goes through."""
    try:
        await service.send(BATCH)
    except DeliveryError:
        return False
    return True


@pytest.fixture
async def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    async with fronting(tmp_path) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with mailing() as running:
        yield running


def mailto(server: MailServer, more: str = "") -> str:
    return f"mailto://127.0.0.1:{server.port}?from=notifier@example.com&to=team@example.com&mode=insecure{more}"


def payloads(front: Front) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in front.received]


async def test_a_discord_message_is_markdown_that_mentions_nobody_and_looks_like_nobody_else(front: Front) -> None:
    await destination(DISCORD).send(FAILED)

    (payload,) = payloads(front)
    assert front.received[0][0] == "discord.com"
    assert payload.keys() == {"tts", "wait", "content"}
    assert payload["content"].startswith("**❌ xgb-churn: failed, best 0.9**\n\n")
    assert "> ClientError: ask @\u200beveryone\n" in payload["content"]


async def test_a_pager_gets_one_critical_event_for_a_failure_and_none_more_than_informed_for_a_success(
    front: Front,
) -> None:
    pager = destination(PAGERDUTY)

    await pager.send(FAILED)
    await pager.send(Batch((ended(),)))

    first, second = payloads(front)
    assert first["payload"].pop("summary").startswith("❌ xgb-churn: failed, best 0.9\n")
    assert first == {
        "routing_key": "0123456789abcdef0123456789abcdef",
        "payload": {"severity": "critical", "source": "sagemaker", "component": "tuning"},
        "client": "notifier",
        "event_action": "trigger",
    }
    assert second["payload"]["severity"] == "info"


async def test_telegram_gets_html_of_its_own_few_tags(front: Front) -> None:
    await destination(TELEGRAM).send(FAILED)

    (payload,) = payloads(front)
    assert payload["parse_mode"] == "HTML"
    assert payload["text"].startswith("<b>❌ xgb-churn: failed, best 0.9</b>")
    assert "<blockquote>ClientError: ask @\u200beveryone</blockquote>" in payload["text"]
    assert set(re.findall(r"</?(\w+)", payload["text"])) == {"b", "blockquote", "pre", "a"}


async def test_teams_gets_a_card_without_mentions_and_a_long_digest_in_two(front: Front) -> None:
    await destination(TEAMS).send(FAILED)
    await destination(TEAMS).send(DIGEST)

    cards = [each["attachments"][0]["content"] for each in payloads(front)]
    texts = [[block["text"] for block in card["body"]] for card in cards]
    assert [each[0] for each in texts][:2] == [
        "❌ xgb-churn: failed, best 0.9",
        "✅ 25 tuning jobs ended: 25 completed",
    ]
    assert all(card["msteams"] == {"width": "full"} for card in cards)
    assert "".join(body for _, body in texts).count("- ✅ job-") == 25


async def test_an_email_has_the_headline_as_its_subject_and_says_the_same_as_html_and_as_text(mail: MailServer) -> None:
    await destination(mailto(mail)).send(FAILED)

    message = email.message_from_bytes(mail.mails[0], policy=email.policy.default)
    assert message["subject"] == "❌ xgb-churn: failed, best 0.9"
    assert message["from"] == "notifier@example.com"
    bodies = [message.get_body((kind,)) for kind in ("html", "plain")]
    html, text = (each.get_content() for each in bodies if each)
    assert "ClientError: ask @\u200beveryone</blockquote>" in html
    assert "ClientError: ask @\u200beveryone" in text.splitlines()[1]
    assert '{"eta": 0.3, "max_depth": 6}' in text


@pytest.mark.parametrize(
    ("status", "body", "fault", "ambiguous", "told"),
    [
        pytest.param(400, b"", Fault.DESTINATION, False, "JSON answered 400", id="refused"),
        pytest.param(401, b"", Fault.DESTINATION, False, "the credentials in it are not accepted", id="unknown"),
        pytest.param(404, b'{"e": "no\\nchat"}', Fault.DESTINATION, False, ': {"e": "no\\nchat"}', id="not-there"),
        pytest.param(410, b"", Fault.GONE, False, "gone: set another", id="gone"),
        pytest.param(413, b"", Fault.MESSAGE, False, "JSON answered 413", id="too-large"),
        pytest.param(429, b"", Fault.NOBODY, False, "JSON answered 429", id="throttled"),
        pytest.param(302, b"", Fault.DESTINATION, False, "redirects are not followed", id="redirect"),
        pytest.param(500, b"", Fault.DESTINATION, True, "JSON answered 500", id="server-error"),
        pytest.param(503, b"", Fault.DESTINATION, True, "JSON answered 503", id="unavailable"),
    ],
)
async def test_an_answer_says_whose_failure_it_is(
    receiver: Receiver, status: int, body: bytes, fault: Fault, ambiguous: bool, told: str
) -> None:
    receiver.answer(status, body, Location="/elsewhere")

    error = await failure(destination(json_url(receiver)))

    assert (error.fault, error.ambiguous) == (fault, ambiguous)
    assert told in str(error)
    assert [each.path for each in receiver.received] == ["/services/T0123456/B0123456/sEcReTtOkEn"]


async def test_an_answer_that_repeats_a_part_of_the_url_is_not_repeated(receiver: Receiver) -> None:
    receiver.answer(404, f"there is nothing at {receiver.url}".encode())

    assert str(await failure(destination(json_url(receiver)))).endswith("what it names is not there)")


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_where_the_markup_may_be_what_is_refused_plain_text_is_tried(front: Front, status: int) -> None:
    front.answers = [(status, b"{}"), (200, b'{"ok": true}')]

    await destination(TELEGRAM).send(FAILED)

    first, second = payloads(front)
    assert "<blockquote>" in first["text"]
    assert "| ClientError: ask @\u200beveryone" in second["text"]


async def test_a_refusal_of_plain_text_too_is_the_destinations_until_others_go_through(front: Front) -> None:
    front.answers = [(400, b'{"ok": false, "description": "Bad Request: chat not found"}')]

    error = await failure(destination(TELEGRAM))

    assert (error.fault, error.ambiguous) == (Fault.DESTINATION, False)
    assert "chat not found" in str(error)
    assert len(front.received) == 2


async def test_what_arrived_in_part_may_have_arrived(front: Front) -> None:
    front.answers = [(200, b"{}"), (404, b"{}")]

    error = await failure(destination(PAGERDUTY), DIGEST)

    assert (error.fault, error.ambiguous, len(front.received)) == (Fault.DESTINATION, True, 2)


async def test_several_recipients_that_answer_differently_hold_the_destination_and_do_not_end_it(front: Front) -> None:
    front.answers = [(500, b"{}"), (410, b"{}")]

    error = await failure(destination(f"{TELEGRAM}/67890"))

    assert (error.fault, error.ambiguous, len(front.received)) == (Fault.DESTINATION, True, 2)


async def test_where_one_of_several_got_it_the_others_refusal_may_be_a_delivery_and_nothing_is_sent_again(
    front: Front,
) -> None:
    front.answers = [(200, b"{}"), (400, b"{}")]

    error = await failure(destination(f"{TELEGRAM}/67890"))

    assert (error.fault, error.ambiguous, len(front.received)) == (Fault.DESTINATION, True, 2)


async def test_a_success_without_the_word_for_it_may_be_a_delivery(front: Front) -> None:
    front.answers = [(200, b"<html>sign in</html>")]

    error = await failure(destination("slack://T0123456789/B0123456789/sEcReTtOkEnOfATeam012345"))

    assert (error.fault, error.ambiguous) == (Fault.DESTINATION, True)
    assert "Slack answered 200" in str(error)


async def test_what_a_plugin_escapes_beyond_the_limit_is_split_and_not_lost(front: Front) -> None:
    reason = ":a: " * 370

    await destination(DISCORD).send(Batch((ended(tuning_job(failure_reason=reason), Status.FAILED),)))

    contents = [each["content"] for each in payloads(front)]
    assert max(map(len, contents)) <= 2000
    assert len(contents) == 2
    assert "".join(contents).count("\\:a:") == 370


@pytest.mark.parametrize(
    ("command", "reply", "told"),
    [
        pytest.param("AUTH", "535 5.7.8 no", "535 (check its URL: user and password are not accepted)", id="login"),
        pytest.param("RCPT", "550 5.1.1 unknown", "550", id="recipient"),
        pytest.param("MAIL", "451 later", "451", id="later"),
    ],
)
async def test_a_mail_that_a_server_refuses_has_not_arrived(
    mail: MailServer, command: str, reply: str, told: str
) -> None:
    mail.refusals[command] = reply

    error = await failure(destination(mailto(mail, "&user=me&pass=sEcReTpAsS" if command == "AUTH" else "")))

    assert str(error) == f"E-Mail: the server answered {told}"
    assert (error.fault, error.ambiguous, mail.mails) == (Fault.DESTINATION, False, [])


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("json://127.0.0.1:1/sEcReTtOkEn", "JSON: no connection", id="nobody-listens"),
        pytest.param("json://nowhere.invalid/sEcReTtOkEn", "JSON: its host name is not found", id="no-such-host"),
        pytest.param(
            "mailto://127.0.0.1:1?from=notifier@example.com&to=team@example.com&mode=insecure",
            "E-Mail: no connection",
            id="no-mail",
        ),
    ],
)
async def test_what_was_never_reached_has_not_arrived(url: str, told: str) -> None:
    error = await failure(destination(url))

    assert (str(error), error.fault, error.ambiguous) == (told, Fault.DESTINATION, False)


async def test_a_certificate_that_nobody_vouches_for_is_said_to_be_that(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    error = await failure(destination(DISCORD))

    assert (str(error), error.ambiguous) == ("Discord: its certificate is not trusted", False)


async def test_a_connection_that_breaks_after_the_request_may_have_delivered_it() -> None:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await request_read(reader)

    async with raw(talk) as url:
        error = await failure(destination(url.replace("http:", "json:")))

    assert (str(error), error.ambiguous) == ("JSON: the connection broke", True)


async def test_a_message_that_speaks_of_errors_is_not_taken_for_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await request_read(reader)

    reason = "Failed, error=410. Socket Exception: Connection refused"
    async with raw(talk) as url:
        service = destination(url.replace("http:", "json:"))
        error = await failure(service, Batch((ended(tuning_job(failure_reason=reason), Status.FAILED),)))

    assert (str(error), error.fault, error.ambiguous) == ("JSON: the connection broke", Fault.DESTINATION, True)


async def test_an_answer_that_does_not_come_may_be_a_delivery() -> None:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(talk) as url:
        error = await failure(destination(f"{url.replace('http:', 'json:')}?rto=0.1"))

    assert (str(error), error.ambiguous) == ("JSON: no answer in time", True)


async def test_sends_that_hang_are_given_up_are_few_and_are_begun_again_once_they_end() -> None:
    release = asyncio.Event()
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await request_read(reader)
        requests += 1
        await release.wait()
        writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with raw(talk) as url:
        service = destination(f"{url.replace('http:', 'json:')}?rto=600", deadline=0.2)
        errors = [await failure(service) for _ in range(MOST_HANGING)]
        refused = await failure(service)

        assert [(str(each), each.ambiguous) for each in errors] == [("no answer in time", True)] * MOST_HANGING
        assert (str(refused), refused.ambiguous) == ("4 earlier sends still hang", False)
        assert requests == MOST_HANGING

        release.set()
        async with asyncio.timeout(10):
            while not await delivered(service):  # noqa: ASYNC110 - the threads end by themselves
                await asyncio.sleep(0.01)


async def test_of_a_digest_that_is_given_up_the_rest_is_not_sent_any_more(front: Front) -> None:
    release = asyncio.Event()
    front.release = release
    teams = destination(TEAMS, deadline=0.5)

    error = await failure(teams, DIGEST)
    release.set()
    async with asyncio.timeout(20):
        while not await delivered(teams):  # noqa: ASYNC110 - the thread ends by itself
            await asyncio.sleep(0.01)
        while [each for each in threading.enumerate() if each.name == "send to ops"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert error.ambiguous
    titles = [each["attachments"][0]["content"]["body"][0]["text"] for each in payloads(front)]
    assert titles == ["✅ 25 tuning jobs ended: 25 completed", "🏆 xgb-churn: new best 0.9"]


async def test_a_plugin_that_fails_in_a_way_of_its_own_is_told_by_its_kind_alone(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = destination(json_url(receiver))
    # What requests says of this, the plugin does not expect.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/sEcReT")
    secure = destination(json_url(receiver).replace("json:", "jsons:"))

    error = await failure(secure)

    assert (str(error), error.fault, error.ambiguous) == ("JSON: Apprise failed (OSError)", Fault.DESTINATION, True)
    assert await delivered(service)


async def test_a_send_that_waits_for_another_is_not_begun_and_has_not_arrived(receiver: Receiver) -> None:
    service = destination(json_url(receiver), deadline=0.05)

    async with service._turn:
        error = await failure(service)

    assert (str(error), error.ambiguous, receiver.received) == ("no answer in time", False, [])


async def test_a_send_that_is_cut_off_goes_on_in_a_thread_that_nobody_waits_for() -> None:
    arrived = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await request_read(reader)
        arrived.set()
        await reader.read()

    async with raw(talk) as url:
        service = destination(f"{url.replace('http:', 'json:')}?rto=600")
        sending = asyncio.create_task(service.send(BATCH))
        async with asyncio.timeout(20):
            await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        assert [each.daemon for each in threading.enumerate() if each.name == "send to ops"] == [True]


class Root(logging.Handler):
    """What reaches the root of all logs."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


async def test_nothing_that_apprise_logs_comes_into_the_log(
    front: Front, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_read(reader)
        writer.write(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\nthis is no header\r\n\r\n")
        await writer.drain()

    root = Root()
    front.answers = [(404, b"{}")]
    receiver.answer(404)

    logging.getLogger().addHandler(root)
    try:
        for url in (DISCORD, PAGERDUTY, TELEGRAM, TEAMS, json_url(receiver)):
            await failure(destination(url))
        async with raw(talk) as url:
            await failure(destination(url.replace("http:", "json:")))
    finally:
        logging.getLogger().removeHandler(root)

    told = [f"{each.name} {each.getMessage()}" for each in root.records if each.levelno >= logging.WARNING]
    assert [each for each in told if each.startswith("apprise") or MARK.search(each)] == []
    assert not MARK.search("".join(capfd.readouterr()))


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        pytest.param(DISCORD, Shape(Markup.MARKDOWN, 2000), id="discord"),
        pytest.param(f"{DISCORD}?format=text", Shape(Markup.TEXT, 2000), id="discord-as-text"),
        pytest.param("mmost://h.example/sEcReTtOkEn0123456789abcd", Shape(Markup.MARKDOWN, 4000), id="mattermost"),
        pytest.param(TEAMS, Shape(Markup.MARKDOWN, 1000, 250), id="teams"),
        pytest.param(TELEGRAM, Shape(Markup.HTML, 4096), id="telegram"),
        pytest.param("mailto://me:x@h.example?to=a@h.example", Shape(Markup.HTML, 32768, 250), id="email"),
        pytest.param("mailto://me:x@h.example?to=a@h.example&format=text", Shape(Markup.TEXT, 32768, 250), id="plain"),
        pytest.param(PAGERDUTY, Shape(Markup.TEXT, 1024), id="pagerduty"),
    ],
)
def test_a_message_takes_the_shape_that_its_service_prefers_or_its_url_asks_for(url: str, shape: Shape) -> None:
    assert Service(url).shape == shape


async def test_a_probe_names_the_service_and_says_nothing_to_it(receiver: Receiver) -> None:
    assert (
        await destination(json_url(receiver)).probe() == "JSON, by its URL; only --send shows whether it takes messages"
    )
    assert receiver.received == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("config://sEcReT", "is no URL of a service that Apprise knows", id="a-configuration"),
        pytest.param("file:///etc/sEcReT", "is no URL of a service that Apprise knows", id="a-file"),
        pytest.param("https://example.com/sEcReT", "is no URL of a service that Apprise knows", id="a-page"),
        pytest.param("sEcReT", "is no URL of a service that Apprise knows", id="no-url"),
        pytest.param("discord://sEcReT", "is not a whole URL of Discord: https://appriseit.com/", id="half-a-url"),
        pytest.param("windows://sEcReT", "cannot be used on this machine", id="not-here"),
    ],
)
def test_what_is_no_service_is_refused_without_being_repeated(url: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AppriseSettings.model_validate({"url": url})

    (error,) = caught.value.errors(include_input=False, include_url=False, include_context=False)
    assert told in error["msg"]
    assert not MARK.search(error["msg"])
