"""Listings that come in pages."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from notifier.errors import CallFailed, Cause
from notifier.sources.calls import Calls
from notifier.sources.members import Answer, Unreadable, date_of, required_parts, required_text, text
from notifier.sources.operation import Operation

T = TypeVar("T")

PAGE_SIZE = 100
"""The most that List operations of tuning jobs give at once."""

UNREAD_ROWS = 10
"""So many rows of a page may be set aside: each costs a call, and a page with more of them is not what the API says."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page: its rows, the server's clock (UTC), and what asks for the next page; None on the last.

    `unread` says by its name what is wrong with a row that was set aside.
    """

    rows: tuple[T, ...]
    date: datetime
    next_token: str | None
    unread: Mapping[str, str] = field(default_factory=dict)


async def follow(
    calls: Calls,
    operation: Operation,
    member: str,
    row: Callable[[Answer], T],
    *,
    named_by: str | None = None,
    **members: Any,
) -> AsyncGenerator[Listed[T], None]:
    """Every page of a listing, each asked for when it is wanted; `member` holds the rows. Raises CallFailed.

    Only a page without NextToken is the last: a page can be short or empty and not be it. With `named_by`, the member
    that holds a row's name, single rows that cannot be read are set aside; without it, one is enough to fail the page.
    """

    def listed(answer: Answer) -> Listed[T]:
        rows: list[T] = []
        unread: dict[str, str] = {}
        for each in required_parts(answer, member):
            try:
                rows.append(row(each))
            except Unreadable as error:
                if named_by is None or len(unread) == UNREAD_ROWS:
                    raise
                unread[required_text(each, named_by)] = str(error)
        return Listed(tuple(rows), date_of(answer), text(answer, "NextToken"), unread)

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
