"""How long a scope rests: never longer than promised, and less where something is about to end."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.detection.interval import SLOWEST, full_every, near_end, rest
from notifier.detection.sweep import FULL_SECONDS
from notifier.model import ResourceLimits, Status, Summary, TrialCounts
from tests.examples import NOON

ROW = Summary(
    "xgb", None, Status.IN_PROGRESS, NOON, counts=TrialCounts(6, 4), limits=ResourceLimits(max_training_jobs=10)
)


@given(
    interval=st.floats(1, 1e5),
    idle=st.floats(0, 1e6),
    near=st.booleans(),
    dice=st.floats(0, 1),
)
def test_nobody_rests_longer_than_four_intervals_or_shorter_than_half_a_one(
    interval: float, idle: float, near: bool, dice: float
) -> None:
    seconds = rest(interval, idle=idle, near=near, dice=dice)

    assert 0.44 * interval <= seconds <= SLOWEST * interval
    if idle < 600:
        assert seconds <= interval


@pytest.mark.parametrize(
    ("idle", "near", "dice", "seconds"),
    [
        pytest.param(0.0, False, 0.0, 30.0, id="busy"),
        pytest.param(599.0, False, 0.0, 30.0, id="just-over"),
        pytest.param(600.0, False, 0.0, 60.0, id="over-for-ten-minutes"),
        pytest.param(3600.0, False, 0.0, 120.0, id="over-for-an-hour"),
        pytest.param(0.0, True, 0.0, 15.0, id="about-to-end"),
        pytest.param(0.0, False, 1.0, 27.0, id="out-of-step"),
    ],
)
def test_the_rest_follows_what_goes_on(idle: float, near: bool, dice: float, seconds: float) -> None:
    assert rest(30.0, idle=idle, near=near, dice=dice) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("row", "near"),
    [
        pytest.param(ROW, True, id="its-last-trials-have-begun"),
        pytest.param(replace(ROW, counts=TrialCounts(5, 4)), False, id="one-is-to-come"),
        pytest.param(replace(ROW, counts=TrialCounts(3, 4, 0, 2, 1)), True, id="failed-and-stopped-ones-count"),
        pytest.param(replace(ROW, counts=TrialCounts(10, 0)), False, id="nothing-runs"),
        pytest.param(replace(ROW, limits=ResourceLimits()), False, id="no-limit-is-known"),
        pytest.param(replace(ROW, status=Status.STOPPING, counts=TrialCounts()), True, id="stopping"),
        pytest.param(replace(ROW, status=Status.COMPLETED), False, id="over"),
    ],
)
def test_what_is_about_to_end(row: Summary, near: bool) -> None:
    assert near_end(row) is near


def test_full_sweeps_are_spread_over_a_quarter_of_a_day_and_none_is_late() -> None:
    every = [full_every(f"{number:012d}/us-east-1/hyperparameter") for number in range(1000)]

    assert all(0.75 * FULL_SECONDS <= each <= FULL_SECONDS for each in every)
    parts = Counter(int(16 * each / FULL_SECONDS) for each in every)
    assert all(parts[part] > 200 for part in (12, 13, 14, 15))
