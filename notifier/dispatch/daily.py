"""When the summary of a day is due, by the clock on a destination's wall."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

LATE = 12 * 3600.0
"""A summary that could not be made in time is still made for so many seconds."""


@dataclass(frozen=True, slots=True)
class Due:
    """The summary of one day: what was owed from `since` on and before `until` (epoch seconds) is in it."""

    day: date
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at this time: `minute` since midnight."""

    minute: int
    zone: tzinfo = UTC

    def due(self, now: float) -> Due | None:
        """The summary that should be there now; None where its time is too long ago."""
        today = datetime.fromtimestamp(now, self.zone).date()
        day = today if self._moment(today) <= now else today - timedelta(days=1)
        until = self._moment(day)
        return Due(day, self._moment(day - timedelta(days=1)), until) if now - until < LATE else None

    def _moment(self, day: date) -> float:
        # An hour that the clock shows twice, or never, moves it by that hour.
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return (midnight + timedelta(minutes=self.minute)).timestamp()
