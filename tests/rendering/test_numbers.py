"""Numbers read as people write them."""

import math
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(0.8907399773597717, "0.8907", id="a-widened-32-bit-value"),
        pytest.param(2.815459966659546, "2.8155", id="above-one"),
        pytest.param(15.150492668151855, "15.15", id="trailing-nought"),
        pytest.param(0.002936, "0.002936", id="small"),
        pytest.param(0.0000021, "2.1e-6", id="tiny"),
        pytest.param(1e-4, "0.0001", id="the-smallest-written-out"),
        pytest.param(1234567.8, "1234568", id="whole-digits-stay"),
        pytest.param(4.2e9, "4.2e9", id="huge"),
        pytest.param(0.99998, "0.99998", id="not-perfect"),
        pytest.param(-0.25, "-0.25", id="negative"),
        pytest.param(0.0, "0", id="nought"),
        pytest.param(-0.0, "0", id="negative-nought"),
        pytest.param(1.0, "1", id="whole"),
        pytest.param(math.nan, "n/a", id="not-a-number"),
        pytest.param(math.inf, "n/a", id="infinite"),
        pytest.param(3.4028234663852886e38, "3.4028e38", id="the-largest-32-bit-value"),
        pytest.param(1e-45, "1e-45", id="smaller-than-32-bits-can-say"),
    ],
)
def test_a_value_reads_as_people_write_it(value: float, text: str) -> None:
    assert numbers.number(value) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_value_meant_is_the_same_32_bit_value(value: float) -> None:
    meant = numbers.narrowed(value)

    assert struct.pack("f", meant) == struct.pack("f", value)


@given(st.floats(-1e300, 1e300))
def test_a_value_as_text_is_close_to_it(value: float) -> None:
    assert math.isclose(float(numbers.number(value)), value, rel_tol=1e-3, abs_tol=1e-38)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_two_values_that_differ_read_differently(before: float, after: float) -> None:
    texts = numbers.apart(before, after)

    assert (texts[0] != texts[1]) == (before != after)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("0.29917442870770167", "0.2992", id="long"),
        pytest.param("8", "8", id="whole-stays"),
        pytest.param("007", "007", id="leading-noughts-stay"),
        pytest.param("12345678901234567890", "12345678901234567890", id="long-whole-stays"),
        pytest.param("2.0", "2", id="whole-with-a-point"),
        pytest.param("5e-05", "5e-5", id="e-notation"),
        pytest.param('"sgd"', "sgd", id="json-text"),
        pytest.param('"256"', "256", id="json-number"),
        pytest.param("adam", "adam", id="text"),
        pytest.param("nan", "nan", id="text-that-python-takes-for-a-number"),
        pytest.param("1_000.5", "1_000.5", id="underscores-are-text"),
        pytest.param("1e999", "1e999", id="too-large"),
        pytest.param("", "", id="empty"),
        pytest.param('"', '"', id="one-quote"),
        pytest.param("٣.٥", "٣.٥", id="other-digits-are-text"),
    ],
)
def test_a_hyperparameter_that_is_a_number_reads_as_one(text: str, shown: str) -> None:
    assert numbers.parameter(text) == shown


@pytest.mark.parametrize(
    ("before", "after", "pair"),
    [
        pytest.param("26", "26.0", None, id="the-same-number"),
        pytest.param("adam", "adam", None, id="the-same-text"),
        pytest.param("adam", '"adam"', None, id="the-same-text-quoted"),
        pytest.param("0.299171", "0.299172", ("0.299171", "0.299172"), id="told-apart"),
        pytest.param("0.3", "0.25", ("0.3", "0.25"), id="numbers"),
        pytest.param("sgd", "0.5", ("sgd", "0.5"), id="text-and-number"),
    ],
)
def test_a_change_is_told_only_where_there_is_one(before: str, after: str, pair: tuple[str, str] | None) -> None:
    assert numbers.parameters_apart(before, after) == pair


@pytest.mark.parametrize(
    ("current", "reference", "text"),
    [
        pytest.param(0.8907399773597717, 0.8888900279998779, "up 0.00185 (0.21 %)", id="up"),
        pytest.param(2.1522631645202637, 15.150492668151855, "down 13 (86 %)", id="down"),
        pytest.param(0.5, 0.0, "up 0.5", id="from-nought"),
        pytest.param(0.5, 1e-9, "up 0.5", id="from-nearly-nought"),
        pytest.param(100.00001, 100.0, "up 0.00001 (under 0.01 %)", id="hardly"),
    ],
)
def test_a_difference_is_told_in_words(current: float, reference: float, text: str) -> None:
    assert numbers.difference(current, reference).replace("1e-5", "0.00001") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-5, "0 s", id="negative"),
        pytest.param(45.9, "45 s", id="seconds"),
        pytest.param(12 * 60 + 59, "12 min", id="minutes"),
        pytest.param(72 * 60, "1 h 12 min", id="hours"),
        pytest.param(7200, "2 h", id="whole-hours"),
        pytest.param(51 * 3600, "2 d 3 h", id="days"),
        pytest.param(86400, "1 d", id="a-day"),
    ],
)
def test_a_span_is_told_by_its_two_largest_units(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_a_moment_is_told_in_utc() -> None:
    assert numbers.moment(datetime(2026, 1, 31, 14, 0, tzinfo=timezone(timedelta(hours=2)))) == "31 Jan 12:00 UTC"
    assert numbers.moment(datetime(2026, 2, 1, tzinfo=UTC)) == "1 Feb 00:00 UTC"
