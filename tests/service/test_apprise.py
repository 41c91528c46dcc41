"""Apprise's services under the real service: told, checked, stopped while a send hangs, and never given away."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import Notifier, notifying, until

TOKEN = "sEcReTtOkEnOfTheTeam01"
PASSWORD = "sEcReTpAsSwOrD"


@dataclass
class Service:
    """What Apprise's JSON service posts to: the titles that came in; while `hold` is not set off, answers wait."""

    url: str = ""
    status: int = 200
    titles: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.titles.append((await request.json())["title"])
        if self.hold is not None:
            await self.hold.wait()
        # As many do, it repeats what it was asked for.
        return web.Response(status=self.status, text=f"nothing at {request.path}")


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_post("/{path:.*}", service.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"json://me:{PASSWORD}@127.0.0.1:{runner.addresses[0][1]}/{TOKEN}?rto=600"
    try:
        yield service
    finally:
        await runner.cleanup()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as running:
        yield running


@pytest.fixture
async def notifier(tmp_path: Path, sagemaker: SageMaker, service: Service) -> AsyncIterator[Notifier]:
    async with notifying(
        tmp_path, sagemaker.url, NOTIFIER_APPRISE_URLS=service.url, NOTIFIER_LOG_LEVEL="debug"
    ) as running:
        yield running


def secret_in(folder: Path) -> list[str]:
    """The files of the service, log and database, that hold a secret."""
    return [each.name for each in folder.iterdir() if re.search(rb"sEcReT", each.read_bytes())]


async def test_a_life_is_told_and_nothing_gives_the_url_away(
    notifier: Notifier, sagemaker: SageMaker, service: Service
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: "🚀 xgb: started" in service.titles, "the start is told")

    service.status = 500
    sagemaker.move("xgb", status="Failed", ended=time.time())
    await until(lambda: any(line["event"] == "not delivered" for line in notifier.log()), "a failure is logged")
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{notifier.port}/metrics") as answer:
        metrics = await answer.text()
    status, listed, _ = await notifier.command("outbox", "list")

    assert status == 0
    assert 'kind="apprise"' in metrics
    assert "JSON answered 500" in listed
    assert await notifier.stop(process) == 0
    assert secret_in(notifier.folder) == []
    assert "sEcReT" not in metrics + listed


async def test_a_send_that_hangs_does_not_keep_the_process_from_its_end_and_goes_again(
    notifier: Notifier, sagemaker: SageMaker, service: Service
) -> None:
    process = await notifier.start(NOTIFIER_GRACE="0.2s")
    await notifier.ready(process)
    await until(lambda: len(service.titles) == 1, "what is watched is told")
    service.hold = asyncio.Event()
    sagemaker.put(Job("slow", time.time()))
    await until(lambda: service.titles[1:] == ["🚀 slow: started"], "the send is under way")

    assert await notifier.stop(process, signal.SIGTERM) == 0

    service.hold.set()
    await notifier.start()
    await until(lambda: service.titles[1:] == ["🚀 slow: started"] * 2, "it is sent again")


async def test_check_names_the_service_and_sends_a_test_message(notifier: Notifier, service: Service) -> None:
    _, probed, _ = await notifier.command("check")
    said = len(service.titles)
    status, sent, _ = await notifier.command("check", "--send")

    assert re.search(r"✓ destination apprise_\w{8}: JSON, by its URL; only --send shows", probed)
    assert said == 0
    assert status == 0
    assert re.search(r"✓ destination apprise_\w{8}: took the test message", sent)
    assert service.titles == ["📋 A test message from notifier"]


async def test_check_says_why_a_service_refuses(notifier: Notifier, service: Service) -> None:
    service.status = 401

    status, out, err = await notifier.command("check", "--send")

    assert status == 1
    assert "JSON answered 401 (check its URL: the credentials in it are not accepted)\n" in out
    assert "sEcReT" not in out + err
