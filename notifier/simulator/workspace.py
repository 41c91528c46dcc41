"""A Slack workspace with one channel, as its Web API shows it: messages, threads, edits, and what Slack refuses.

Methods: chat.postMessage, chat.update, chat.delete, auth.test, blocks.validate.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from notifier.simulator.slack_rules import refusal

API_PATH = "/api/"
TOKEN = "xoxb-simulated-token"  # noqa: S105
CHANNEL, CHANNEL_NAME = "C0SIMULATED", "tuning-jobs"

Said = dict[str, Any]


@dataclass(slots=True)
class Post:
    """A message. `thread` is the `ts` of the one that it answers, `broadcast` that it shows in the channel too."""

    ts: str
    body: Mapping[str, Any]
    at: float
    thread: str | None = None
    broadcast: bool = False
    edits: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Order:
    """An answer to order: instead of doing what was asked, or after it was done."""

    said: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


@dataclass(slots=True)
class Workspace:
    """What stands in the channel, and how it is answered.

    `rate` is posts a second, and more than that, or than `edits_a_minute`, is answered 429; 0 is no limit. `orders` are
    answers by method, in turn. `on_post` hears of each post, and of each edit (then with True).
    """

    rate: float = 0.0
    edits_a_minute: float = 0.0
    charts: bool = True
    blocks: bool = True
    archived: bool = False
    token: str = TOKEN
    scopes: str = "chat:write"
    clock: Callable[[], float] = time.time
    on_post: Callable[[Post, bool], None] = lambda post, edited: None
    posts: dict[str, Post] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    orders: dict[str, list[Order]] = field(default_factory=dict)
    _last_post: float = -math.inf
    _edits: list[float] = field(default_factory=list)

    @property
    def channel(self) -> list[Post]:
        """What the channel shows, oldest first: messages, and answers that were broadcast."""
        return [each for each in self.posts.values() if each.thread is None or each.broadcast]

    def thread(self, ts: str) -> list[Post]:
        """The answers to a message, oldest first."""
        return [each for each in self.posts.values() if each.thread == ts]

    def order(self, method: str, error: str, status: int = 200, *, done: bool = False, **headers: str) -> None:
        """Answer the next call of a method with an error, although it was done if `done`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {"ok": False, "error": error} if error else {}
        self.orders.setdefault(method, []).append(Order(said, status, named, done))

    def delete(self, ts: str) -> None:
        """Somebody deletes a message."""
        del self.posts[ts]
        self.deleted.add(ts)

    def route(self) -> web.RouteDef:
        """Where the methods are."""
        return web.post(f"{API_PATH}{{method}}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.calls[method] += 1
        order = next(iter(self.orders.get(method, ())), None)
        if order is not None:
            self.orders[method].pop(0)
            if order.done:
                self._done(method, await request.read(), request.headers)
            return self._refuse(order.said, order.status, order.headers)
        said = self._done(method, await request.read(), request.headers)
        if said.get("ok"):
            return web.json_response(said, headers={"x-oauth-scopes": self.scopes})
        limited = said["error"] == "ratelimited"
        return self._refuse(said, 429 if limited else 200, {"Retry-After": "1"} if limited else {})

    def _refuse(self, said: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> web.Response:
        self.refused.append(str(said.get("error", status)))
        return web.json_response(dict(said), status=status, headers=headers)

    def _done(self, method: str, content: bytes, headers: Mapping[str, str]) -> Said:
        if headers.get("Authorization") != f"Bearer {self.token}":
            return _error("invalid_auth")
        known = {
            "auth.test": self._test,
            "blocks.validate": self._validate,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
        }
        try:
            arguments = json.loads(content)
        except ValueError:
            return _error("invalid_json")
        if method not in known or not isinstance(arguments, dict):
            return _error("unknown_method" if method not in known else "invalid_arguments")
        return known[method](arguments)

    def _test(self, _: Said) -> Said:
        return {"ok": True, "team": "Simulated", "user": "notifier", "team_id": "T0SIMULATED", "bot_id": "B0SIMULATED"}

    def _validate(self, arguments: Said) -> Said:
        wrong = self._wrong({"blocks": json.loads(arguments["blocks"]), "text": "example"})
        return _error(wrong, errors=[{"pointer": "/0", "code": "failed_constraint"}]) if wrong else {"ok": True}

    def _post(self, arguments: Said) -> Said:
        now, thread = self.clock(), arguments.get("thread_ts")
        if wrong := self._where(arguments) or self._wrong(arguments):
            return _error(wrong)
        if thread is not None and thread not in self.posts:
            return _error("thread_not_found")
        if self.rate and now - self._last_post < 1 / self.rate:
            return _error("ratelimited")
        self._last_post = now
        # Slack's timestamps are unique in a channel.
        ts = f"{now:.0f}.{len(self.posts) + len(self.deleted) + 1:06}"
        post = Post(ts, arguments, now, thread, broadcast=bool(thread and arguments.get("reply_broadcast")))
        self.posts[ts] = post
        self.on_post(post, False)
        return {"ok": True, "channel": CHANNEL, "ts": ts, "message": {"ts": ts}}

    def _update(self, arguments: Said) -> Said:
        now, post = self.clock(), self.posts.get(str(arguments.get("ts")))
        if arguments.get("channel") != CHANNEL:
            return _error("channel_not_found")
        if post is None:
            return _error("message_not_found")
        if wrong := self._wrong(arguments):
            return _error(wrong)
        self._edits = [each for each in self._edits if now - each < 60]
        if self.edits_a_minute and len(self._edits) >= self.edits_a_minute:
            return _error("ratelimited")
        self._edits.append(now)
        # What an edit does not speak of stays as it was.
        post.body = {**post.body, **arguments}
        post.edits.append(now)
        self.on_post(post, True)
        return {"ok": True, "channel": CHANNEL, "ts": post.ts, "text": arguments.get("text", "")}

    def _delete(self, arguments: Said) -> Said:
        if str(arguments.get("ts")) not in self.posts:
            return _error("message_not_found")
        self.delete(arguments["ts"])
        return {"ok": True, "channel": CHANNEL, "ts": arguments["ts"]}

    def _where(self, arguments: Said) -> str | None:
        if arguments.get("channel") not in {CHANNEL, CHANNEL_NAME, f"#{CHANNEL_NAME}"}:
            return "channel_not_found"
        if "chat:write" not in self.scopes.split(","):
            return "missing_scope"
        return "is_archived" if self.archived else None

    def _wrong(self, arguments: Said) -> str | None:
        """What Slack refuses a message for."""
        blocks = arguments.get("blocks", [])
        if blocks and not self.blocks:
            return "invalid_blocks"
        if not self.charts and any(each.get("type") == "data_visualization" for each in blocks):
            return "invalid_blocks"
        told = {name: arguments[name] for name in ("text", "blocks", "attachments") if name in arguments}
        refused = refusal(told)
        return refused[1] if refused else None


def _error(error: str, **more: Any) -> Said:
    return {"ok": False, "error": error, **more}
