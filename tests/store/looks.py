"""What a watch loop would commit: looks at tuning jobs, and the events they bring."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from notifier.model import Event, Notice, NoticeType, Remembered, Scope, TuningJob
from notifier.ports import Observed, Routed
from notifier.store.opening import read_url
from notifier.store.sqlite import sqlite_file
from tests.examples import ACCOUNT, NOON, REGION, started, tuning_job

SCOPE = Scope(ACCOUNT, REGION)


def file_of(url: str) -> Path:
    """The file that an SQLite URL names."""
    return sqlite_file(read_url(url))


class Clock:
    """The store's clock, moved by hand."""

    def __init__(self) -> None:
        self.time = NOON.timestamp()

    def __call__(self) -> float:
        return self.time


def remembered(job: TuningJob, **changes: Any) -> Remembered:
    """What a look at this job leaves in memory."""
    return replace(Remembered(job.identity, job.name, job.status, job.counts), **changes)


def look(job: TuningJob, *events: Event, to: tuple[str, ...] = ("slack",), **changes: Any) -> Observed:
    """One look at a job, with its events routed to these destinations."""
    return Observed(remembered(job, **changes), job, tuple(Routed(event, to) for event in events))


def first_look(number: int, to: tuple[str, ...] = ("slack",)) -> Observed:
    """The first sight of one of many jobs: it began."""
    job = tuning_job(f"job-{number:05d}")
    return look(job, started(job), to=to)


def notice(name: str = "n1", kind: NoticeType = NoticeType.WATCHING) -> Notice:
    """A word of the service about itself."""
    return Notice(name, kind, NOON, "Watching 3 jobs", ("in one region",))
