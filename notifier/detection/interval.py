"""How long a scope rests between two sweeps: less where something is about to end, more where nothing goes on."""

from zlib import crc32

from notifier.detection.sweep import FULL_SECONDS
from notifier.model import Status, Summary, ended

SLOWEST = 4.0
"""A scope without unfinished jobs is swept so many times less often in the end."""
NEAR = 0.5
JITTER = 0.1
SPREAD = 0.25
_IDLE = ((3600.0, SLOWEST), (600.0, 2.0))
"""Seconds without an unfinished job, and how many times longer the rest is from then on; the longest first."""


def rest(interval: float, *, idle: float = 0.0, near: bool = False, dice: float = 0.0) -> float:
    """Seconds from the start of one sweep to the next.

    `interval` is the setting; `idle` for how long (seconds) no watched job has been unfinished; `near`: one is about to
    end. `dice`, 0 to 1, takes up to a tenth away, so that many scopes do not march in step.
    """
    times = NEAR if near else next((times for since, times in _IDLE if idle >= since), 1.0)
    return interval * times * (1 - JITTER * dice)


def near_end(row: Summary) -> bool:
    """Whether a job is about to end: it is stopping, or its last trials have begun."""
    if row.status == Status.STOPPING:
        return True
    counts, most = row.counts, row.limits.max_training_jobs
    if most is None or ended(row.status) or not counts.in_progress:
        return False
    return counts.completed + counts.in_progress + counts.stopped + counts.non_retryable_error >= most


def full_every(scope: str) -> float:
    """Seconds between two sweeps of a scope that read every row: a day, or up to a quarter less.

    Each scope has a time of its own, so that those that began together do not read everything together for ever.
    """
    return FULL_SECONDS * (1 - SPREAD * crc32(scope.encode()) / 2**32)
