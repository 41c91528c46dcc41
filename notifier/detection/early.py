"""Early words: what somebody would want to know of a search before it ends. Each is told once for its cause."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from notifier.detection.judgement import Sight, Verdict
from notifier.model import Event, EventType, Remembered, Status, TuningJob, event_id

FEWEST = 4
"""Trials that must be over before their failures, or their pace, say anything."""
PLATEAU_TRIALS, UNLIMITED = 10, 100
"""So many trials without a gain are no plateau yet; a search without a limit of trials is taken for one of so many."""
STALL_SECONDS = 1800.0
"""However quick its trials are, a job that rests so long is not stalled."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When an early word is due; 0 is never. By default none is.

    `failing`: this share of the trials that are over has failed. `plateau`: this share of all trials brought no gain.
    `limit`: this share of the run time is over, and trials are left. `stall`: no trial has ended for so many times the
    time that the job's trials took, one after the other, until now.
    """

    failing: float = 0.0
    plateau: float = 0.0
    limit: float = 0.0
    stall: float = 0.0


@dataclass(frozen=True, slots=True)
class Sign:
    """An early word and its `cause`: where that is another, it is told again. `figures` are what it goes by."""

    type: EventType
    cause: str
    figures: Mapping[str, float]


def with_early_words(verdict: Verdict, memory: Remembered | None, sight: Sight, rules: Rules) -> Verdict:
    """The verdict on a Describe, with the early words that are due; of a baseline they are taken as told."""
    remembered, record = verdict.remembered, verdict.record
    if remembered is None or record is None:
        return verdict
    told = memory.early if memory else ()
    due = [each for each in _signs(record, sight.at, rules) if _name(each) not in told]
    silent = sight.silent or not remembered.told or (memory is not None and not (memory.watched and memory.described))
    events = () if silent else tuple(_event(each, record, sight.at) for each in due)
    kept = replace(remembered, moved_at=_moved_at(remembered, memory, sight), early=(*told, *map(_name, due)))
    return replace(verdict, remembered=kept, events=(*verdict.events, *events))


def stalled(memory: Remembered, now: float, rules: Rules) -> Sign | None:
    """Whether no trial of a job has ended for longer than the job's own trials let expect. `now` is epoch seconds."""
    over = memory.counts.terminal
    if not rules.stall or memory.status != Status.IN_PROGRESS or over < FEWEST or not memory.moved_at:
        return None
    rest, usual = now - memory.moved_at, max(0.0, memory.moved_at - memory.identity.created) / over
    if rest < max(STALL_SECONDS, rules.stall * usual):
        return None
    sign = Sign(EventType.STALLED, str(over), {"seconds": rest, "usual_seconds": usual})
    return None if _name(sign) in memory.early else sign


def stall(memory: Remembered, record: TuningJob, sign: Sign, at: datetime) -> tuple[Remembered, Event]:
    """A stall, remembered and told."""
    return replace(memory, early=(*memory.early, _name(sign))), _event(sign, record, at)


def _signs(job: TuningJob, at: datetime, rules: Rules) -> Iterator[Sign]:
    if job.status != Status.IN_PROGRESS:
        return
    yield from _failing(job, rules.failing)
    yield from _plateaued(job, rules.plateau)
    yield from _limit_near(job, at, rules.limit)


def _failing(job: TuningJob, share: float) -> Iterator[Sign]:
    failed, over = job.counts.failed, job.counts.completed + job.counts.failed + job.counts.stopped
    if share and over >= FEWEST and failed / over >= share:
        yield Sign(EventType.FAILING, "", {"failed": failed, "ended": over})


def _plateaued(job: TuningJob, share: float) -> Iterator[Sign]:
    if not share or job.completion is None:
        return
    without = job.completion.not_improving or 0
    leader = job.best.training_job_name if job.best else ""
    if job.completion.converged_at is not None:
        yield Sign(EventType.PLATEAUED, "converged", {"trials": without})
    elif without >= max(PLATEAU_TRIALS, share * (job.limits.max_training_jobs or UNLIMITED)):
        yield Sign(EventType.PLATEAUED, leader, {"trials": without})


def _limit_near(job: TuningJob, at: datetime, share: float) -> Iterator[Sign]:
    most, limit = job.limits.max_training_jobs, job.limits.max_runtime_seconds
    if not share or not limit or (most is not None and job.counts.terminal >= most):
        return
    seconds = (at - job.created_at).total_seconds()
    if seconds >= share * limit:
        yield Sign(EventType.LIMIT_NEAR, "", {"seconds": seconds, "limit_seconds": limit})


def _moved_at(remembered: Remembered, memory: Remembered | None, sight: Sight) -> float:
    if memory is not None and remembered.counts.terminal <= memory.counts.terminal:
        return memory.moved_at or sight.epoch
    return sight.epoch


def _name(sign: Sign) -> str:
    return f"{sign.type.word} {sign.cause}".rstrip()


def _event(sign: Sign, job: TuningJob, at: datetime) -> Event:
    return Event(event_id(job.identity, sign.type, sign.cause), sign.type, at, job, figures=dict(sign.figures))
