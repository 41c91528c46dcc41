"""One `run` on one file."""

import asyncio
import os
from pathlib import Path

import pytest

from notifier.errors import StoreUnusable
from notifier.store import holder, open_store
from tests.store.looks import SCOPE, first_look
from tests.store.processes import child, heard, kill


async def test_a_second_run_is_refused_and_told_who_holds_the_file(url: str, tmp_path: Path) -> None:
    async with child("hold", url) as holder, asyncio.timeout(30):
        assert await heard(holder) == "ready"

        with pytest.raises(StoreUnusable) as refused:
            async with open_store(url, exclusive=True):
                pass

    assert f"process {holder.pid} already runs on {tmp_path / 'notifier.db'}" in str(refused.value)


async def test_a_second_run_through_a_symbolic_link_is_refused_too(url: str, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere.db"
    link.symlink_to(tmp_path / "notifier.db")

    async with open_store(url, exclusive=True):
        with pytest.raises(StoreUnusable, match="already runs"):
            async with open_store(f"sqlite:///{link}", exclusive=True):
                pass


async def test_who_runs_on_a_file_is_told_without_touching_it(url: str, tmp_path: Path) -> None:
    assert await holder(url) is None
    assert os.listdir(tmp_path) == []  # noqa: PTH208

    async with child("hold", url) as running, asyncio.timeout(30):
        assert await heard(running) == "ready"
        assert await holder(url) == await holder(url) == f"process {running.pid}"
        await kill(running)

    assert await holder(url) is None
    async with open_store(url, exclusive=True):
        pass


async def test_the_lock_dies_with_its_process(url: str) -> None:
    async with child("hold", url) as holder, asyncio.timeout(30):
        assert await heard(holder) == "ready"
        await kill(holder)

        async with open_store(url, exclusive=True) as store:
            await store.watch.commit(SCOPE, [first_look(1)])
            assert len(await store.outbox.owed("slack", 10)) == 1


async def test_others_open_the_store_beside_a_running_service(url: str) -> None:
    async with child("hold", url) as holder, asyncio.timeout(30):
        assert await heard(holder) == "ready"

        async with open_store(url, exclusive=False) as guest:
            assert await guest.desk.letters() == []


async def test_the_lock_is_free_after_a_clean_end(url: str) -> None:
    for _ in range(2):
        async with open_store(url, exclusive=True) as store:
            assert await store.desk.letters() == []
