"""What is known is committed in batches: by number, by time, and never after the sweep that saw it broke."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from notifier.errors import StoreUnavailable
from notifier.model import Event, JobIdentity, Remembered, TuningJob
from notifier.pipeline.ledger import BATCH_OBSERVATIONS, Ledger
from notifier.ports import Observed
from notifier.store import SqlWatchStore, Store, open_store
from tests.pipeline.deliver_stage import BOUND, until
from tests.store.looks import SCOPE, first_look

NEVER = 3600.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed for the time that passed."""
    monkeypatch.setattr("notifier.pipeline.ledger.BATCH_SECONDS", NEVER)


def quiet(*_: Event) -> None:
    """Nobody wants to hear."""


async def stored(store: Store) -> dict[JobIdentity, Remembered]:
    return await store.watch.remembered(SCOPE)


async def test_the_hundredth_observation_commits_them_all(tmp_path: Path, patient: None) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        ledger = Ledger(SCOPE, store.watch, owed=quiet, told=quiet)
        async with ledger.batching(quiet):
            for number in range(BATCH_OBSERVATIONS - 1):
                await ledger.write(replace(first_look(number), events=()))
            assert await stored(store) == {} == ledger.jobs
            await ledger.write(replace(first_look(BATCH_OBSERVATIONS), events=()))
            assert len(await stored(store)) == BATCH_OBSERVATIONS
            assert ledger.jobs == await stored(store)


async def test_what_could_not_be_committed_is_neither_known_nor_owed(
    tmp_path: Path, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.sqlite.BUSY_TIMEOUT", 0.05)
    calls: list[str] = []
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        ledger = Ledger(SCOPE, store.watch, owed=lambda: calls.append("owed"), told=lambda event: calls.append("told"))
        with closing(sqlite3.connect(store.place, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            await ledger.write(first_look(1))
            with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
                await ledger.flush()
            assert (ledger.jobs, ledger.unfinished, calls) == ({}, {}, [])

        await ledger.write(first_look(1))
        await ledger.flush()
        assert len(ledger.jobs) == 1 and ledger.jobs == ledger.unfinished == await stored(store)
        assert calls == ["owed", "told"]


async def test_what_was_written_is_committed_though_nothing_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        ledger = Ledger(SCOPE, store.watch, owed=quiet, told=quiet)
        monkeypatch.setattr("notifier.pipeline.ledger.BATCH_SECONDS", 0.05)
        async with ledger.batching(quiet):
            ledger._flushed += NEVER  # As if something had just been committed.
            await ledger.write(first_look(1))
            assert ledger.jobs == {}
            await until(lambda: bool(ledger.jobs))
        assert ledger.jobs == await stored(store)


async def test_what_a_broken_sweep_saw_last_is_dropped(tmp_path: Path, patient: None) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        ledger = Ledger(SCOPE, store.watch, owed=quiet, told=quiet)
        with suppress(asyncio.CancelledError):
            async with ledger.batching(quiet):
                await ledger.write(first_look(1))
                raise asyncio.CancelledError
        async with ledger.batching(quiet):
            await ledger.flush()
        assert await stored(store) == {} == ledger.jobs


async def test_the_unfinished_are_those_of_which_more_is_expected(tmp_path: Path, patient: None) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        ledger = Ledger(SCOPE, store.watch, owed=quiet, told=quiet)
        look = first_look(1)
        await ledger.write(look)
        await ledger.flush()
        assert set(ledger.unfinished) == {look.remembered.identity}
        await ledger.write(Observed(look.remembered, forget=True))
        await ledger.flush()
        assert ledger.unfinished == {} == ledger.jobs


async def test_what_is_to_be_told_waits_for_no_second_and_no_hundredth(tmp_path: Path, patient: None) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        owed, first = asyncio.Event(), first_look(1)
        ledger = Ledger(SCOPE, store.watch, owed=owed.set, told=quiet)
        async with ledger.batching(quiet):
            await ledger.write(replace(first_look(2), events=()))
            await ledger.write(first)
            async with asyncio.timeout(BOUND):
                await owed.wait()

            assert first.remembered.identity in await stored(store)


class Counting(SqlWatchStore):
    """A store that counts how often records are read, and may fail to."""

    reads = 0
    fails = False

    async def records(self, identities: Collection[JobIdentity]) -> dict[JobIdentity, TuningJob]:
        self.reads += 1
        if self.fails:
            raise StoreUnavailable("the disk is gone")
        return await super().records(identities)


async def test_records_asked_for_together_are_read_together_and_each_gets_its_own(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        counting = Counting(store.watch._database)
        ledger = Ledger(SCOPE, counting, owed=quiet, told=quiet)
        looks = [first_look(number) for number in range(5)]
        await ledger.write(*looks)
        await ledger.flush()

        for _ in range(2):
            unknown = replace(looks[0].remembered.identity, created=1)
            asked = [each.remembered.identity for each in looks] + [unknown]
            assert await asyncio.gather(*map(ledger.record, asked)) == [*(each.record for each in looks), None]
        assert counting.reads == 2


async def test_a_read_that_fails_leaves_nobody_with_no_record_for_an_answer(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'l.db'}", exclusive=True) as store:
        counting = Counting(store.watch._database)
        ledger = Ledger(SCOPE, counting, owed=quiet, told=quiet)
        identities = [first_look(number).remembered.identity for number in range(3)]
        counting.fails = True

        answers = await asyncio.gather(*map(ledger.record, identities), return_exceptions=True)
    assert [type(each) for each in answers] == [StoreUnavailable] * 3
