"""The summary of a day: what ended, and what goes on."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from notifier.model import Event, Notice, NoticeType, Remembered
from notifier.model.event import digest
from notifier.rendering.digest import ended_line, ways
from notifier.rendering.numbers import number
from notifier.rendering.text import cut, line

PAGE = 15
"""Lines in one message: within every destination's limits."""
LINE = 180
MOST_GOING = 10
"""All that ended is named, however many messages it takes; of what goes on so much is, the newest."""


def summary_id(destination: str, day: str, page: int = 0) -> str:
    """The id of a page of a day's summary: made twice, it is owed once."""
    return digest(destination, NoticeType.DAILY_SUMMARY, day, str(page))


def summary(
    destination: str, day: str, endings: Sequence[Sequence[Event]], going: Sequence[Remembered], time: datetime
) -> list[Notice]:
    """As many messages as it needs; none where there is nothing to say. `endings` are the events of each job.

    `going` is in the order in which it is told.
    """
    lines = [*(ended_line(events) for events in endings), *map(_going, going[:MOST_GOING])]
    if len(going) > MOST_GOING:
        lines.append(f"and {len(going) - MOST_GOING} more in progress")
    pages = [lines[start : start + PAGE] for start in range(0, len(lines), PAGE)]
    return [
        Notice(
            id=summary_id(destination, day, page),
            type=NoticeType.DAILY_SUMMARY,
            time=time,
            title=_title(endings, going) if page == 0 else f"The day, continued ({page + 1} of {len(pages)})",
            lines=tuple(cut(each, LINE) for each in each_page),
        )
        for page, each_page in enumerate(pages)
    ]


def _title(endings: Sequence[Sequence[Event]], going: Sequence[Remembered]) -> str:
    return f"The day: {', '.join(_parts(endings, going))}"


def _parts(endings: Sequence[Sequence[Event]], going: Sequence[Remembered]) -> Iterator[str]:
    count = len(endings)
    if count:
        yield f"{count} tuning job{'' if count == 1 else 's'} ended ({ways(endings)})"
    if going:
        yield f"{len(going)} in progress"


def _going(job: Remembered) -> str:
    failed = f", {job.counts.failed} failed" if job.counts.failed else ""
    best = "" if job.best_value is None else f", best {number(job.best_value)}"
    return f"{line(job.name, 64)}: in progress, {job.counts.completed} trials done{failed}{best}"
