"""What the watch loop says of itself: what it watches, and how many endings came too late to be told one by one."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from notifier.model import Notice, NoticeType, Remembered, Scope
from notifier.model.event import digest

WATCHED_NAMES = 10
LATE_NAMES = 20
"""How many jobs such a notice names."""


def watching(scope: Scope, where: str, jobs: Iterable[Remembered], baseline_at: float | None, now: datetime) -> Notice:
    """Once the first baseline stands, one message says what is watched: a set-up never looks dead.

    `where` reads after the word *in*.
    """
    names = sorted(each.name for each in jobs if each.unfinished and each.watched)
    count = f"{len(names)} tuning job{'' if len(names) == 1 else 's'}" if names else "tuning jobs"
    return Notice(
        id=digest(scope.key, NoticeType.WATCHING, str(baseline_at)),
        type=NoticeType.WATCHING,
        time=now,
        title=f"Watching {count} in {where}",
        lines=(
            f"In progress now: {_listed(names, WATCHED_NAMES)}" if names else "None is in progress now.",
            f"Account {scope.account_id}. New jobs, new bests and endings will be told here.",
        ),
        scope=scope.key,
    )


def caught_up(scope: Scope, where: str, jobs: Sequence[Remembered], now: datetime) -> Notice:
    """One line for all endings that are too old to be told one by one."""
    names = sorted(each.name for each in jobs)
    return Notice(
        id=digest(scope.key, NoticeType.CAUGHT_UP, *(each.identity.key for each in jobs)),
        type=NoticeType.CAUGHT_UP,
        time=now,
        title=f"{len(jobs)} tuning job{'s' if len(jobs) > 1 else ''} ended while nobody watched {where}",
        lines=(f"Too long ago to be told one by one: {_listed(names, LATE_NAMES)}",),
        scope=scope.key,
    )


def _listed(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
