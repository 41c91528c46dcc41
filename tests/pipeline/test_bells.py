"""What one worker heard or owes is seen by the others in half a second, on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from notifier.model import Hint, Place
from notifier.pipeline.bells import LOOK_SECONDS, Bells
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, REGION
from tests.store.looks import SCOPE, first_look
from tests.virtual import in_virtual_time

SOON = 2.0
MOMENT = 0.01


@asynccontextmanager
async def a_store(folder: Path) -> AsyncIterator[Store]:
    """The store that all workers share, for once a file."""
    loop = asyncio.get_running_loop()
    async with open_store(f"sqlite:///{folder / 'shared.db'}", exclusive=True, clock=loop.time) as store:
        yield store


@pytest.mark.parametrize(
    ("place", "rings"),
    [
        pytest.param(Place(REGION, ACCOUNT), True, id="the-very-scope"),
        pytest.param(Place(REGION), True, id="an-account-that-no-setting-names"),
        pytest.param(Place(REGION, "222233334444"), False, id="another-account"),
        pytest.param(Place("eu-west-1"), False, id="another-region"),
    ],
)
def test_a_bell_rings_where_a_hint_may_be_meant(tmp_path: Path, place: Place, rings: bool) -> None:
    @in_virtual_time
    async def heard_elsewhere() -> None:
        async with a_store(tmp_path) as store:
            bells, stop = Bells(store.hints, store.outbox, lambda: None), asyncio.Event()
            bell = bells.bell(place)
            assert bell.is_set()
            bell.clear()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(bells.run(stop))
                await asyncio.sleep(3.0)
                assert not bell.is_set()
                for _ in range(2):
                    await store.hints.note([Hint(ACCOUNT, REGION, "xgb")])
                    await asyncio.sleep(SOON)
                    assert bell.is_set() is rings
                    # What was rung for once is not rung for again.
                    bell.clear()
                    await asyncio.sleep(SOON)
                    assert not bell.is_set()
                stop.set()

    heard_elsewhere()


def test_what_another_worker_owes_wakes_the_deliveries_once_and_in_half_a_second(tmp_path: Path) -> None:
    @in_virtual_time
    async def owed_elsewhere() -> None:
        async with a_store(tmp_path) as store:
            owed, stop = asyncio.Event(), asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                # Nothing is watched here: who only sends must hear of it too.
                tasks.create_task(Bells(store.hints, store.outbox, owed.set).run(stop))
                await asyncio.sleep(SOON)
                assert not owed.is_set()
                for number in range(2):
                    await store.watch.commit(SCOPE, [first_look(number)])
                    await asyncio.sleep(LOOK_SECONDS + MOMENT)
                    assert owed.is_set()
                    owed.clear()
                    await asyncio.sleep(SOON)
                    assert not owed.is_set()
                stop.set()

    owed_elsewhere()
