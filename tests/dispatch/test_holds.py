"""How long a destination is left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.dispatch.holds import LONGEST, alarming, asked, held, pause, standing
from notifier.errors import DeliveryError, Fault
from notifier.model import Hold
from tests.dispatch.rows import NOW, PROGRAM

DOWN = DeliveryError("webhook: HTTP 500", Fault.DESTINATION)
GONE = DeliveryError("webhook: HTTP 410", Fault.GONE)


def throttled(after: float | None) -> DeliveryError:
    return DeliveryError("webhook: HTTP 429", Fault.NOBODY, after=after)


def test_pauses_double_to_a_minute_within_the_first_hour_then_last_ten() -> None:
    young = [pause(failures, NOW, NOW + 60, dice=0.5) for failures in range(1, 9)]

    assert young == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(30, NOW, NOW + 3600, dice=0.5) == 600


def test_a_clock_that_was_set_by_an_hour_makes_no_pause_long() -> None:
    assert pause(3, NOW, NOW + 3601, dice=0.5) == 4


@given(failures=st.integers(0, 100_000), age=st.floats(-1e6, 1e6), dice=st.floats(0, 1))
def test_a_pause_is_jittered_by_a_fifth_and_never_under_a_second(failures: int, age: float, dice: float) -> None:
    wait, calm = (pause(failures, NOW, NOW + age, each) for each in (dice, 0.5))

    assert max(1.0, calm * 0.799) <= wait <= calm * 1.201


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        pytest.param(7.0, 7.0, 8.4, id="seconds"),
        pytest.param(3600.0, 3600.0, 4320.0, id="an hour"),
        pytest.param(1e9, 3600.0, 4320.0, id="thirty years are probed hourly"),
        pytest.param(float("inf"), 3600.0, 4320.0, id="for ever is probed hourly"),
        pytest.param(-5.0, 1.0, 1.2, id="negative"),
        pytest.param(0.0, 1.0, 1.2, id="nought"),
    ],
)
def test_waits_as_asked_and_never_less(after: float, least: float, most: float) -> None:
    waits = [asked(after, dice) for dice in (0.0, 0.5, 1.0)]

    assert waits == sorted(waits)
    assert least <= waits[0] and waits[-1] <= most


def test_being_asked_to_wait_is_no_failure() -> None:
    hold = held(None, PROGRAM, throttled(30.0), NOW, 0.0, probe=False)

    assert (hold.until, hold.failures) == (NOW + 30, 0)


def test_being_throttled_without_a_time_waits_longer_each_time() -> None:
    first = held(None, PROGRAM, throttled(None), NOW, 0.5, probe=False)
    second = held(first, PROGRAM, throttled(None), NOW + 1, 0.5, probe=True)

    assert (first.until, second.until) == (NOW + 1, NOW + 3)


def test_what_is_gone_is_held_for_ever() -> None:
    assert held(None, PROGRAM, GONE, NOW, 0.5, probe=False).until is None


def test_sends_that_fail_together_are_one_failure() -> None:
    hold = held(None, PROGRAM, DOWN, NOW, 0.5, probe=False)
    for _ in range(3):
        hold = held(hold, PROGRAM, DOWN, NOW + 0.1, 0.5, probe=False)

    assert hold.failures == 1


def test_a_shorter_wait_does_not_cut_a_longer_one_short() -> None:
    long = held(None, PROGRAM, throttled(120.0), NOW, 0.0, probe=False)

    assert held(long, PROGRAM, DOWN, NOW + 1, 0.5, probe=False).until == NOW + 120


def test_a_hold_for_ever_is_not_ended_by_an_answer_from_before_it() -> None:
    gone = held(None, PROGRAM, GONE, NOW, 0.5, probe=False)

    assert held(gone, PROGRAM, throttled(5.0), NOW + 1, 0.5, probe=False).until is None


def test_a_clock_set_back_leaves_no_endless_hold() -> None:
    ahead = held(None, PROGRAM, DOWN, NOW + 86400, 0.5, probe=False)

    probed, late = (held(ahead, PROGRAM, DOWN, NOW, 0.5, probe=probe).until for probe in (True, False))

    assert probed == NOW + 2
    assert late == NOW + LONGEST


def test_new_settings_lift_a_hold() -> None:
    hold = held(None, PROGRAM, GONE, NOW, 0.5, probe=False)

    assert standing(hold, PROGRAM) is hold
    assert standing(hold, replace(PROGRAM, fingerprint="f2")) is None


@pytest.mark.parametrize(
    ("hold", "alarms"),
    [
        pytest.param(None, False, id="none"),
        pytest.param(Hold(NOW + 16, NOW, 5, "", "f1"), False, id="one message's failures"),
        pytest.param(Hold(NOW + 63, NOW, 6, "", "f1"), True, id="more than one message's failures"),
        pytest.param(Hold(None, NOW, 1, "", "f1"), True, id="for ever"),
        pytest.param(Hold(NOW + 900, NOW, 0, "", "f1"), True, id="a long wait"),
    ],
)
def test_says_when_an_operator_should_hear_of_it(hold: Hold | None, alarms: bool) -> None:
    assert alarming(hold) is alarms
