"""The pages before a real store: one that another process keeps locked, and one that lost its tables."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from notifier import app
from notifier.settings import load_settings
from notifier.store import Store, open_store
from notifier.web import Health, Metrics, make_app, serve, server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'notifier.db'}", exclusive=True) as store:
        yield store


@pytest.fixture
async def url(store: Store) -> AsyncIterator[str]:
    settings = load_settings({}, None)
    pages = make_app(Health(), Metrics("1"), lambda: app.queues(store, settings), store.upkeep.probe)
    async with serve(pages, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def test_it_is_unready_while_the_store_is_locked_and_ready_after(
    http: aiohttp.ClientSession, url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STORE_SECONDS", 0.2)
    with closing(sqlite3.connect(Path(store.place), isolation_level=None)) as neighbour:
        neighbour.execute("BEGIN IMMEDIATE")
        async with http.get(f"{url}/readyz") as locked, http.get(f"{url}/healthz") as healthy:
            assert (locked.status, healthy.status) == (503, 200)
            assert "the store did not answer" in (await locked.json())["reasons"][0]
        # What only reads is not held up by one who writes.
        async with http.get(f"{url}/metrics") as measures:
            assert "\nnotifier_store_up 1.0\n" in await measures.text()

    monkeypatch.undo()
    async with http.get(f"{url}/readyz") as free:
        assert (free.status, (await free.json())["reasons"]) == (200, [])


async def test_it_is_unready_where_the_store_lost_its_tables_and_metrics_go_on(
    http: aiohttp.ClientSession, url: str, store: Store
) -> None:
    with closing(sqlite3.connect(Path(store.place), isolation_level=None)) as vandal:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'notifier%'"
        for (table,) in vandal.execute(tables).fetchall():
            vandal.execute(f"DROP TABLE {table}")

    async with http.get(f"{url}/readyz") as ready, http.get(f"{url}/metrics") as measures:
        assert ready.status == 503
        assert str(Path(store.place)) in (await ready.json())["reasons"][0]
        assert measures.status == 200
        assert "\nnotifier_store_up 0.0\n" in await measures.text()
