"""Quiet hours by the clock on the wall, through all its changes, and what they keep waiting."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from notifier.dispatch.queue import Look, plan, resting
from notifier.model import Hold, QuietHours
from notifier.model.quiet import DAY, Window
from tests.dispatch.rows import NOW, PEOPLE, started

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours((Window(22 * 60, 7 * 60),), BERLIN)
WEEKEND = QuietHours((Window(22 * 60, 7 * 60), Window(0, DAY, (5, 6))), BERLIN)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC")

minutes = st.integers(0, DAY - 1)
windows = st.builds(
    Window, minutes, minutes | st.just(DAY), st.integers(0, 6).map(lambda day: (day,)) | st.just(tuple(range(7)))
).filter(lambda window: window.begin != window.end)
moments = st.integers(1_230_000_000, 1_890_000_000)


def at(year: int, month: int, day: int, hour: int, minute: int) -> float:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).timestamp()


def shows(hours: QuietHours, moment: float) -> bool:
    """Whether a clock shows a quiet time, reckoned day by day."""
    there = datetime.fromtimestamp(moment, hours.zone).replace(tzinfo=None)
    for window in hours.windows:
        for back in (0, 1):
            midnight = there.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
            begin = midnight + timedelta(minutes=window.begin)
            end = midnight + timedelta(minutes=window.end + (DAY if window.end <= window.begin else 0))
            if midnight.weekday() in window.days and begin <= there < end:
                return True
    return False


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        pytest.param(NIGHT, at(2026, 11, 25, 23, 0), at(2026, 11, 26, 7, 0), id="before-midnight"),
        pytest.param(NIGHT, at(2026, 11, 26, 6, 59), at(2026, 11, 26, 7, 0), id="after-midnight"),
        pytest.param(NIGHT, at(2026, 11, 26, 7, 0), None, id="over"),
        pytest.param(WEEKEND, at(2026, 11, 27, 23, 0), at(2026, 11, 30, 7, 0), id="nights-and-days-join"),
        pytest.param(NIGHT, at(2026, 3, 28, 23, 0), at(2026, 3, 29, 7, 0), id="a-night-of-seven-hours"),
        pytest.param(NIGHT, at(2026, 10, 24, 23, 0), at(2026, 10, 25, 7, 0), id="a-night-of-nine-hours"),
    ],
)
def test_when_the_quiet_ends(hours: QuietHours, now: float, end: float | None) -> None:
    assert hours.until(now) == end


def test_an_end_that_no_clock_shows_is_where_the_hands_jump() -> None:
    hours = QuietHours((Window(22 * 60, 2 * 60 + 30),), BERLIN)

    assert hours.until(at(2026, 3, 29, 1, 0)) == at(2026, 3, 29, 3, 0)


@example([Window(1380, 150)], "Europe/Berlin", int(at(2026, 3, 29, 0, 0)))
@example([Window(1380, 150)], "Europe/Berlin", int(at(2026, 10, 25, 0, 0)))
@given(st.lists(windows, min_size=1, max_size=3), st.sampled_from(ZONES), moments)
def test_it_is_quiet_exactly_while_the_clock_shows_it(given: list[Window], zone: str, now: int) -> None:
    hours = QuietHours(tuple(given), ZoneInfo(zone))
    end = hours.until(now)
    assume(end != float("inf"))

    assert (end is not None) is shows(hours, now)
    if end is not None:
        assert not shows(hours, end)
        assert all(shows(hours, moment) for moment in range(now, int(end), 60))


def test_a_week_of_quiet_never_ends() -> None:
    assert QuietHours((Window(0, DAY),)).until(NOW) == float("inf")


def test_nothing_goes_until_the_quiet_is_over() -> None:
    now = at(2026, 11, 25, 23, 0)
    policy = replace(PEOPLE, quiet=NIGHT)
    row = started("a")

    assert plan(policy, Look(now, [row]), digest_jobs=10).batches == ()
    assert plan(policy, Look(now, [row]), digest_jobs=10).wake_at == at(2026, 11, 26, 7, 0)
    assert plan(policy, Look(at(2026, 11, 26, 7, 0), [row]), digest_jobs=10).batches == ((row,),)


@pytest.mark.parametrize(
    ("until", "rests"),
    [
        pytest.param(None, float("inf"), id="held-for-ever"),
        pytest.param(at(2026, 11, 26, 8, 0), at(2026, 11, 26, 8, 0), id="held-for-longer"),
        pytest.param(at(2026, 11, 25, 23, 5), at(2026, 11, 26, 7, 0), id="held-for-shorter"),
    ],
)
def test_of_a_hold_and_the_quiet_the_longer_counts(until: float | None, rests: float) -> None:
    policy = replace(PEOPLE, quiet=NIGHT)

    assert resting(policy, Hold(until, NOW, 1, "500", "f1"), at(2026, 11, 25, 23, 0)) == rests
