"""The hostile SageMaker of a soak, in a process of its own: several accounts, an STS, and every fault of AWS.

What its jobs go through is the plan's; what it adds are troubles, and the book of who asked what, when.
"""

import asyncio
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from aiohttp import web

from soak.lives import Life, Plan, standing
from tests.pipeline.organisation import Account, Organisation
from tests.pipeline.sagemaker import DESCRIBE, LIST, SageMaker
from tests.service.process import ROOT

_ASKER = re.compile(r"\bapp/([\w-]+)")
_PLACE = re.compile(r"Credential=(?:ASIA(?P<account>\d{12})N)?\w+/\d+/(?P<region>[\w-]+)/")
_ROLE = re.compile(rb"RoleArn=[^&]*?(\d{12})")
HTML = "<!DOCTYPE html><title>200</title>"


@dataclass(frozen=True, slots=True)
class Troubles:
    """Shares of all calls from 0 to 1.

    Slow answers take up to `slow_by` seconds, stale ones are as of up to `stale_by` seconds ago.
    """

    throttled: float = 0.2
    failed: float = 0.1
    reset: float = 0.03
    garbled: float = 0.01
    slow: float = 0.03
    slow_by: float = 4.0
    stale: float = 0.1
    stale_by: float = 6.0


CALM = Troubles(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Poll:
    """A List of one scope was asked for, or the role to do it in, by a worker that says who it is."""

    at: float
    scope: str
    worker: str


@dataclass(frozen=True, slots=True)
class Book:
    """What was asked, and what it was answered with besides the truth."""

    calls: dict[str, int]
    troubles: dict[str, int]
    polls: list[Poll]


class Hostile(SageMaker):
    """One account and region: its jobs as of now or, now and then, as of a moment ago."""

    def __init__(self, lives: Sequence[Life], age: Callable[[], float]) -> None:
        super().__init__()
        self.lives = lives
        self._age = age

    async def answer(self, request: web.Request) -> web.Response:
        operation, members = request.headers["X-Amz-Target"].partition(".")[2], await request.json()
        self.now = time.time()
        known = standing(self.lives, self.now - self._age())
        if operation == LIST:
            self.rows = known
            return self._reply(self._page(members))
        job = known.get(members["HyperParameterTuningJobName"].lower()) if operation == DESCRIBE else None
        return self._reply(job.describe() if job else {"__type": "ResourceNotFound", "message": "no such job"})


class Front:
    """What stands before all accounts: the troubles, and the book."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._started = time.time()
        self._troubles = Troubles()
        self._dice = random.Random(plan.seed)
        self._calls: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._polls: list[Poll] = []
        self._organisation = Organisation()
        for account, region in plan.scopes:
            self._organisation.accounts.setdefault(account, Account(account))
            self._organisation.services[account, region] = Hostile((), self._age)
        self._live(math.inf)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A call to SageMaker, or to STS where it names no target."""
        target = request.headers.get("X-Amz-Target", "").partition(".")[2]
        self._note(target, request.headers, await request.read())
        if self._strikes("slow"):
            await asyncio.sleep(self._dice.uniform(0.5, self._troubles.slow_by))
        if self._strikes("reset"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if self._strikes("throttled"):
            return _error("ThrottlingException", "Rate exceeded", 400, sts=not target)
        if self._strikes("failed"):
            return _error("InternalFailure", "", self._dice.choice((500, 503)), sts=not target)
        if self._strikes("garbled"):
            return web.Response(text=self._dice.choice(("", HTML, "{}", '{"HyperParameterTuningJobName": "')))
        return await self._organisation.answer(request)

    async def begin(self, request: web.Request) -> web.Response:
        """Let the jobs move from now on; answers both moments that fix their lives."""
        began = time.time()
        self._live(began)
        return web.json_response({"started": self._started, "began": began})

    async def calm(self, request: web.Request) -> web.Response:
        """No more troubles."""
        self._troubles = CALM
        return web.json_response(None)

    async def book(self, request: web.Request) -> web.Response:
        """What was asked so far."""
        return web.json_response(asdict(Book(dict(self._calls), dict(self._met), self._polls)))

    def _live(self, began: float) -> None:
        lives = self._plan.lives(self._started, began)
        for (account, region), service in self._organisation.services.items():
            if isinstance(service, Hostile):
                service.lives = [each for each in lives if (each.account, each.region) == (account, region)]

    def _note(self, target: str, headers: Mapping[str, str], body: bytes) -> None:
        self._calls[target or "AssumeRole"] += 1
        place = _PLACE.search(headers.get("Authorization", ""))
        asker = _ASKER.search(headers.get("User-Agent", ""))
        if target not in {LIST, ""} or place is None or asker is None:
            return
        role = _ROLE.search(body)
        account = place["account"] if target else role and role[1].decode()
        self._polls.append(Poll(time.time(), f"{account}/{place['region']}", asker[1]))

    def _strikes(self, trouble: str) -> bool:
        struck: bool = self._dice.random() < getattr(self._troubles, trouble)
        self._met[trouble] += struck
        return struck

    def _age(self) -> float:
        return self._dice.uniform(0.5, self._troubles.stale_by) if self._strikes("stale") else 0.0


class Steered:
    """The hostile SageMaker as the soak steers it, from outside its process."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def begin(self) -> tuple[float, float]:
        """Let the jobs move; when its process started, and when they began to."""
        moments = await self._tell("begin")
        return moments["started"], moments["began"]

    async def calm(self) -> None:
        """No more troubles."""
        await self._tell("calm")

    async def book(self) -> Book:
        """What was asked so far."""
        said = await self._tell("book")
        return Book(said["calls"], said["troubles"], [Poll(**each) for each in said["polls"]])

    async def _tell(self, what: str) -> Any:
        async with self._http.post(f"{self.url}/{what}") as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def hostile(plan: Plan) -> AsyncIterator[Steered]:
    """A hostile SageMaker until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "soak.sagemaker", json.dumps(asdict(plan)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as http:
            yield Steered(url, http)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _error(code: str, message: str, status: int, *, sts: bool) -> web.Response:
    if not sts:
        return web.json_response({"__type": code, "message": message}, status=status)
    said = f"<Code>{code.removesuffix('Exception')}</Code><Message>{message}</Message>"
    return web.Response(text=f"<ErrorResponse><Error>{said}</Error></ErrorResponse>", status=status)


async def serve(plan: Plan) -> None:
    """Answer on a port of the system's choice, print the address, and go on until the process is ended."""
    front = Front(plan)
    app = web.Application()
    app.router.add_post("/", front.answer)
    for steered in (front.begin, front.calm, front.book):
        app.router.add_post(f"/{steered.__name__}", steered)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    ordered = json.loads(sys.argv[1])
    asyncio.run(serve(Plan(**ordered | {"scopes": tuple(map(tuple, ordered["scopes"]))})))
