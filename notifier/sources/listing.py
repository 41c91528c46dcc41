"""Listings that come in pages."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from notifier.errors import CallFailed, Cause
from notifier.sources.calls import Calls
from notifier.sources.members import Answer, date_of, required_parts, text
from notifier.sources.operation import Operation

T = TypeVar("T")

PAGE_SIZE = 100
"""The most that List operations of tuning jobs give at once."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page: its rows, the server's clock (UTC), and what asks for the next page; None on the last."""

    rows: tuple[T, ...]
    date: datetime
    next_token: str | None


async def follow(
    calls: Calls, operation: Operation, member: str, row: Callable[[Answer], T], **members: Any
) -> AsyncGenerator[Listed[T], None]:
    """Every page of a listing, each asked for when it is wanted; `member` holds the rows. Raises CallFailed.

    Only a page without NextToken is the last: a page can be short or empty and not be it.
    """

    def listed(answer: Answer) -> Listed[T]:
        rows = tuple(row(each) for each in required_parts(answer, member))
        return Listed(rows, date_of(answer), text(answer, "NextToken"))

    seen: set[str] = set()
    while True:
        page = await calls.ask(operation, listed, MaxResults=PAGE_SIZE, **members)
        if page.next_token in seen:
            circle = f"{operation} in {calls.place.phrase}: the listing goes round in a circle, NextToken came twice"
            raise CallFailed(Cause.MALFORMED, circle, operation.action)
        yield page
        if page.next_token is None:
            return
        seen.add(page.next_token)
        members["NextToken"] = page.next_token
