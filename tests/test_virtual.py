"""Virtual time: it jumps while everything waits, and stands still while anything happens."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from notifier.store import open_store
from tests import virtual
from tests.virtual import in_virtual_time, now


@in_virtual_time
async def test_a_day_of_waiting_takes_no_time() -> None:
    await asyncio.sleep(86_400)

    assert now() == 86_400


@in_virtual_time
async def test_who_waits_shortest_goes_first() -> None:
    order: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append((name, now()))

    await asyncio.gather(wait("late", 3.0), wait("early", 1.0), wait("later", 3.5))

    assert order == [("early", 1.0), ("late", 3.0), ("later", 3.5)]


@in_virtual_time
async def test_what_threads_do_takes_no_virtual_time() -> None:
    go = threading.Event()
    asyncio.get_running_loop().call_soon(go.set)

    async with asyncio.timeout(0.001):
        assert await asyncio.to_thread(go.wait, 10)
        await asyncio.to_thread(time.strftime, "%c")

    assert now() == 0.0


@in_virtual_time
async def test_transactions_take_no_virtual_time(tmp_path: Path) -> None:
    async with asyncio.timeout(0.001), open_store(f"sqlite:///{tmp_path / 'notifier.db'}", exclusive=True) as store:
        for _ in range(20):
            await store.upkeep.probe()

    assert now() == 0.0


@in_virtual_time
async def test_answers_of_servers_in_this_process_take_no_virtual_time() -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(text=request.path)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as http:
        for path in ("/a", "/b", "/c"):
            async with http.get(f"http://127.0.0.1:{runner.addresses[0][1]}{path}") as response:
                assert await response.text() == path
    took = now()
    await runner.cleanup()

    assert took == 15.0


def test_a_test_that_hangs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "BOUND", 0.1)

    @in_virtual_time
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match=r"hangs at 0\.000 virtual seconds"):
        hang()
