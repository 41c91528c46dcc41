"""How far down a sweep reads, and what it looks at more closely."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType

from notifier.model import FINAL, JobIdentity, Remembered, ScopeState, Summary, ended

PAGE_ROWS = 100
LATE_SECONDS = 3600.0
"""How long a row may take to appear in List: a job created this long before a complete sweep may be new in the next."""
FULL_SECONDS = 86400.0
AUDIT_SECONDS = 3600.0
AUDIT_SHARE = 0.01
KEPT_SECONDS = 7 * 86400.0


def history_before(state: ScopeState) -> float | None:
    """The creation (epoch seconds) before which a job first seen ended is history; None before the first baseline."""
    return None if state.complete_at is None else state.complete_at - LATE_SECONDS


def kept_after(state: ScopeState, now: float) -> float:
    """The creation (epoch seconds) before which ended jobs need not be remembered: no sweep can take them for news."""
    floor = now if state.complete_at is None else min(now, state.complete_at)
    return floor - LATE_SECONDS - KEPT_SECONDS


def full_sweep_due(state: ScopeState, now: float, every: float = FULL_SECONDS) -> bool:
    """Whether the next sweep reads every row: the first, then `every` so many seconds."""
    # Either way: the local clock may be behind the server's, by which sweeps are dated.
    return state.full_at is None or abs(now - state.full_at) >= every


def horizon(floor: float, unfinished: Iterable[Remembered], rows: Sequence[float]) -> float:
    """The creation (epoch seconds) down to which List reads; unfinished jobs beyond it are described by name.

    Never later than `floor` (what may be new); where pages and describes together are fewest. `rows` are the creations
    of all rows known, ascending.
    """
    older = sorted(float(each.identity.created) for each in unfinished if each.identity.created < floor)
    best, cost = floor, _pages(rows, floor) + len(older)
    if older:
        # For each number of pages only the deepest job that they reach can be the best.
        for pages in range(_pages(rows, older[-1]), _pages(rows, older[0]) + 1):
            beyond = len(rows) - PAGE_ROWS * pages
            left = bisect_right(older, rows[beyond]) if beyond >= 0 else 0
            if left < len(older) and pages + left <= cost:
                best, cost = older[left], pages + left
    return best


def _pages(rows: Sequence[float], down_to: float) -> int:
    newer = len(rows) - bisect_left(rows, down_to)
    return max(1, math.ceil((newer + 1) / PAGE_ROWS))  # The row that ends the reading is read too.


class Look(Enum):
    """What a row deserves."""

    NOTHING = "nothing"
    NOTE = "note"
    """Remember the row as it is; nothing is told."""
    DESCRIBE = "describe"


def look(row: Summary, memory: Remembered | None, *, watched: bool, silent: bool, history: float | None) -> Look:
    """What a row deserves. `watched`: the settings select it; `silent`: a baseline is being taken.

    `history` is epoch seconds: an ended job created before it, and not seen before, is not told.
    """
    if memory is None:
        old = ended(row.status) and (
            silent or row.status not in FINAL or (history is not None and row.created_at.timestamp() < history)
        )
        return Look.DESCRIBE if watched and not old else Look.NOTE
    if not watched:
        return Look.NOTE if memory.watched or _differs(row, memory) else Look.NOTHING
    if not memory.watched:
        return Look.NOTE if ended(row.status) else Look.DESCRIBE
    return Look.DESCRIBE if _moved(row, memory) else Look.NOTHING


def _moved(row: Summary, memory: Remembered) -> bool:
    if not memory.told:
        return True
    if memory.status in FINAL and row.status != memory.status:
        return False  # A stale row, or the deletion of an ended job: neither is news.
    return _differs(row, memory) or not (memory.described or ended(memory.status))


def _differs(row: Summary, memory: Remembered) -> bool:
    return row.status != memory.status or row.counts != memory.counts


def audit(
    unfinished: Collection[Remembered],
    now: float,
    looked_at: Container[JobIdentity] = (),
    asked: Mapping[JobIdentity, float] = MappingProxyType({}),
) -> list[Remembered]:
    """Unfinished jobs to be described though nothing moved: at most 1 % (or one), the oldest look first.

    `looked_at` are those that are looked at in this sweep anyway; `asked` says when an audit last asked for a job
    (epoch seconds): one that gives no answer must not take the turn of the others.
    """

    def last(job: Remembered) -> float:
        return max(job.looked_at, asked.get(job.identity, 0.0))

    due = sorted(
        (
            each
            for each in unfinished
            if now - last(each) >= AUDIT_SECONDS and each.described and each.identity not in looked_at
        ),
        key=last,
    )
    return due[: max(1, int(len(unfinished) * AUDIT_SHARE))]


def locked_out(denied: Iterable[Remembered | None], answered_at: float, now: float) -> bool:
    """Whether a sweep in which every Describe was denied shows that no job can be described.

    A policy may also leave out single jobs, and where the others rest, those are all that is asked for. But a job that
    could be described before (`denied` are the jobs, as remembered) is none of these; and an audit would have had an
    answer from another job within the hour: `answered_at` is the last answer of any job. Both times are epoch seconds.
    """
    return any(each is not None and each.described for each in denied) or now - answered_at >= AUDIT_SECONDS
