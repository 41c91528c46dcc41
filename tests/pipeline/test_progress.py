"""A first look that takes long says so where people look why nothing is heard yet."""

from notifier.app import Board
from notifier.model import Place
from notifier.web import Health, Metrics
from tests.examples import REGION


def test_readiness_says_in_plain_words_that_the_first_look_is_being_taken() -> None:
    board = Board(Health(clock=lambda: 0.0), Metrics("test"))
    board.health.watch(REGION, REGION, within=300.0)

    board.looking(Place(REGION), 120, 3000)
    assert board.health.stale() == [f"{REGION}: not swept yet: taking the first look: 120 of 3,000 jobs so far"]

    board.swept(Place(REGION), "ok", 3600.0)
    assert board.health.stale() == []
