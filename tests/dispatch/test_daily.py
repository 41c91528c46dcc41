"""When the summary of a day is due."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.dispatch.daily import LATE, Daily

BERLIN = ZoneInfo("Europe/Berlin")
NINE = Daily(9 * 60, BERLIN)
moments = st.integers(1_230_000_000, 1_890_000_000).map(float)
dailies = st.builds(
    Daily, st.integers(0, 1439), st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "UTC"]).map(ZoneInfo)
)


def at(day: int, hour: int, month: int = 11) -> float:
    return datetime(2026, month, day, hour, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("now", "day"),
    [
        pytest.param(at(25, 9), 25, id="now"),
        pytest.param(at(25, 20), 25, id="a-little-late"),
        pytest.param(at(25, 21), None, id="too-late"),
        pytest.param(at(25, 8), None, id="not-yet"),
    ],
)
def test_it_is_due_from_its_time_on(now: float, day: int | None) -> None:
    due = NINE.due(now)

    assert (due.day if due else None) == (date(2026, 11, day) if day else None)


def test_a_day_may_have_another_length() -> None:
    due = NINE.due(at(29, 10, month=3))

    assert due is not None and due.until - due.since == 23 * 3600


@given(dailies, moments)
def test_each_day_begins_where_the_one_before_ended(daily: Daily, now: float) -> None:
    due = daily.due(now)
    if due is None:
        return
    assert due.until <= now < due.until + LATE
    before = daily.due(due.since)
    assert before is not None and before.until == due.since
