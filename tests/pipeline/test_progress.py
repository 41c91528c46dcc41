"""A first look that takes long says so where people look why nothing is heard yet."""

import asyncio

import pytest
from structlog.testing import capture_logs

from notifier.app import Board
from notifier.app.board import SUM_SECONDS
from notifier.model import Place
from notifier.web import Health, Metrics
from tests.examples import REGION
from tests.virtual import in_virtual_time


def test_readiness_says_in_plain_words_that_the_first_look_is_being_taken() -> None:
    board = Board(Health(clock=lambda: 0.0), Metrics("test"))
    board.health.watch(REGION, REGION, within=300.0)

    board.looking(Place(REGION), 120, 3000)
    assert board.health.stale() == [f"{REGION}: not swept yet: taking the first look: 120 of 3,000 jobs so far"]

    board.swept(Place(REGION), "ok", 3600.0)
    assert board.health.stale() == []


@pytest.mark.parametrize("many", [True, False], ids=["many", "few"])
def test_the_first_looks_of_many_scopes_are_told_of_in_one_line(many: bool) -> None:
    places = [Place(REGION, f"{number:012d}") for number in range(3)]

    @in_virtual_time
    async def summed_up() -> None:
        board, stop = Board(Health(), Metrics("test"), many=many), asyncio.Event()
        for place in places:
            board.health.watch(str(place), REGION, 300.0)
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(board.run(stop))
                for looked_at in (10, 20):
                    for place in places:
                        board.looking(place, looked_at, 100)
                    await asyncio.sleep(SUM_SECONDS + 1)
                    board.swept(places.pop(), "ok", 1.0)
                board.unwatched(places.pop())
                await asyncio.sleep(2 * SUM_SECONDS)
                stop.set()

        lines = [(each["scopes"], each["looked_at"], each["jobs"]) for each in logs]
        assert lines == ([(3, 30, 300), (2, 40, 200)] if many else [])

    summed_up()
