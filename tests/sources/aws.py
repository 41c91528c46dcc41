"""An AWS of our own on loopback that answers what a test scripted: well, badly, late, or not at all."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `body` is sent as JSON unless it is bytes; `fate` is what happens to it on its way."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: str = "arrives"


def error(code: str, status: int = 400, message: str = "no") -> Reply:
    """An error as AWS writes it."""
    return Reply({"__type": code, "message": message}, status)


NOTHING: dict[str, Any] = {"HyperParameterTuningJobSummaries": []}
RESET = Reply(fate="is reset")
CUT = Reply(NOTHING, fate="is cut")
LATE = Reply(fate="is late")


class Aws:
    """Answers each operation by its script; the last answer stands for all that follow."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.authorizations: list[str] = []
        self.user_agents: list[str] = []
        self._scripts: dict[str, list[Reply]] = defaultdict(list)
        self.heard = asyncio.Event()
        """Whether any request has come."""
        self._over = asyncio.Event()

    def answers(self, operation: str, *replies: Reply | dict[str, Any]) -> None:
        """Script an operation."""
        self._scripts[operation] = [each if isinstance(each, Reply) else Reply(each) for each in replies]

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The members of each request for an operation."""
        return [members for name, members in self.requests if name == operation]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        operation, members = await _understood(request)
        self.requests.append((operation, members))
        self.heard.set()
        self.authorizations.append(request.headers.get("Authorization", ""))
        self.user_agents.append(request.headers.get("User-Agent", ""))
        script = self._scripts[operation] or [error("UnknownOperationException", 404)]
        reply = script.pop(0) if len(script) > 1 else script[0]
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if reply.fate == "is late":
            await self._over.wait()
        if reply.fate == "is reset" and request.transport is not None:
            request.transport.abort()
        if reply.fate == "is cut":
            return await _cut(request, body)
        return web.Response(body=body, status=reply.status, headers=reply.headers)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["Aws"]:
        """Serve on a port of the system's choice."""
        aws = cls()
        app = web.Application()
        app.router.add_post("/", aws.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        aws.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield aws
        finally:
            aws._over.set()
            await runner.cleanup()


def wire(recorded: Any) -> Any:
    """A recorded answer as it was on the wire: times are epoch seconds, what is null was absent."""
    if isinstance(recorded, dict):
        return {name: wire(value) for name, value in recorded.items() if value is not None}
    if isinstance(recorded, list):
        return [wire(each) for each in recorded]
    if isinstance(recorded, str) and _TIME.fullmatch(recorded):
        return utc(recorded).timestamp()
    return recorded


def parsed(recorded: Any) -> Any:
    """A recorded answer as botocore gives it: times are aware."""
    if isinstance(recorded, dict):
        return {name: parsed(value) for name, value in recorded.items() if value is not None}
    if isinstance(recorded, list):
        return [parsed(each) for each in recorded]
    return utc(recorded) if isinstance(recorded, str) and _TIME.fullmatch(recorded) else recorded


def utc(time: str) -> datetime:
    """A recorded time: naive ones are UTC."""
    moment = datetime.fromisoformat(time)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _understood(request: web.Request) -> tuple[str, dict[str, Any]]:
    target = request.headers.get("X-Amz-Target")
    if target is not None:
        return target.partition(".")[2], await request.json()
    form = dict(await request.post())
    return str(form["Action"]), form


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[:-5])
    if request.transport is not None:
        request.transport.close()
    return response
