"""Hours in which people do not want to be rung, by the clock on their wall."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY, WEEK = 1440, 7 * 1440
"""Minutes."""


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of quiet. `begin` and `end` are minutes since midnight; where the end is not later, it is tomorrow's.

    `days` are those on which it begins, 0 for Monday.
    """

    begin: int
    end: int
    days: tuple[int, ...] = tuple(range(7))

    def __str__(self) -> str:
        """As it is written in the settings: `22:00-07:00`, `Fri-Sun 20:00-09:00`."""
        hours = f"{self.begin // 60:02}:{self.begin % 60:02}-{self.end // 60:02}:{self.end % 60:02}"
        if len(self.days) == 7:
            return hours
        first, last = DAYS[self.days[0]], DAYS[self.days[-1]]
        return f"{first if len(self.days) == 1 else f'{first}-{last}'} {hours}"

    def minutes(self) -> Iterator[tuple[int, int]]:
        """Its stretches as minutes of the week, Monday's midnight being 0; the end of one may be in the next week."""
        length = self.end - self.begin if self.end > self.begin else self.end + DAY - self.begin
        return ((day * DAY + self.begin, day * DAY + self.begin + length) for day in self.days)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """All the quiet of a destination, in its time zone."""

    windows: tuple[Window, ...]
    zone: tzinfo = UTC

    def until(self, now: float) -> float | None:
        """When the quiet of this moment ends (epoch seconds); None: there is none, infinity: it never ends.

        It is quiet whenever the clock on the wall says so: an hour that the clock shows twice counts twice.
        """
        end = now
        while (rest := self._rest(end)) is not None:
            if end - now > WEEK * 60:
                return float("inf")
            end = self._moment(end, rest)
        return end if end > now else None

    def _rest(self, moment: float) -> timedelta | None:
        """How far the hands of the clock must go until a window that they are in is over."""
        there = datetime.fromtimestamp(moment, self.zone)
        minute = there.weekday() * DAY + there.hour * 60 + there.minute
        ends = (
            end
            for window in self.windows
            for begin, end in (*window.minutes(), *_a_week_before(window))
            if begin <= minute < end
        )
        last = max(ends, default=None)
        seconds = there.second + there.microsecond / 1e6
        return None if last is None else timedelta(minutes=last - minute, seconds=-seconds)

    def _moment(self, begin: float, rest: timedelta) -> float:
        """When the hands have gone so far, or are first outside all windows, where clocks are changed meanwhile."""
        there = datetime.fromtimestamp(begin, self.zone)
        wall = there.replace(tzinfo=None) + rest
        moments = (wall.replace(tzinfo=self.zone, fold=fold).timestamp() for fold in (0, 1))
        end = min((each for each in moments if each > begin), default=begin + rest.total_seconds())
        if datetime.fromtimestamp(end, self.zone).replace(tzinfo=None) == wall:
            return end
        # No clock ever shows that time: the hands jump over it.
        quiet, loud = begin, end
        while loud - quiet > 0.5:
            middle = (quiet + loud) / 2
            quiet, loud = (middle, loud) if self._rest(middle) is not None else (quiet, middle)
        return float(round(loud))


def _a_week_before(window: Window) -> Iterator[tuple[int, int]]:
    """The same stretches of the week before: the last of them may reach into this one."""
    return ((begin - WEEK, end - WEEK) for begin, end in window.minutes())
