"""Rows of an outbox as tests write them: a job's letter, and what happened to it."""

from dataclasses import replace
from itertools import count
from typing import Any

from notifier.dispatch.notices import end_of
from notifier.model import Direction, EventType, NoticeType, Owed, Policy

PEOPLE = Policy("slack", "slack_webhook", people=True, best_cooldown=300.0, fingerprint="f1")
PROGRAM = Policy("webhook", "webhook", people=False, fingerprint="f1")
NOW = 1_700_000_000.0

_numbers = count(1)


def owed(job: str, event_type: str = EventType.STARTED, **changes: Any) -> Owed:
    """A row of this job, later than every row made before."""
    seq = next(_numbers)
    return Owed(seq, f"event-{seq}", job, event_type, NOW - 10, **changes)


def started(job: str, **changes: Any) -> Owed:
    return owed(job, EventType.STARTED, **changes)


def stopping(job: str, **changes: Any) -> Owed:
    return owed(job, EventType.STATUS_CHANGED, **changes)


def best(job: str, value: float | None = 0.9, direction: str | None = Direction.MAXIMIZE, **changes: Any) -> Owed:
    return owed(job, EventType.NEW_BEST, best_value=value, direction=direction, **changes)


def ended(job: str, **changes: Any) -> Owed:
    return owed(job, EventType.STATUS_CHANGED, final=True, **changes)


def notice(**changes: Any) -> Owed:
    return owed(NoticeType.DESTINATION_HELD, NoticeType.DESTINATION_HELD, **changes)


def watching(**changes: Any) -> Owed:
    return owed(NoticeType.WATCHING, NoticeType.WATCHING, **changes)


def end_of_hold(held: Owed) -> Owed:
    """The notice that takes this one back."""
    row = owed(NoticeType.DESTINATION_RECOVERED, NoticeType.DESTINATION_RECOVERED)
    return replace(row, event_id=end_of(held.event_id))
