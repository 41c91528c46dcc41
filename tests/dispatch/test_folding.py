"""One job's queue, as people and as programs get it."""

from dataclasses import replace

import pytest

from notifier.dispatch.folding import fold, worth_telling
from notifier.model import Direction, Told
from tests.dispatch.rows import NOW, PEOPLE, PROGRAM, best, ended, started, stopping, watching

PICKY = replace(PEOPLE, min_improvement=0.01)


def test_programs_get_every_event_alone_and_in_order() -> None:
    queue = [started("a"), best("a"), best("a", 0.91), ended("a")]

    assert fold(queue, PROGRAM, Told(NOW, 0.9), NOW).messages == tuple((row,) for row in queue)


def test_the_first_new_best_goes_at_once() -> None:
    first = best("a")

    assert fold([first], PEOPLE, None, NOW).messages == ((first,),)


def test_a_later_best_waits_for_the_cooldown_and_is_not_dropped() -> None:
    folded = fold([best("a", 0.91)], PEOPLE, Told(NOW - 100, 0.9), NOW)

    assert (folded.messages, folded.silent, folded.wake_at) == ((), (), NOW + 200)


def test_bests_of_one_cooldown_go_as_one_message_when_it_is_over() -> None:
    queue = [best("a", 0.91), best("a", 0.92), best("a", 0.93)]

    assert fold(queue, PEOPLE, Told(NOW - 300, 0.9), NOW).messages == (tuple(queue),)


@pytest.mark.parametrize("after", [pytest.param(ended, id="an ending"), pytest.param(stopping, id="another status")])
def test_what_comes_next_takes_the_pending_bests_with_it(after: type) -> None:
    queue = [best("a", 0.91), best("a", 0.92), after("a")]

    assert fold(queue, PEOPLE, Told(NOW - 1, 0.9), NOW).messages == (tuple(queue),)


def test_the_clock_set_back_does_not_silence_bests() -> None:
    row = best("a", 0.91)

    assert fold([row], PEOPLE, Told(NOW + 86400, 0.9), NOW).messages == ((row,),)


def test_a_gain_too_small_to_tell_waits_as_the_newest_and_goes_silently_once_superseded() -> None:
    small, smaller = best("a", 0.901), best("a", 0.902)

    alone = fold([small], PICKY, Told(NOW - 900, 0.9), NOW)
    superseded = fold([small, smaller], PICKY, Told(NOW - 900, 0.9), NOW)

    assert (alone.messages, alone.silent) == ((), ())
    assert (superseded.messages, superseded.silent) == ((), (small,))


def test_an_ending_is_told_though_the_bests_before_it_are_too_small() -> None:
    small, ending = best("a", 0.901), ended("a")

    folded = fold([small, ending], PICKY, Told(NOW - 900, 0.9), NOW)

    assert (folded.messages, folded.silent) == (((ending,),), (small,))


def test_a_gain_is_measured_against_the_last_best_told_and_not_against_the_last_one_seen() -> None:
    small, enough = best("a", 0.905), best("a", 0.9095)

    folded = fold([small, enough], PICKY, Told(NOW - 900, 0.9), NOW)

    assert (folded.messages, folded.silent) == (((enough,),), (small,))


@pytest.mark.parametrize(
    ("told", "value", "direction", "worth"),
    [
        pytest.param(None, 0.5, Direction.MAXIMIZE, True, id="the first"),
        pytest.param(100.0, 101.0, Direction.MAXIMIZE, True, id="one per cent up"),
        pytest.param(100.0, 100.5, Direction.MAXIMIZE, False, id="half a per cent up"),
        pytest.param(100.0, 99.0, Direction.MINIMIZE, True, id="one per cent down"),
        pytest.param(100.0, 101.0, Direction.MINIMIZE, False, id="up where down is better"),
        pytest.param(-100.0, -99.0, Direction.MAXIMIZE, True, id="negative values"),
        pytest.param(0.0, 1e-9, Direction.MAXIMIZE, True, id="from zero anything is a gain"),
        pytest.param(0.9, None, Direction.MAXIMIZE, True, id="no value to compare"),
        pytest.param(100.0, 98.0, None, True, id="no direction, far away"),
        pytest.param(100.0, 100.5, None, False, id="no direction, near"),
    ],
)
def test_says_whether_a_gain_is_worth_telling(
    told: float | None, value: float | None, direction: str | None, worth: bool
) -> None:
    last = None if told is None else Told(NOW, told)

    assert worth_telling(best("a", value, direction), last, 0.01) is worth


def test_nothing_overtakes_a_row_that_waits() -> None:
    folded = fold([stopping("a", next_at=NOW + 5), ended("a")], PEOPLE, None, NOW)

    assert (folded.messages, folded.wake_at) == ((), NOW + 5)


def test_rows_refused_together_go_each_alone() -> None:
    queue = [best("a", 0.91), best("a", 0.92), ended("a")]

    folded = fold(queue, PEOPLE, Told(NOW - 1, 0.9), NOW, {row.seq for row in queue})

    assert folded.messages == tuple((row,) for row in queue)


def test_what_is_said_of_many_scopes_at_once_goes_to_people_as_one_message() -> None:
    queue = [watching() for _ in range(40)]

    assert fold(queue, PEOPLE, None, NOW).messages == (tuple(queue),)
    assert fold(queue, PROGRAM, None, NOW).messages == tuple((row,) for row in queue)


def test_a_word_on_a_scope_that_was_refused_leaves_the_others_together() -> None:
    before, refused, after, last = (watching() for _ in range(4))

    folded = fold([before, refused, after, last], PEOPLE, None, NOW, {refused.seq})

    assert folded.messages == ((before,), (refused,), (after, last))
