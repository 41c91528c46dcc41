"""How times of day are written: `09:00`; hours of quiet, `22:00-07:00, Fri-Sun 20:00-09:00`; and their time zone."""

import re
from datetime import UTC, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from notifier.model import QuietHours
from notifier.model.quiet import DAY, DAYS, Window

OFF = "off"
"""None here, whatever is set for all."""
_WINDOW = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+)?(?P<begin>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)",
    re.IGNORECASE | re.ASCII,
)
_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_AS_IN = "write for example 22:00-07:00, or Mon-Fri 20:00-08:00, Sat-Sun 00:00-24:00"


def _windows(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    texts = [] if value.strip().lower() == OFF else [part.strip() for part in value.split(",") if part.strip()]
    windows = tuple(_window(text) for text in texts)
    if windows and QuietHours(windows).until(0.0) == float("inf"):
        raise ValueError(f"leaves no time to tell anything: {_AS_IN}, or {OFF}")
    return windows


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"is not made of hours of the day: {_AS_IN}")
    begin, end = _minutes(match["begin"]), _minutes(match["end"])
    if begin in (end, DAY):
        raise ValueError(f"must begin before midnight and end at another time: {_AS_IN}")
    return Window(begin, end, _days(match["first"], match["last"]))


def _minutes(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if minutes > 59 or hours * 60 + minutes > DAY:
        raise ValueError(f"is not made of hours of the day: {_AS_IN}")
    return hours * 60 + minutes


def _days(first: str | None, last: str | None) -> tuple[int, ...]:
    if first is None:
        return tuple(range(7))
    names = [name.lower() for name in DAYS]
    if first.lower() not in names or (last or first).lower() not in names:
        raise ValueError(f"names a day that there is not: there are {', '.join(DAYS)}")
    begin, end = names.index(first.lower()), names.index((last or first).lower())
    return tuple((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _time_of_day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.strip().lower() in ("", OFF):
        return ""
    match = _TIME.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"is no time of day: write for example 09:00, or {OFF}")
    return match[0].zfill(5)


def minute_of(time_of_day: str) -> int:
    """The minute of the day that a valid time of day names."""
    hours, minutes = map(int, time_of_day.split(":"))
    return hours * 60 + minutes


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        raise ValueError(
            "is no time zone that this machine knows: write for example Europe/Berlin (where none is known,"
            " install tzdata)"
        ) from None


Windows = Annotated[tuple[Window, ...], BeforeValidator(_windows)]
"""Hours of the day, `22:00-07:00`, with days before them or without, split at commas; `off` for none."""

TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
"""`09:00`; empty for never, which `off` says too."""

TimeZone = Annotated[tzinfo, BeforeValidator(_zone)]
"""A time zone by its IANA name."""
