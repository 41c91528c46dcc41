"""Numbers as people write them: values, differences, shares, spans of time."""

import math
import re
import struct
from datetime import UTC, datetime
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_WRITTEN_OUT = range(-4, 7)
"""The powers of ten between which a number is written out; others go in e-notation."""


def number(value: float, digits: int = 0) -> str:
    """A value with `digits` significant ones; by default 4 below 1, else 5. Whole digits are never rounded away.

    >>> number(0.8907399773597717), number(1234567.8), number(0.0000021)
    ('0.8907', '1234568', '2.1e-6')
    """
    if not math.isfinite(value):
        return "n/a"
    meant = narrowed(value)
    if meant == 0:
        return "0"
    power = math.floor(math.log10(abs(meant)))
    digits = digits or (4 if power < 0 else 5)
    if power not in _WRITTEN_OUT:
        mantissa, _, exponent = f"{meant:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    rounded = _rounded(meant, max(digits, power + 1))
    # 0.99998 is not 1: an accuracy must not look perfect by rounding.
    while abs(meant) < 1 <= abs(rounded):
        digits += 1
        rounded = _rounded(meant, digits)
    return _trimmed(f"{Decimal(repr(rounded)):f}")


def narrowed(value: float) -> float:
    """The value that was meant: SageMaker widens 32-bit floats, so 0.8907399773597717 was 0.89074."""
    if _single(value) != value:
        return value
    candidates = (_rounded(value, digits) for digits in range(1, 10))
    return next((each for each in candidates if _single(each) == value), value)


def apart(before: float, after: float) -> tuple[str, str]:
    """Both values, with as many digits as it takes to tell them apart where they differ."""
    texts = (number(before), number(after))
    for digits in range(5, 18):
        if before == after or texts[0] != texts[1]:
            break
        texts = (number(before, digits), number(after, digits))
    return texts


def parameter(text: str) -> str:
    """A hyperparameter's value: text that is a decimal number reads as one, other text stays.

    >>> parameter("0.29917442870770167"), parameter("8"), parameter("2.0"), parameter('"sgd"')
    ('0.2992', '8', '2', 'sgd')
    """
    text = _unquoted(text)
    value = _value(text)
    return text if value is None or _INTEGER.fullmatch(text) else number(value)


def parameters_apart(before: str, after: str) -> tuple[str, str] | None:
    """Two values of one hyperparameter, told apart; None where they are the same (`26` and `26.0` are)."""
    before, after = _unquoted(before), _unquoted(after)
    was, now = _value(before), _value(after)
    if before == after or (was is not None and was == now):
        return None
    if was is None or now is None or _INTEGER.fullmatch(before) or _INTEGER.fullmatch(after):
        return parameter(before), parameter(after)
    return apart(was, now)


def difference(current: float, reference: float) -> str:
    """How far a value came, as a person says it: `up 0.00185 (0.21 %)`. Both are finite and differ."""
    now, then = narrowed(current), narrowed(reference)
    share = abs(now - then) / abs(then) if then else math.inf
    moved = f"{'up' if now > then else 'down'} {number(abs(now - then), 3)}"
    # A share of something near zero, ten times and more, says nothing that the values do not.
    return f"{moved} ({percent(share)})" if share < 10 else moved


def percent(share: float) -> str:
    """A share of one: 0.0021 is `0.21 %`."""
    value = abs(share) * 100
    if 0 < value < 0.01:
        return "under 0.01 %"
    return f"{value:.0f} %" if value >= 10 else f"{number(value, 2)} %"


def duration(seconds: float) -> str:
    """A span by its two largest units: `45 s`, `12 min`, `1 h 12 min`, `2 d 3 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours < 1:
        return f"{minutes} min"
    big, small = (f"{hours} h", minutes % 60) if days < 1 else (f"{days} d", hours % 24)
    return f"{big} {small} {'min' if days < 1 else 'h'}" if small else big


def moment(time: datetime) -> str:
    """A moment, in UTC and to the minute: `31 Jan 12:00 UTC`."""
    there = time.astimezone(UTC)
    return f"{there.day} {there:%b %H:%M} UTC"


def exact(text: str) -> float | int | str:
    """A hyperparameter's value as a program takes it: the number that it is, or its text."""
    meant = _unquoted(text)
    value = _value(meant)
    if value is None:
        return meant
    return int(meant) if _INTEGER.fullmatch(meant) else value


def _unquoted(text: str) -> str:
    # Framework estimators send every value as JSON: text comes in quotes.
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _value(text: str) -> float | None:
    """The number that a text is; None where it is none, or too large to be one."""
    value = float(text) if len(text) < 64 and _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def _single(value: float) -> float | None:
    """The nearest 32-bit float, None where there is none."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return None
    return single


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
