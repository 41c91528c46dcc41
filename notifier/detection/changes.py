"""What changed between two looks at one job, as events in the order in which people should hear them."""

from collections.abc import Iterator
from datetime import datetime

from notifier.model import (
    FINAL,
    RUNNING,
    BestChange,
    BestSnapshot,
    BestTrainingJob,
    Direction,
    Event,
    EventType,
    StatusChange,
    TuningJob,
    ended,
    event_id,
)


def detect(
    before: TuningJob | None, now: TuningJob, *, first_value: float | None, seen_at: datetime
) -> Iterator[Event]:
    """Yield started, new_best, status_changed, as far as they happened. `before` None: a job not seen before.

    `first_value` is the first best value ever seen of the job, if there was one.
    """
    if before is None and now.status in RUNNING:
        yield _event(EventType.STARTED, now, now.created_at)
    # The leader goes before the status, so that "Completed" stays the last line people read.
    if now.best is not None and improved(before, now):
        yield _new_best(before, now, now.best, first_value, seen_at)
    if _status_told(before, now):
        change = StatusChange(before.status if before else None, now.status)
        time = (now.ended_at or now.modified_at or seen_at) if now.ended else seen_at
        yield _event(EventType.STATUS_CHANGED, now, time, subject=now.status, status=change)


def improved(before: TuningJob | None, now: TuningJob) -> bool:
    """Whether another training job leads, and its value is strictly better. NaN, equal and absent are never better."""
    leader, led = now.best, before.best if before else None
    if leader is None or (led is not None and led.training_job_name == leader.training_job_name):
        return False
    direction = now.direction_of(leader)
    if direction is None:
        return True  # Nothing says which way is better: the service's word counts.
    value = _value(leader)
    if value is None:
        return False
    best = _value(led)
    if led is None or best is None or not _comparable(led, leader, now):
        return True
    return value > best if direction == Direction.MAXIMIZE else value < best


def keep_best(before: TuningJob | None, now: TuningJob) -> BestTrainingJob | None:
    """The leader worth remembering: a worse or valueless one never replaces a better one."""
    led, leader = before.best if before else None, now.best
    if leader is None:
        return led
    if led is None:
        # One that was not worth telling yet must stay news for when its value comes.
        return leader if improved(before, now) else None
    if leader.training_job_name == led.training_job_name:
        return leader if _value(leader) is not None or _value(led) is None else led
    return leader if improved(before, now) else led


def deleted(record: TuningJob, seen_at: datetime) -> Event:
    """The job is gone; the record is the last known."""
    return _event(EventType.DELETED, record, seen_at)


def _event(
    kind: EventType,
    job: TuningJob,
    time: datetime,
    *,
    subject: str = "",
    status: StatusChange | None = None,
    best: BestChange | None = None,
) -> Event:
    return Event(event_id(job.identity, kind, subject), kind, time, job, status, best)


def _new_best(
    before: TuningJob | None, now: TuningJob, leader: BestTrainingJob, first_value: float | None, seen_at: datetime
) -> Event:
    previous = BestSnapshot.of(before.best) if before and before.best else None
    current = BestSnapshot.of(leader)
    gain = None
    if previous is not None and previous.value is not None and current.value is not None:
        gain = abs(current.value - previous.value)
    change = BestChange(current, previous, now.direction_of(leader), gain, first_value)
    time = leader.ended_at or seen_at
    return _event(EventType.NEW_BEST, now, time, subject=leader.training_job_name, best=change)


def _status_told(before: TuningJob | None, now: TuningJob) -> bool:
    if before is None:
        # First seen ended, or in a status we do not know: told as written. First seen in deletion: nothing to tell.
        return now.status in FINAL or not (now.status in RUNNING or ended(now.status))
    return now.status != before.status and not before.ended


def _value(best: BestTrainingJob | None) -> float | None:
    return best.metric.value if best is not None and best.metric is not None else None


def _comparable(led: BestTrainingJob, leader: BestTrainingJob, job: TuningJob) -> bool:
    """Whether two values measure the same thing: in a multi-algorithm job each definition has its own metric."""
    same_metric = led.metric is None or leader.metric is None or led.metric.name == leader.metric.name
    return same_metric and job.direction_of(led) == job.direction_of(leader)
