"""A SageMaker on loopback, in a process of its own, so that what it costs is not counted as the service's."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.answers import ACCOUNT, Job, jobs, recorded_description

LIST, DESCRIBE = "ListHyperParameterTuningJobs", "DescribeHyperParameterTuningJob"
PAGE = 100
NEW_BEST_EVERY = 4
"""Of the jobs that move, every fourth finds a new best: the rest only finish a trial."""
CALLER = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)

ASSUMED = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    "<AccessKeyId>ASIAEXAMPLEEXAMPLE</AccessKeyId><SecretAccessKey>secretOfARole</SecretAccessKey>"
    "<SessionToken>tokenOfARole</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
"""Any role of any account; all accounts have the same jobs."""


class Endpoint:
    """The endpoint as the benchmarks steer it, from outside its process."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def stock(self, *, unfinished: int, ended: int = 0) -> None:
        """From now on the account has these jobs, and no call was made yet."""
        await self._tell("stock", {"unfinished": unfinished, "ended": ended})

    async def move(self, count: int) -> list[str]:
        """Let so many jobs move on, others each time, spread over all; their names."""
        moved: list[str] = await self._tell("move", {"count": count})
        return moved

    async def calls(self) -> Counter[str]:
        """The calls by operation since they were last asked for."""
        return Counter(await self._tell("calls", {}))

    async def heard(self) -> tuple[dict[str, float], dict[str, float]]:
        """When each job's description was given out, and when its event came to the hook; monotonic seconds.

        Since it was last asked for.
        """
        seen, heard = await self._tell("heard", {})
        return seen, heard

    async def _tell(self, what: str, members: dict[str, int]) -> Any:
        async with self._http.post(f"{self.url}/{what}", json=members) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def serving() -> AsyncIterator[Endpoint]:
    """An endpoint until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.endpoint", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as http:
            yield Endpoint(url, http)
    finally:
        process.terminate()
        await process.wait()


class Answering:
    """The account behind the endpoint. Pages are written once, and again only where a job moved."""

    def __init__(self) -> None:
        self._recorded = recorded_description()
        self._calls: Counter[str] = Counter()
        self._stock: list[Job] = []
        self._by_name: dict[str, Job] = {}
        self._pages: dict[int, bytes] = {}
        self._moved = 0
        self._seen: dict[str, float] = {}
        self._heard: list[tuple[float, bytes]] = []

    async def sagemaker(self, request: web.Request) -> web.Response:
        """An operation, named by X-Amz-Target; without it, it is STS that is asked."""
        target = request.headers.get("X-Amz-Target")
        if target is None:
            assumes = (await request.post())["Action"] == "AssumeRole"
            return web.Response(text=ASSUMED if assumes else CALLER, content_type="text/xml")
        operation = target.partition(".")[2]
        self._calls[operation] += 1
        members = json.loads(await request.read())
        body = self._page(members) if operation == LIST else self._description(members)
        return web.Response(body=body, content_type="application/x-amz-json-1.1")

    async def stock(self, request: web.Request) -> web.Response:
        """Have other jobs from now on."""
        self._stock = jobs(**await request.json(), now=time.time())
        self._by_name = {job.name: job for job in self._stock}
        self._pages.clear()
        self._calls.clear()
        return web.json_response(None)

    async def move(self, request: web.Request) -> web.Response:
        """Move some jobs, at even distances."""
        count = (await request.json())["count"]
        self._moved += 1
        step = len(self._stock) // count if count else 1
        moved = list(islice(range(self._moved % step, len(self._stock), step), count))
        for number, index in enumerate(moved):
            job = self._stock[index]
            job.completed += 1
            if number % NEW_BEST_EVERY == 0:
                job.best = job.completed
            self._pages.pop(index // PAGE * PAGE, None)
        return web.json_response([self._stock[index].name for index in moved])

    async def calls(self, request: web.Request) -> web.Response:
        """Say what was called, and count anew."""
        calls, self._calls = self._calls, Counter()
        return web.json_response(calls)

    async def hook(self, request: web.Request) -> web.Response:
        """Take a webhook's message."""
        body = await request.read()
        self._heard.append((time.monotonic(), body))
        return web.Response()

    async def heard(self, request: web.Request) -> web.Response:
        """Say when jobs were seen and heard of, and count anew."""
        seen, heard = self._seen, {json.loads(body)["subject"]: at for at, body in self._heard}
        self._seen, self._heard = {}, []
        return web.json_response([seen, heard])

    def _page(self, members: dict[str, Any]) -> bytes:
        start = int(members.get("NextToken", "0"))
        if start not in self._pages:
            end = start + PAGE
            more = {"NextToken": str(end)} if end < len(self._stock) else {}
            rows = [job.row() for job in self._stock[start:end]]
            self._pages[start] = json.dumps({"HyperParameterTuningJobSummaries": rows} | more).encode()
        return self._pages[start]

    def _description(self, members: dict[str, Any]) -> bytes:
        job = self._by_name[members["HyperParameterTuningJobName"]]
        body = json.dumps(job.description(self._recorded)).encode()
        self._seen[job.name] = time.monotonic()
        return body


async def serve() -> None:
    """Answer on a port of the system's choice, print the address, and go on until the process is ended."""
    answering = Answering()
    app = web.Application()
    app.router.add_post("/", answering.sagemaker)
    for steered in (answering.hook, answering.heard, answering.stock, answering.move, answering.calls):
        app.router.add_post(f"/{steered.__name__}", steered)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
