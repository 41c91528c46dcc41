"""The inbox over HTTP: takes what Slack and CloudEvents receivers take, and shows hostile text as text."""

import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from notifier.errors import AddressUnusable
from notifier.simulator import inbox as inbox_module
from notifier.simulator.inbox import HOOK_PATH, SLACK_PATH, Inbox
from notifier.simulator.loopback import serving
from notifier.simulator.service import webhook_secret

HOSTILE = "</script><script>alert(1)</script> <img src=x onerror=alert(1)> <!channel> \u202e *bold* ${7*7} {{7*7}}"
EVENT = b'{"specversion": "1.0", "id": "1", "source": "urn:x", "type": "tuning_job.started", "subject": "sweep"}'


class Served:
    """An inbox at an address, and a client for it."""

    def __init__(self, inbox: Inbox, address: str, http: aiohttp.ClientSession) -> None:
        self.inbox, self.address, self._http = inbox, address, http

    async def post(self, path: str, *, json: Any = None, data: bytes | None = None, **headers: str) -> tuple[int, str]:
        async with self._http.post(self.address + path, json=json, data=data, headers=headers) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        async with self._http.get(self.address + path, headers=headers) as answer:
            await answer.read()
            return answer


@pytest.fixture
async def served(http: aiohttp.ClientSession) -> AsyncIterator[Served]:
    inbox = Inbox()
    async with serving(inbox.app(), "127.0.0.1") as address:
        yield Served(inbox, address, http)


async def test_a_slack_message_is_answered_ok_and_kept(served: Served) -> None:
    assert await served.post(SLACK_PATH, json={"text": "told"}) == (200, "ok")

    assert [message.body for message in served.inbox.messages] == [{"text": "told"}]


@pytest.mark.parametrize(
    ("path", "payload", "answer"),
    [
        pytest.param("/services/T1/B1/other", {"text": "told"}, (404, "no_service"), id="unknown-hook"),
        pytest.param(SLACK_PATH, {"text": ""}, (400, "no_text"), id="nothing-to-say"),
        pytest.param(SLACK_PATH, {"blocks": [{"type": "x"}]}, (400, "invalid_blocks"), id="unknown-block"),
    ],
)
async def test_a_message_that_slack_would_refuse_is_refused(
    served: Served, path: str, payload: dict[str, Any], answer: tuple[int, str]
) -> None:
    assert await served.post(path, json=payload) == answer
    assert (served.inbox.messages, served.inbox.refused) == ([], [answer[1]])


async def test_messages_faster_than_ordered_are_told_to_wait(served: Served) -> None:
    now = [100.0]
    served.inbox.rate, served.inbox.clock = 2.0, lambda: now[0]

    answers = []
    for moment in (100.0, 100.4, 100.5):
        now[0] = moment
        answers.append((await served.post(SLACK_PATH, json={"text": "told"}))[0])

    assert answers == [200, 429, 200]


async def test_a_signed_delivery_is_taken_and_a_forged_one_refused(served: Served) -> None:
    served.inbox.secret = secret = webhook_secret()
    moment = datetime.fromtimestamp(int(time.time()), UTC)
    signature = Webhook(secret).sign("1", moment, EVENT.decode())
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(moment.timestamp()))}

    genuine = await served.post(HOOK_PATH, data=EVENT, **headers, **{"webhook-signature": f"v1,forged {signature}"})
    forged = await served.post(HOOK_PATH, data=EVENT + b" ", **headers, **{"webhook-signature": signature})
    unsigned = await served.post(HOOK_PATH, data=EVENT, **headers)

    assert (genuine[0], forged[0], unsigned[0]) == (204, 401, 401)
    assert [(event.delivery_id, event.signed) for event in served.inbox.events] == [("1", True)]


@pytest.mark.parametrize("body", [pytest.param(b"<html>", id="not-json"), pytest.param(b"{}", id="no-event")])
async def test_what_is_no_cloudevent_is_refused(served: Served, body: bytes) -> None:
    assert await served.post(HOOK_PATH, data=body) == (400, "not a CloudEvent")


async def test_the_page_asks_for_what_is_new_only(served: Served) -> None:
    for text in ("one", "two", "three"):
        await served.post(SLACK_PATH, json={"text": text})

    rows = await (await served.get("/arrived?after=1")).json()
    everything = await (await served.get("/arrived?after=-1%27")).json()

    assert [(row["number"], row["kind"], row["body"]["text"]) for row in rows] == [
        (2, "slack", "two"),
        (3, "slack", "three"),
    ]
    assert len(everything) == 3


@pytest.mark.parametrize("path", ["/", "/inbox.css", "/inbox.js", "/arrived"])
async def test_hostile_text_is_data_on_an_inert_page(served: Served, path: str) -> None:
    await served.post(
        SLACK_PATH,
        json={"text": HOSTILE, "blocks": [{"type": "header", "text": {"type": "plain_text", "text": HOSTILE}}]},
    )
    await served.post(HOOK_PATH, data=EVENT.replace(b"sweep", b"<script>"))

    answer = await served.get(path)

    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if path == "/arrived":
        assert answer.content_type == "application/json"
        assert (await answer.json())[0]["body"]["text"] == HOSTILE
    else:
        assert "alert(1)" not in await answer.text()


def test_the_page_has_no_way_to_turn_text_into_markup() -> None:
    folder = Path(inbox_module.__file__).parent / "page"
    script, page = (folder / "inbox.js").read_text(), (folder / "inbox.html").read_text()

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser", script
    )
    assert not re.search(r"\son\w+=|\sstyle=|javascript:|<style|<script(?! src=)", page)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("localhost:1234", 200, id="localhost"),
        pytest.param("127.0.0.1:1234", 200, id="address"),
        pytest.param("evil.example:1234", 403, id="another-name"),
    ],
)
async def test_a_foreign_name_that_leads_here_reads_nothing(served: Served, host: str, status: int) -> None:
    assert (await served.get("/arrived", Host=host)).status == status


async def test_a_taken_port_is_said_in_words(served: Served) -> None:
    port = int(served.address.rsplit(":", 1)[1])

    says = f"--port: cannot listen on 127.0.0.1:{port}: another program does; choose another port"
    with pytest.raises(AddressUnusable, match=says):
        async with serving(Inbox().app(), "127.0.0.1", port):
            pass
