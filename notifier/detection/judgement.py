"""One look at a job, judged: what is remembered of it from now on, and what is told."""

from dataclasses import dataclass, replace
from datetime import datetime

from notifier.detection.changes import deleted, detect, keep_best
from notifier.detection.staleness import behind, stale
from notifier.model import (
    BestTrainingJob,
    Event,
    JobIdentity,
    Metric,
    Remembered,
    Summary,
    TuningJob,
    ended,
)

MISSING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sight:
    """The circumstances of a look. `silent`: a baseline is being taken. `at` is when the answer came.

    `history_before` is epoch seconds: a job first seen ended that was created before it is history, and silent.
    """

    at: datetime
    silent: bool = False
    history_before: float | None = None

    @property
    def epoch(self) -> float:
        """`at` as epoch seconds."""
        return self.at.timestamp()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look changes. `remembered` None: nothing, the answer was behind or stale (then `stale` is true)."""

    remembered: Remembered | None
    record: TuningJob | None = None
    events: tuple[Event, ...] = ()
    stale: bool = False


def judge(
    memory: Remembered | None, before: TuningJob | None, now: TuningJob, row: Summary | None, sight: Sight
) -> Verdict:
    """Judge a Describe. `before` is the last known record, `row` the List row that led here, if one did."""
    if row is not None and behind(now, row):
        return unanswered(memory, row, now.account_id, now.region, sight)
    if memory is None:
        silent = sight.silent or _history(now, sight)
        return _seen(None, None, now, sight, tell="nothing" if silent else "all")
    if memory.told and stale(memory, now):
        return Verdict(None, stale=True)
    if not memory.told:
        return _seen(memory, None, now, sight, tell="all")
    known = replace(before, status=memory.status) if before else sketch(memory, now)
    if not memory.watched:
        return _seen(memory, known, now, sight, tell="nothing")
    return _seen(memory, known, now, sight, tell="all" if memory.described else "status")


def unanswered(memory: Remembered | None, row: Summary, account_id: str, region: str, sight: Sight) -> Verdict:
    """A row whose Describe failed or has not caught up: a known job stays as it was, a new one is noted, to be told.

    Of a newly selected job the row is the baseline then: its first Describe tells no best, but it tells an ending.
    """
    if memory is not None:
        return Verdict(None) if memory.watched else row_alone(memory, row, account_id, region, watched=True)
    record = from_summary(row, account_id, region)
    noted = from_row(record, told=sight.silent or _history(record, sight))
    return Verdict(noted, record)


def row_alone(memory: Remembered | None, row: Summary, account_id: str, region: str, *, watched: bool) -> Verdict:
    """A row that needs no Describe (left out by the settings, or history): remembered, never told."""
    record = from_summary(row, account_id, region)
    noted = replace(from_row(record, told=True), watched=watched)
    if memory is None:
        return Verdict(noted, record)
    return Verdict(
        replace(
            noted,
            best_name=memory.best_name,
            best_value=memory.best_value,
            first_value=memory.first_value,
            looked_at=memory.looked_at,
            moved_at=memory.moved_at,
            early=memory.early,
        )
    )


def missing(memory: Remembered, record: TuningJob | None, sight: Sight) -> Verdict | None:
    """ResourceNotFound: the first is noted, a second one 60 s or more later is a deletion. None: forget it silently."""
    if memory.missing_since is None or sight.epoch - memory.missing_since < MISSING_SECONDS:
        return Verdict(replace(memory, missing_since=memory.missing_since or sight.epoch))
    if not memory.unfinished or not memory.watched or record is None:
        return None
    return gone(memory, record, sight)


def gone(memory: Remembered, record: TuningJob, sight: Sight) -> Verdict:
    """The job is deleted for certain."""
    return Verdict(memory, record, (deleted(record, sight.at),))


def believe(memory: Remembered, now: TuningJob, sight: Sight) -> Verdict:
    """Answers contradicted what is known for long enough: take their word, silently, but never for an ended status."""
    status = memory.status if ended(memory.status) else now.status
    taken = replace(now, status=status)
    return Verdict(_remember(memory, taken, sight), taken)


def from_summary(row: Summary, account_id: str, region: str) -> TuningJob:
    """What a List row says of a job, as a record."""
    return TuningJob(
        account_id=account_id,
        region=region,
        name=row.name,
        status=row.status,
        created_at=row.created_at,
        arn=row.arn,
        modified_at=row.modified_at,
        ended_at=row.ended_at,
        strategy=row.strategy,
        counts=row.counts,
        limits=row.limits,
    )


def from_row(record: TuningJob, *, told: bool) -> Remembered:
    """What is remembered of a job of which only List has spoken."""
    return Remembered(
        identity=record.identity,
        name=record.name,
        status=record.status,
        counts=record.counts,
        told=told,
        described=False,
        ended_at=record.ended_at.timestamp() if record.ended_at else None,
    )


def sketch(memory: Remembered, now: TuningJob) -> TuningJob:
    """The last known record as far as memory alone tells it."""
    best = None
    if memory.best_name is not None:
        metric = Metric(now.objective_metric or "", memory.best_value)
        best = BestTrainingJob(memory.best_name, metric=metric)
    return replace(now, status=memory.status, counts=memory.counts, best=best)


def best_unchanged(memory: Remembered, now: TuningJob) -> bool:
    """Whether an answer's best is the remembered one: then all that its record knew of the best, the answer says."""
    best = now.best
    if best is None:
        return memory.best_name is None
    return best.training_job_name == memory.best_name and best.metric is not None and best.metric.value is not None


def says_nothing(memory: Remembered, now: TuningJob) -> bool:
    """Whether an answer is what is remembered already, or older."""
    same = (now.status, now.counts) == (memory.status, memory.counts) and best_unchanged(memory, now)
    return same or stale(memory, now)


def identity_of(row: Summary, account_id: str, region: str) -> JobIdentity:
    """Which job a row speaks of."""
    return JobIdentity.of(account_id, region, row.name, row.created_at)


def _seen(memory: Remembered | None, before: TuningJob | None, now: TuningJob, sight: Sight, *, tell: str) -> Verdict:
    first_value = memory.first_value if memory else None
    best = keep_best(before, now)
    record = now if best is now.best else replace(now, best=best)
    events: tuple[Event, ...] = ()
    if tell == "all":
        events = tuple(detect(before, now, first_value=first_value, seen_at=sight.at))
    elif tell == "status" and before is not None:
        # Which of its bests are news nobody can say: the first Describe is their baseline.
        same_best = replace(before, best=now.best)
        events = tuple(detect(same_best, now, first_value=first_value, seen_at=sight.at))
    return Verdict(_remember(memory, record, sight), record, events)


def _remember(memory: Remembered | None, record: TuningJob, sight: Sight) -> Remembered:
    best = record.best
    value = best.metric.value if best and best.metric else None
    first = memory.first_value if memory and memory.first_value is not None else value
    return Remembered(
        identity=memory.identity if memory else record.identity,
        name=record.name,
        status=record.status,
        counts=record.counts,
        best_name=best.training_job_name if best else None,
        best_value=value,
        first_value=first,
        looked_at=sight.epoch,
        ended_at=record.ended_at.timestamp() if record.ended_at else None,
    )


def _history(record: TuningJob, sight: Sight) -> bool:
    before = sight.history_before
    return record.ended and before is not None and record.created_at.timestamp() < before
