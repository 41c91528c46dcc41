"""What is told of many jobs at once: each has a line, those that ended before those that go on."""

from collections import Counter
from collections.abc import Sequence

from notifier.model import Event, EventType, Notice, NoticeType
from notifier.model.status import FINAL
from notifier.rendering.job import METRIC, failed, fold, name_of, value_of, what_happened
from notifier.rendering.numbers import moment, number
from notifier.rendering.story import Row, Story, Tone
from notifier.rendering.text import cut, line

DIGEST_JOBS = 25
"""How many jobs one message can name within every destination's limits: a backlog is cut by it."""
ROW, TITLE, REASON = 200, 140, 80
"""The most characters of a job's line, of a notice's title, and of a failure reason in a line."""
_NOTICE_TONES = {
    NoticeType.SCOPE_BLIND: Tone.TROUBLE,
    NoticeType.DESTINATION_HELD: Tone.TROUBLE,
    NoticeType.SCOPE_RECOVERED: Tone.GOOD,
    NoticeType.DESTINATION_RECOVERED: Tone.GOOD,
}
_OF_SCOPES = {
    NoticeType.WATCHING: "Watching tuning jobs in {}",
    NoticeType.CAUGHT_UP: "Tuning jobs ended while nobody watched {}",
    NoticeType.SCOPE_BLIND: "Cannot see the tuning jobs in {}",
    NoticeType.SCOPE_RECOVERED: "The tuning jobs in {} can be seen again",
}
_URGENCY = (Tone.BAD, Tone.TROUBLE)


def digest_story(jobs: Sequence[Sequence[Event]], notices: Sequence[Notice] = (), *, repeated: bool = False) -> Story:
    """One story of many jobs (each with its events, in order), and of notices that fall into it."""
    over = [events for events in jobs if _ending(events)]
    going = sorted((events for events in jobs if not _ending(events)), key=lambda events: fold(events) is None)
    rows = [_row(events) for events in over] + [Row(notice_tone(each), _title(each)) for each in notices]
    rows += [_row(events) for events in going]
    # What needs somebody comes first, then endings, then bests; within these the order of events stays.
    rows.sort(key=lambda row: row.tone not in _URGENCY)
    alarming = any(failed(event) for events in jobs for event in events)
    last = max([events[-1].time for events in jobs] + [each.time for each in notices])
    return Story(
        tone=Tone.BAD if alarming else Tone.GOOD if over else Tone.NEWS,
        headline=_headline(jobs, over, notices),
        rows=tuple(rows[:DIGEST_JOBS]),
        facts=(f"+{len(rows) - DIGEST_JOBS} more",) if len(rows) > DIGEST_JOBS else (),
        place=(f"up to {moment(last)}",),
        alarming=alarming,
        repeated=repeated,
    )


def notice_story(notice: Notice, *, repeated: bool = False) -> Story:
    """What the service says of itself, in its own words."""
    return Story(
        tone=notice_tone(notice),
        headline=_title(notice),
        lines=tuple(filter(None, (line(each, 300) for each in notice.lines[:20]))),
        place=(moment(notice.time),),
        repeated=repeated,
    )


def notice_tone(notice: Notice) -> Tone:
    """How a notice feels: trouble, its end, or news."""
    return _NOTICE_TONES.get(notice.type, Tone.NEWS)


def ended_line(events: Sequence[Event]) -> str:
    """How a job ended, in a line; the events are its own."""
    return _row(events).text


def _title(notice: Notice) -> str:
    return line(notice.title, TITLE) or notice.type.value


def _ending(events: Sequence[Event]) -> Event | None:
    """The event that ended the job: its final status rather than a deletion after it."""
    finals = [each for each in events if each.status and each.status.after in FINAL]
    deleted = [each for each in events if each.type is EventType.DELETED]
    return next(iter(reversed(finals or deleted)), None)


def _row(events: Sequence[Event]) -> Row:
    """`xgb-churn: completed, best 0.8907 validation:auc`."""
    event = _ending(events) or events[-1]
    job, (happened, tone), change = event.job, what_happened(event), fold(events)
    value = change.current.value if change else value_of(job.best)
    metric = line(job.best.metric.name if job.best and job.best.metric else "", METRIC // 2)
    scored = "" if value is None else f"{number(value)} {metric}".rstrip()
    if event.type is EventType.NEW_BEST:
        return Row(tone, cut(f"{name_of(job)}: {happened} {scored}".rstrip(), ROW))
    parts = [f"{name_of(job)}: {happened}"]
    if failed(event) and (reason := line(job.failure_reason or "", REASON)):
        # The first sentence says it; what follows is advice.
        parts.append(reason.partition(". ")[0].removesuffix("."))
    if scored:
        parts.append(f"best {scored}")
    return Row(tone, cut(", ".join(parts), ROW))


def _headline(jobs: Sequence[Sequence[Event]], over: Sequence[Sequence[Event]], notices: Sequence[Notice]) -> str:
    if not jobs:
        return _said_of(notices)
    if not over:
        return f"News of {_jobs(len(jobs))}: {ways(jobs)}"
    return f"{_jobs(len(over))} ended: {ways(over)}"


def _said_of(notices: Sequence[Notice]) -> str:
    kinds = {each.type for each in notices}
    said = _OF_SCOPES.get(notices[0].type) if len(kinds) == 1 else None
    if said is None:
        return f"{len(notices)} notices"
    accounts = {each.scope.partition("/")[0] for each in notices if each.scope}
    of = f" of {len(accounts)} accounts" if len(accounts) > 1 else ""
    return said.format(f"{len(notices)} regions{of}")


def ways(jobs: Sequence[Sequence[Event]]) -> str:
    """`1 failed, 4 completed`: what happened to how many."""
    ways = Counter(what_happened(_ending(events) or events[-1])[0] for events in jobs)
    # "failed" before anything else: it is what somebody has to act upon.
    ordered = sorted(ways.items(), key=lambda way: (way[0] != "failed", -way[1]))
    return ", ".join(f"{count} {way}" for way, count in ordered)


def _jobs(count: int) -> str:
    return f"{count} tuning job{'s' if count != 1 else ''}"
