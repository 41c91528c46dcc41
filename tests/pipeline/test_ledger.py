"""What is known is committed in batches: by number, by time, and never after the sweep that saw it broke."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from notifier.model import Event, JobIdentity, Remembered
from notifier.pipeline.ledger import BATCH_OBSERVATIONS, Ledger
from notifier.ports import Observed
from notifier.store import Store, open_store
from tests.pipeline.deliver_stage import until
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
                await ledger.write(first_look(number))
            assert await stored(store) == {} == ledger.jobs
            await ledger.write(first_look(BATCH_OBSERVATIONS))
            assert len(await stored(store)) == BATCH_OBSERVATIONS
            assert ledger.jobs == await stored(store)


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
