"""A SageMaker of our own over HTTP: AWS JSON 1.1 for the tuning operations, and STS on the same port.

So AWS_ENDPOINT_URL alone points a client here. Signatures are not checked.
"""

import asyncio
import json
import random
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from aiohttp import web

from notifier.simulator import sts
from notifier.simulator.account import Account
from notifier.simulator.operations import OPERATIONS, ApiError, Question, renewed_token

_JSON = "application/x-amz-json-1.1"
_SIGNED_REGION = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/")


@dataclass(frozen=True, slots=True)
class Quirks:
    """Troubles to order: shares of all calls from 0 to 1, times in seconds.

    `empty_pages`: pages of List without a row and with a NextToken. `stale`: answers as of `stale_by` seconds ago.
    """

    throttled: float = 0.0
    failed: float = 0.0
    reset: float = 0.0
    empty_pages: float = 0.0
    stale: float = 0.0
    stale_by: float = 5.0
    latency: float = 0.0


class SageMaker:
    """The simulated service. `account` and `quirks` may be replaced while it runs; `calls` is by operation.

    `refused` counts error answers by code, `sweeps` the moments at which a List from its first page was answered,
    `last_pages` those at which a List came to its last one.
    """

    def __init__(
        self, account: Account, *, quirks: Quirks | None = None, seed: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        self.account = account
        self.quirks = quirks or Quirks()
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.sweeps: list[float] = []
        self.last_pages: list[float] = []
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311 - for troubles, not for secrets

    def app(self) -> web.Application:
        """The service as an aiohttp application."""
        app = web.Application(client_max_size=1 << 20)
        app.add_routes([web.post("/", self._answer), web.get("/__calls", self._counts)])
        return app

    async def _counts(self, _: web.Request) -> web.Response:
        return web.json_response({"calls": dict(self.calls), "refused": dict(self.refused), "sweeps": len(self.sweeps)})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        target = request.headers.get("X-Amz-Target")
        body = await request.read()
        now = self._clock()
        if target is None:
            return self._sts(request, body, now)
        operation = target.partition(".")[2]
        self.calls[operation] += 1
        await asyncio.sleep(self.quirks.latency)
        if self._rolls(self.quirks.reset):
            return self._hang_up(request)
        try:
            self._trouble()
            return self._respond(self._ask(operation, request, _parsed(body), now), now)
        except ApiError as error:
            self.refused[error.code] += 1
            return self._respond({"__type": error.code, "message": error.message}, now, error.status)

    def _trouble(self) -> None:
        if self._rolls(self.quirks.throttled):
            raise ApiError("ThrottlingException", "Rate exceeded")
        if self._rolls(self.quirks.failed):
            raise ApiError("InternalFailure", "", 500)

    def _ask(self, operation: str, request: web.Request, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
        if operation not in OPERATIONS:
            raise ApiError("UnknownOperationException", f"The operation {operation} is not simulated.", 404)
        seen = now - self.quirks.stale_by if self._rolls(self.quirks.stale) else now
        signed = _SIGNED_REGION.search(request.headers.get("Authorization", ""))
        region = signed[1] if signed else self.account.region
        answer = OPERATIONS[operation](Question(self._account_of(request), region, seen, parameters))
        return self._listed(answer, parameters, now) if operation == "ListHyperParameterTuningJobs" else answer

    def _listed(self, answer: dict[str, Any], parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Keep the book of sweeps, and now and then give a page back empty with the same place to go on from."""
        token = parameters.get("NextToken")
        if token is not None and self._rolls(self.quirks.empty_pages):
            return {"HyperParameterTuningJobSummaries": [], "NextToken": renewed_token(token)}
        if token is None:
            self.sweeps.append(now)
        if "NextToken" not in answer:
            self.last_pages.append(now)
        return answer

    def _rolls(self, share: float) -> bool:
        return share > 0 and self._dice.random() < share

    def _sts(self, request: web.Request, body: bytes, now: float) -> web.Response:
        found = sts.answered(body, self._account_of(request).account_id, now)
        if found is None:
            known = "STS's GetCallerIdentity and AssumeRole, and SageMaker's tuning operations"
            raise web.HTTPBadRequest(text=f"Only {known} are simulated.")
        action, text = found
        self.calls[action] += 1
        return web.Response(text=text, content_type="text/xml", headers={"Date": formatdate(now, usegmt=True)})

    def _account_of(self, request: web.Request) -> Account:
        """The one account; to whoever asks in a role of another, the same jobs under its number."""
        number = sts.signer(request.headers.get("Authorization", ""))
        return replace(self.account, account_id=number) if number else self.account

    def _respond(self, answer: Mapping[str, Any], now: float, status: int = 200) -> web.Response:
        headers = {
            "Content-Type": _JSON,
            "Date": formatdate(now, usegmt=True),
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        return web.Response(body=json.dumps(answer).encode(), status=status, headers=headers)

    def _hang_up(self, request: web.Request) -> web.Response:
        """Reset the connection: the caller cannot know whether it was heard."""
        self.refused["reset"] += 1
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise ApiError("SerializationException", "The request is not a JSON object.")
    return parameters
