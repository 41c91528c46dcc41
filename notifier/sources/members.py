"""How members of an answer are read. botocore checks no types: what is there may be anything."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

Answer = Mapping[str, Any]


class Unreadable(ValueError):
    """An answer lacks a member that it must have, or has another type there."""


def require(answer: Answer, *members: str) -> None:
    """Raise Unreadable where a member is absent, or an empty text. An HTTP 200 with any body parses to no members."""
    if absent := [member for member in members if answer.get(member) in (None, "")]:
        raise Unreadable(f"{', '.join(absent)} is missing")


def text(answer: Answer, member: str) -> str | None:
    """A text; an empty one is absent."""
    value = answer.get(member)
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{member} is no text")
    return value or None


def number(answer: Answer, member: str) -> float | None:
    """A number as it was given; NaN and Infinity are absent."""
    value = answer.get(member)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{member} is no number")
    return value if math.isfinite(value) else None


def count(answer: Answer, member: str) -> int | None:
    """A whole number."""
    value = number(answer, member)
    return None if value is None else int(value)


def moment(answer: Answer, member: str) -> datetime | None:
    """A time, in UTC: botocore gives the local zone."""
    value = answer.get(member)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise Unreadable(f"{member} is no time")
    return value.astimezone(UTC)


def part(answer: Answer, member: str) -> Answer:
    """A structure; an absent one has no members."""
    value = answer.get(member)
    if value is not None and not isinstance(value, Mapping):
        raise Unreadable(f"{member} is no structure")
    return value or {}


def parts(answer: Answer, member: str) -> list[Answer]:
    """A list of structures; an absent one is empty."""
    return list(answer.get(member) or ())


def date_of(answer: Answer) -> datetime:
    """When the server answered (`Date`, RFC 1123), in UTC; by the local clock where it does not say."""
    header = part(part(answer, "ResponseMetadata"), "HTTPHeaders").get("date")
    try:
        date = parsedate_to_datetime(str(header))
    except ValueError:
        return datetime.now(UTC)
    return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
