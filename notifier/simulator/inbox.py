"""An inbox: takes messages as Slack's incoming webhooks and CloudEvents receivers do, and shows them on a page.

Nothing of a message is trusted: answers are JSON, the page builds its text nodes from it and runs no inline script.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from notifier.simulator.slack_rules import refusal
from notifier.simulator.workspace import Post, Workspace

SLACK_PATH = "/services/T00000000/B00000000/simulated"
HOOK_PATH = "/hook"

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/": ("inbox.html", "text/html"),
    "/inbox.css": ("inbox.css", "text/css"),
    "/inbox.js": ("inbox.js", "text/javascript"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_BODY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """One accepted delivery. `kind` is `slack` (with the payload), `edit` of such, or `webhook` (with the CloudEvent).

    `ts` and `thread` say which message of the Web API it is, and which one it answers.
    """

    number: int
    kind: str
    at: float
    body: Mapping[str, Any]
    delivery_id: str | None = None
    signed: bool = False
    ts: str | None = None
    thread: str | None = None
    broadcast: bool = False


@dataclass(slots=True)
class Inbox:
    """What arrived, in order. `secret` (`whsec_…`): deliveries to the hook must be signed with it.

    `rate`: Slack messages a second; faster ones are answered 429. 0 is no limit.
    """

    secret: str | None = None
    rate: float = 0.0
    clock: Callable[[], float] = time.time
    on_arrival: Callable[[Arrived], None] = lambda _: None
    arrived: list[Arrived] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    workspace: Workspace = field(default_factory=Workspace)
    """What a bot sees of the same channel."""
    _last_slack: float = float("-inf")

    def __post_init__(self) -> None:
        self.workspace.on_post = self._posted

    @property
    def messages(self) -> list[Arrived]:
        """The Slack messages, without their edits."""
        return [each for each in self.arrived if each.kind == "slack"]

    @property
    def edits(self) -> list[Arrived]:
        """The edits of Slack messages."""
        return [each for each in self.arrived if each.kind == "edit"]

    @property
    def events(self) -> list[Arrived]:
        """The webhook's deliveries, repeated ones included."""
        return [each for each in self.arrived if each.kind == "webhook"]

    def app(self) -> web.Application:
        """The inbox as an aiohttp application."""
        app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[_guarded])
        app.add_routes(
            [
                web.post("/services/{team}/{hook}/{token}", self._slack),
                self.workspace.route(),
                web.post(HOOK_PATH, self._hook),
                web.get("/arrived", self._since),
                *(web.get(path, _file) for path in _FILES),
            ]
        )
        return app

    async def _slack(self, request: web.Request) -> web.Response:
        body = await request.read()
        now = self.clock()
        if request.path != SLACK_PATH:
            return self._refuse(404, "no_service")
        if self.rate and now - self._last_slack < 1 / self.rate:
            return self._refuse(429, "rate_limited", {"Retry-After": "1"})
        payload = _json(body)
        if (refused := refusal(payload)) is not None:
            return self._refuse(*refused)
        self._last_slack = now
        self._accept("slack", now, payload)
        return web.Response(text="ok")

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = _json(body)
        delivery_id = request.headers.get("webhook-id")
        if self.secret is not None and not genuine(self.secret, request.headers, body):
            return self._refuse(401, "the signature is wrong")
        if not isinstance(event, dict) or not all(event.get(name) for name in ("specversion", "id", "source", "type")):
            return self._refuse(400, "not a CloudEvent")
        self._accept("webhook", self.clock(), event, delivery_id=delivery_id, signed=self.secret is not None)
        return web.Response(status=204)

    async def _since(self, request: web.Request) -> web.Response:
        """Deliveries with a number above `after`."""
        after = request.query.get("after", "0")
        known = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
        return web.json_response([asdict(each) for each in self.arrived[known:]])

    def _posted(self, post: Post, edited: bool) -> None:
        where = {"ts": post.ts, "thread": post.thread, "broadcast": post.broadcast}
        self._accept("edit" if edited else "slack", post.at, post.body, **where)

    def _accept(self, kind: str, now: float, body: Any, **more: Any) -> None:
        arrived = Arrived(len(self.arrived) + 1, kind, now, body, **more)
        self.arrived.append(arrived)
        self.on_arrival(arrived)

    def _refuse(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
        self.refused.append(text)
        return web.Response(status=status, text=text, headers=headers)


def genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a Standard Webhooks delivery carries a v1 signature made with this secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{right}".encode(), each.encode()) for each in given)


@web.middleware
async def _guarded(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Answer this machine's own names and addresses only, so that no foreign page can read along (DNS rebinding)."""
    if not _ours(request.url.host or ""):
        raise web.HTTPForbidden(text="The inbox answers to localhost and to plain addresses only.")
    answer: web.StreamResponse = await handler(request)
    answer.headers.update(_HEADERS)
    return answer


def _ours(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


async def _file(request: web.Request) -> web.Response:
    name, kind = _FILES[request.path]
    return web.Response(text=(_PAGE / name).read_text("utf-8"), content_type=kind, charset="utf-8")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
