"""How members of an answer are read. botocore checks no types: what is there may be anything."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

Answer = Mapping[str, Any]

T = TypeVar("T")


class Unreadable(ValueError):
    """An answer lacks a member that it must have, or has another type there."""


def text(answer: Answer, member: str) -> str | None:
    """A text; an empty one is absent."""
    value = answer.get(member)
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{member} is no text")
    return value or None


def required_text(answer: Answer, member: str) -> str:
    """A text that must be there: an HTTP 200 with any body at all parses to an answer without members."""
    value = answer.get(member)
    # What every answer in order holds goes first: a sweep reads thousands of rows.
    return value if type(value) is str and value else _present(text(answer, member), member)


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
    if type(given := answer.get(member)) is int:
        return given
    value = number(answer, member)
    return None if value is None else int(value)


def moment(answer: Answer, member: str) -> datetime | None:
    """A time, in UTC. It is so already, unless the answer wrote it as a text."""
    value = answer.get(member)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise Unreadable(f"{member} is no time")
    return value.astimezone(UTC)


def required_moment(answer: Answer, member: str) -> datetime:
    """A time that must be there, in UTC."""
    return _present(moment(answer, member), member)


def part(answer: Answer, member: str) -> Answer:
    """A structure; an absent one has no members."""
    value = answer.get(member)
    if value is not None and not isinstance(value, Mapping):
        raise Unreadable(f"{member} is no structure")
    return value or {}


def required_part(answer: Answer, member: str) -> Answer:
    """A structure that must be there."""
    _present(answer.get(member), member)
    return part(answer, member)


def parts(answer: Answer, member: str) -> list[Answer]:
    """A list of structures; an absent one is empty."""
    return list(answer.get(member) or ())


def required_parts(answer: Answer, member: str) -> list[Answer]:
    """A list of structures that must be there, but may be empty."""
    _present(answer.get(member), member)
    return parts(answer, member)


def date_of(answer: Answer) -> datetime:
    """When the server answered (`Date`, RFC 1123), in UTC; by the local clock where it does not say."""
    header = part(part(answer, "ResponseMetadata"), "HTTPHeaders").get("date")
    try:
        date = parsedate_to_datetime(str(header))
    except ValueError:
        return datetime.now(UTC)
    return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)


def _present(value: T | None, member: str) -> T:
    if value is None:
        raise Unreadable(f"{member} is missing")
    return value
