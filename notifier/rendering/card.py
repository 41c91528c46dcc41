"""What a card says of its job: how it stands now, and how far it is from its end."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from notifier.model import Face, TuningJob
from notifier.rendering.course import failure_lines, silent_trials
from notifier.rendering.failures import clusters
from notifier.rendering.history import History, chart_of, history_of, sparkline_of
from notifier.rendering.job import best_parameters, facts_of, name_of, objective_of, plan_of, status_of, value_of
from notifier.rendering.links import job_links, log_links
from notifier.rendering.numbers import duration, moment, number
from notifier.rendering.story import Story, Tone, Trials
from notifier.rendering.text import line, paragraph

REASON = 600
NEWS = 3
"""So many trials without a gain are worth a word."""
FEWEST = 3
"""Trials that must have ended before their pace foretells anything."""


def card_story(face: Face) -> Story:
    """The whole job in one message, as it was last seen."""
    job = face.job
    happened, tone = _happened(face)
    failures, history = clusters(face.trials), history_of(job, face.trials)
    return Story(
        tone=tone,
        headline=f"{name_of(job)}: {happened}{_best(face)}",
        lines=(*_lines(face, history), *failure_lines(failures), *silent_trials(job)),
        quote=paragraph(job.failure_reason or "", REASON),
        chart=chart_of(job, face.trials),
        sparkline=sparkline_of(job, face.trials),
        trials=Trials.of(job),
        facts=(*(plan_of(job) if face.began else ()), *facts_of(job, face.seen_at, counted=history is not None)),
        parameters=tuple(best_parameters(job)),
        links=(*job_links(job), *log_links(job, failures)),
        place=(line(job.region, 40), line(job.account_id, 20), _seen(face)),
    )


def _happened(face: Face) -> tuple[str, Tone]:
    if face.gone:
        return "deleted", Tone.GONE
    # Of a job that has ended since, that it began is no news.
    return ("started", Tone.STARTED) if face.began and not face.final else status_of(face.job)


def _best(face: Face) -> str:
    value = value_of(face.job.best)
    if value is None:
        return ""
    return f", best {number(value)}" if face.final else f", best so far {number(value)}"


def _lines(face: Face, history: History | None) -> Iterator[str]:
    if objective := objective_of(face.job):
        yield objective
    if history is not None and history.since_gain >= NEWS:
        yield f"{history.since_gain} trials without a gain"
    if not face.final and (expected := expectation(face.job, face.seen_at)):
        yield expected


def _seen(face: Face) -> str:
    ended = face.job.ended_at
    return f"ended {moment(ended)}" if ended and not face.gone else f"as of {moment(face.seen_at)}"


def expectation(job: TuningJob, now: datetime) -> str:
    """When the search will be over, and what says so; empty where nothing does.

    By the pace of the trials that ended so far, or by the run time that it may take at most, whichever comes first.
    """
    ends = [each for each in (_by_pace(job, now), _by_limit(job, now)) if each is not None]
    if not ends:
        return ""
    left, basis = min(ends)
    return f"about {duration(left.total_seconds())} to go, {basis}" if left > timedelta(0) else ""


def _by_pace(job: TuningJob, now: datetime) -> tuple[timedelta, str] | None:
    over, most = job.counts.terminal, job.limits.max_training_jobs
    if most is None or not FEWEST <= over < most:
        return None
    return (now - job.created_at) / over * (most - over), f"by the pace of {over} trials"


def _by_limit(job: TuningJob, now: datetime) -> tuple[timedelta, str] | None:
    seconds = job.limits.max_runtime_seconds
    if not seconds:
        return None
    return job.created_at + timedelta(seconds=seconds) - now, "by its limit of run time"
