"""The sign of life, told to a real server."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from notifier.telemetry import configure_logging
from notifier.web import Heartbeat, heartbeat, serve
from tests.web.conftest import Clock

TOKEN = "b1946ac9-2492-4d23"


class Watcher:
    """Somebody who counts pings, and answers as told."""

    def __init__(self) -> None:
        self.status = 200
        self.pings: list[str] = []
        self.silent = False
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.pings.append(f"{request.method} {request.path}")
        if self.silent:
            await asyncio.sleep(60)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def watcher() -> AsyncIterator[Watcher]:
    watcher, app = Watcher(), web.Application()
    app.router.add_route("*", "/{path:.*}", watcher.answer)
    async with serve(app, "127.0.0.1", 0) as port:
        watcher.url = f"http://127.0.0.1:{port}/{TOKEN}"
        yield watcher


@pytest.fixture
def logs(clean_logging: None) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    yield stream


def told(logs: io.StringIO) -> list[dict[str, Any]]:
    """The lines of the log."""
    return [json.loads(line) for line in logs.getvalue().splitlines()]


async def test_a_fresh_sweep_is_told_by_a_get(http: aiohttp.ClientSession, watcher: Watcher) -> None:
    assert await Heartbeat(http, watcher.url).ping() is True

    assert watcher.pings == [f"GET /{TOKEN}"]


async def test_it_pings_at_most_once_in_thirty_seconds(http: aiohttp.ClientSession, watcher: Watcher) -> None:
    clock = Clock()
    heart = Heartbeat(http, watcher.url, clock)
    await heart.ping()
    clock.now += 29.9
    assert await heart.ping() is False

    clock.now += 0.1

    assert await heart.ping() is True
    assert len(watcher.pings) == 2


async def test_a_failure_is_logged_once_and_so_is_its_end(
    http: aiohttp.ClientSession, watcher: Watcher, logs: io.StringIO
) -> None:
    clock = Clock()
    heart = Heartbeat(http, watcher.url, clock)
    for watcher.status in (500, 404, 200, 200):
        await heart.ping()
        clock.now += 30

    assert [(line["level"], line.get("error")) for line in told(logs)] == [
        ("warning", "the address answers 500"),
        ("info", None),
    ]
    assert "NOTIFIER_HEARTBEAT_URL" in logs.getvalue()


async def test_a_redirect_counts_as_a_failure_and_is_not_followed(
    http: aiohttp.ClientSession, watcher: Watcher
) -> None:
    watcher.status = 302

    assert await Heartbeat(http, watcher.url).ping() is False
    assert watcher.pings == [f"GET /{TOKEN}"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/{}", "http://no.such.host.invalid/{}", "http://[bad/{}"])
async def test_a_watcher_out_of_reach_stops_nothing_and_its_address_stays_secret(
    http: aiohttp.ClientSession, url: str, logs: io.StringIO
) -> None:
    assert await Heartbeat(http, url.format(TOKEN)).ping() is False

    assert len(told(logs)) == 1
    assert TOKEN not in logs.getvalue()


async def test_a_watcher_that_never_answers_is_given_up(
    http: aiohttp.ClientSession, watcher: Watcher, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO
) -> None:
    monkeypatch.setattr(heartbeat, "DEADLINE", aiohttp.ClientTimeout(total=0.1))
    watcher.silent = True

    assert await Heartbeat(http, watcher.url).ping() is False
    assert "Timeout" in told(logs)[0]["error"]
