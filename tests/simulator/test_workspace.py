"""The simulated Slack workspace: what its Web API takes, keeps and refuses."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from notifier.simulator.inbox import Inbox
from notifier.simulator.loopback import serving
from notifier.simulator.workspace import API_PATH, CHANNEL, TOKEN

HEADER = {"type": "header", "text": {"type": "plain_text", "text": "told"}}
CHART = {
    "type": "data_visualization",
    "title": "best so far",
    "chart": {
        "type": "line",
        "series": [{"name": "auc", "data": [{"label": "1", "value": 0.5}]}],
        "axis_config": {"categories": ["1"]},
    },
}


class Bot:
    """Who speaks to the workspace."""

    def __init__(self, inbox: Inbox, address: str, http: aiohttp.ClientSession) -> None:
        self.inbox, self.workspace, self._address, self._http = inbox, inbox.workspace, address, http
        self.token = TOKEN
        self.now = 1000.0
        self.workspace.clock = lambda: self.now

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self._http.post(self._address + API_PATH + method, json=arguments, headers=headers) as answer:
            said: dict[str, Any] = await answer.json()
            return {"status": answer.status, **said}

    async def post(self, **arguments: Any) -> dict[str, Any]:
        return await self.call("chat.postMessage", **{"channel": CHANNEL, "text": "told"} | arguments)

    async def arrived(self) -> list[dict[str, Any]]:
        async with self._http.get(f"{self._address}/arrived") as answer:
            rows: list[dict[str, Any]] = await answer.json()
            return rows


@pytest.fixture
async def bot(http: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    inbox = Inbox()
    async with serving(inbox.app(), "127.0.0.1") as address:
        yield Bot(inbox, address, http)


async def test_a_message_its_answers_and_its_edits_are_kept_and_shown(bot: Bot) -> None:
    root = await bot.post(blocks=[HEADER])
    await bot.post(text="quiet", thread_ts=root["ts"])
    await bot.post(text="loud", thread_ts=root["ts"], reply_broadcast=True)
    edited = await bot.call("chat.update", channel=CHANNEL, ts=root["ts"], text="edited")

    assert edited["ok"]
    assert [each.body["text"] for each in bot.workspace.channel] == ["edited", "loud"]
    assert [each.body["text"] for each in bot.workspace.thread(root["ts"])] == ["quiet", "loud"]
    # An edit that does not speak of the blocks leaves them.
    assert bot.workspace.posts[root["ts"]].body["blocks"] == [HEADER]
    rows = [(each["kind"], each["thread"], each["broadcast"]) for each in await bot.arrived()]
    assert rows == [
        ("slack", None, False),
        ("slack", root["ts"], False),
        ("slack", root["ts"], True),
        ("edit", None, False),
    ]
    assert (len(bot.inbox.messages), len(bot.inbox.edits)) == (3, 1)


async def test_what_is_deleted_can_neither_be_edited_nor_answered(bot: Bot) -> None:
    root = await bot.post()
    assert (await bot.call("chat.delete", channel=CHANNEL, ts=root["ts"]))["ok"]

    assert (await bot.call("chat.update", channel=CHANNEL, ts=root["ts"], text="x"))["error"] == "message_not_found"
    assert (await bot.post(thread_ts=root["ts"]))["error"] == "thread_not_found"
    assert (await bot.call("chat.delete", channel=CHANNEL, ts=root["ts"]))["error"] == "message_not_found"


@pytest.mark.parametrize(
    ("changes", "method", "arguments", "error"),
    [
        pytest.param({"token": "xoxb-other"}, "auth.test", {}, "invalid_auth", id="token"),
        pytest.param({}, "chat.meMessage", {}, "unknown_method", id="method"),
        pytest.param({}, "chat.postMessage", {"channel": "C0OTHER", "text": "x"}, "channel_not_found", id="channel"),
        pytest.param({}, "chat.postMessage", {"channel": CHANNEL, "text": ""}, "no_text", id="nothing-to-say"),
        pytest.param(
            {"archived": True}, "chat.postMessage", {"channel": CHANNEL, "text": "x"}, "is_archived", id="archived"
        ),
        pytest.param(
            {"scopes": "users:read"}, "chat.postMessage", {"channel": CHANNEL, "text": "x"}, "missing_scope", id="scope"
        ),
        pytest.param(
            {"charts": False},
            "chat.postMessage",
            {"channel": CHANNEL, "text": "x", "blocks": [CHART]},
            "invalid_blocks",
            id="charts",
        ),
    ],
)
async def test_what_slack_would_refuse_is_refused(
    bot: Bot, changes: dict[str, Any], method: str, arguments: dict[str, Any], error: str
) -> None:
    for name, value in changes.items():
        setattr(bot.workspace, name, value)

    said = await bot.call(method, **arguments)

    assert (said["status"], said["ok"], said["error"]) == (200, False, error)
    assert bot.workspace.posts == {}


async def test_posts_and_edits_faster_than_ordered_are_told_to_wait(bot: Bot) -> None:
    bot.workspace.rate, bot.workspace.edits_a_minute = 1.0, 2.0
    root = await bot.post()
    assert (await bot.post())["status"] == 429
    bot.now += 1
    assert (await bot.post())["ok"]

    edits = [await bot.call("chat.update", channel=CHANNEL, ts=root["ts"], text=str(each)) for each in range(3)]
    bot.now += 60
    edits.append(await bot.call("chat.update", channel=CHANNEL, ts=root["ts"], text="later"))

    assert [each["status"] for each in edits] == [200, 200, 429, 200]
    assert bot.workspace.refused == ["ratelimited", "ratelimited"]


async def test_an_ordered_answer_comes_in_place_of_the_deed_or_after_it(bot: Bot) -> None:
    bot.workspace.order("chat.postMessage", "fatal_error")
    bot.workspace.order("chat.postMessage", "", 500, done=True)

    first, second, third = await bot.post(), await bot.post(), await bot.post()

    assert (first["error"], second["status"], third["ok"]) == ("fatal_error", 500, True)
    assert len(bot.workspace.posts) == 2


@pytest.mark.parametrize(
    ("chart", "valid"),
    [
        pytest.param(CHART, True, id="right"),
        pytest.param(CHART | {"title": "x" * 51}, False, id="long-title"),
        pytest.param(CHART | {"chart": {**CHART["chart"], "type": "radar"}}, False, id="no-such-chart"),  # type: ignore[dict-item]
        pytest.param(
            CHART | {"chart": {**CHART["chart"], "axis_config": {"categories": ["2"]}}},  # type: ignore[dict-item]
            False,
            id="points-beside-the-axis",
        ),
        pytest.param(
            CHART | {"chart": {**CHART["chart"], "axis_config": {"categories": [str(each) for each in range(21)]}}},  # type: ignore[dict-item]
            False,
            id="too-many-points",
        ),
    ],
)
async def test_blocks_are_validated_without_being_posted(bot: Bot, chart: dict[str, Any], valid: bool) -> None:
    said = await bot.call("blocks.validate", blocks=json.dumps([chart]))

    assert said["ok"] is valid
    assert valid or (said["error"], bool(said["errors"])) == ("invalid_blocks", True)
    assert bot.workspace.posts == {}
