"""The receivers of a soak: webhooks that check signatures, and a Slack channel; all of them fail now and then.

They keep the book of every request: what they took, and what they answered, which need not be the same.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from notifier.simulator.service import webhook_secret
from notifier.simulator.slack_rules import refusal

SLACK = "slack_webhook"
OK = "ok"
TOKEN = "soakTokenOfSlack"  # noqa: S105 - a path on loopback
TOO_LONG = 16.0
"""Longer than the service waits for an answer."""
REPEATED = "(may be repeated)"
_ROW = re.compile(r"^\S+ (?P<job>[Ss]oak-\d{3}|old-\d{3}): (?P<rest>.+)$", re.MULTILINE)
_HAPPENED = re.compile(r"completed|failed|stopped|stopping|started|new best|deleted|in progress")
_BEST = re.compile(r"(?:new best|best so far|best) (?P<value>\d[\d.]*)")


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says of one job. Slack's messages have no id; of webhooks `event` is the whole CloudEvent."""

    job: str
    what: str
    value: float | None = None
    repeated: bool = False
    event: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Attempt:
    """One request. `took`: the message counts as arrived, whatever was `answered`, at `until` (epoch seconds)."""

    destination: str
    at: float
    until: float
    answered: str
    took: bool
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """How a receiver fails: whether it took the message before, and what it answers; status 0 breaks the connection."""

    share: float
    name: str
    took: bool
    status: int
    retry_after: bool = False


FAULTS = (
    Fault(0.05, "500", False, 500),
    Fault(0.04, "429", False, 429, retry_after=True),
    Fault(0.02, "503", False, 503, retry_after=True),
    Fault(0.03, "reset", False, 0),
    Fault(0.03, "reset after taking", True, 0),
    Fault(0.027, "500 after taking", True, 500),
    Fault(0.003, "no answer in time after taking", True, -1),
)


class Receivers:
    """All receivers of a soak behind one address."""

    def __init__(self, seed: int) -> None:
        self.secret = webhook_secret()
        self.url = ""
        self.attempts: list[Attempt] = []
        self.refused: list[str] = []
        """What no receiver should ever have been sent."""
        self.calm = False
        self._dice = random.Random(seed)

    def webhook(self, destination: str) -> str:
        """The URL of a webhook."""
        return f"{self.url}/hook/{destination}"

    @property
    def slack(self) -> str:
        """The URL of the Slack channel."""
        return f"{self.url}/services/T00000000/B00000000/{TOKEN}"

    async def hook(self, request: web.Request) -> web.Response:
        """A CloudEvent, signed."""
        body, destination = await request.read(), request.match_info["destination"]
        try:
            event = Webhook(self.secret).verify(body.decode(), dict(request.headers))
        except Exception as error:
            self.refused.append(f"{destination}: {type(error).__name__}")
            return web.Response(status=400)
        return await self._answer(request, destination, (_event(event),), 204)

    async def channel(self, request: web.Request) -> web.Response:
        """A message for people."""
        payload = json.loads(await request.read())
        if (refused := refusal(payload)) is not None:
            self.refused.append(f"{SLACK}: {refused}")
            return web.Response(status=refused[0], text=refused[1])
        return await self._answer(request, SLACK, tuple(_lines(payload)), 200, "ok")

    async def _answer(
        self, request: web.Request, destination: str, told: tuple[Told, ...], status: int, text: str = ""
    ) -> web.Response:
        fault = None if self.calm else self._fault()
        now = time.time()
        took = fault is None or fault.took
        attempt = Attempt(destination, now, now, fault.name if fault else OK, took, told if took else ())
        self.attempts.append(attempt)
        await asyncio.sleep(TOO_LONG if fault and fault.status < 0 else self._dice.uniform(0.0, 0.1))
        attempt.until = time.time()
        if fault is None:
            return web.Response(status=status, text=text)
        if fault.status <= 0:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(status=fault.status, headers=self._wait() if fault.retry_after else {})

    def _fault(self) -> Fault | None:
        luck = self._dice.random()
        for fault in FAULTS:
            luck -= fault.share
            if luck < 0:
                return fault
        return None

    def _wait(self) -> dict[str, str]:
        """A Retry-After of a second or two: in seconds, or as a date."""
        now = datetime.now(UTC)
        date = {"Retry-After": format_datetime(now + timedelta(seconds=2), usegmt=True)}
        return self._dice.choice(({"Retry-After": "1"}, date | {"Date": format_datetime(now, usegmt=True)}))


@asynccontextmanager
async def receiving(seed: int) -> AsyncIterator[Receivers]:
    """Receivers on a port of the system's choice."""
    receivers = Receivers(seed)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/hook/{destination}", receivers.hook)
    app.router.add_post(f"/services/T00000000/B00000000/{TOKEN}", receivers.channel)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receivers.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receivers
    finally:
        await runner.cleanup()


def _event(event: Mapping[str, Any]) -> Told:
    change = event["data"].get("change") or {}
    return Told(event.get("subject", ""), event["type"], (change.get("current") or {}).get("value"), event=event)


def _lines(payload: Mapping[str, Any]) -> Iterator[Told]:
    """What a Slack message says of each job: in its headline, or in the rows of a digest."""
    blocks = payload["blocks"]
    repeated = REPEATED in json.dumps(blocks)
    texts = [each["text"]["text"] for each in blocks if each["type"] in {"header", "section"} and "text" in each]
    for text in texts:
        for row in _ROW.finditer(text):
            happened, best = _HAPPENED.match(row["rest"]), _BEST.search(row["rest"])
            what = happened[0] if happened else row["rest"]
            yield Told(row["job"], what, float(best["value"]) if best else None, repeated)
