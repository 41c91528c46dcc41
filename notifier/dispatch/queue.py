"""What to send to one destination now, what needs no telling, and when to look again."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from notifier.dispatch.folding import Folded, Message, fold
from notifier.dispatch.holds import STUCK_AFTER, standing
from notifier.dispatch.silencing import silencing
from notifier.model import EventType, Hold, NoticeType, Owed, Policy, Silence, Told

UNSETTLED = 4
"""Sends that may be under way to one destination at once."""

CROWD = 10
"""More due messages than this are a flood: people get a digest instead."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of one destination at one moment (epoch seconds by the store's clock).

    `rows` are unsettled, oldest first, those under way (`flying`) included or not. `told` is by job key. `apart`
    are rows, by `seq`, that were refused together and must show which of them it was: with how many jobs each may share
    a message now; 0: it goes alone. `deferred` says how often a row was asked to wait.
    """

    now: float
    rows: Sequence[Owed]
    flying: Sequence[Message] = ()
    told: Mapping[str, Told] = field(default_factory=dict)
    hold: Hold | None = None
    apart: Mapping[int, int] = field(default_factory=dict)
    deferred: Mapping[int, int] = field(default_factory=dict)
    silences: Sequence[Silence] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`batches` go out now. `silent` rows are settled unsent, `silenced` ones too, each with the silence that says so.

    Nothing else falls due before `wake_at` (None: ever).

    `wanting`: there is room for more, or for better, than these rows offer; where more are owed, read on first.
    """

    batches: tuple[Message, ...] = ()
    silent: Message = ()
    silenced: Mapping[int, Silence] = field(default_factory=dict)
    wake_at: float | None = None
    wanting: bool = False


def plan(policy: Policy, look: Look, *, digest_jobs: int, room: int = UNSETTLED) -> Plan:
    """Decide what goes now: in order per job, one message a job at a time, never more than `room` or four at once.

    `digest_jobs` is how many jobs one digest may tell of at most.
    """
    if (rests := resting(policy, look.hold, look.now)) is not None:
        return Plan(wake_at=rests if rests < math.inf else None)
    hold = standing(look.hold, policy)
    waiting = _waiting(look)
    silenced = silencing(chain.from_iterable(waiting.values()), look.silences, policy, look.now)
    audible = {key: [row for row in queue if row.seq not in silenced] for key, queue in waiting.items()}
    queues = [fold(queue, policy, look.told.get(key), look.now, look.apart) for key, queue in audible.items()]
    silent = tuple(chain.from_iterable(each.silent for each in queues))
    wake_at = min((each.wake_at for each in queues if each.wake_at is not None), default=None)
    due = [each for each in queues if each.messages]
    if hold is None:
        batches = _crowd(due, look.apart, digest_jobs) if _crowded(due, policy) else _heads(due)
    else:
        batches = _probe(due, look.deferred)
    # Under a hold one message shows whether the destination works again; the others wait for its answer.
    free = max(0, min(room, (UNSETTLED if hold is None else 1) - len(look.flying)))
    chosen = tuple(batches[:free])
    fruitless = hold is not None and any(_stuck(each) or _deferred(each, look.deferred) for each in chosen)
    wanting = len(chosen) < free or fruitless
    return Plan(chosen, silent, silenced, wake_at, wanting)


def resting(policy: Policy, hold: Hold | None, now: float) -> float | None:
    """Until when nothing is sent at all, for a hold or for quiet hours; infinity: until a hold is lifted."""
    kept = standing(hold, policy)
    held = 0.0 if kept is None else math.inf if kept.until is None else kept.until
    quiet = (policy.quiet.until(now) if policy.quiet else None) or 0.0
    return max(held, quiet) if max(held, quiet) > now else None


def _waiting(look: Look) -> dict[str, list[Owed]]:
    """Unsettled rows by queue, without the queues that a message under way belongs to."""
    flying = {_queue(row) for message in look.flying for row in message}
    waiting: dict[str, list[Owed]] = {}
    for row in look.rows:
        if (queue := _queue(row)) not in flying:
            waiting.setdefault(queue, []).append(row)
    return waiting


def _queue(row: Owed) -> str:
    """In what order is kept: the job. A hold's end stands behind the hold, like the news of one job."""
    recovered = row.event_type == NoticeType.DESTINATION_RECOVERED
    return NoticeType.DESTINATION_HELD if recovered else row.job_key


def _heads(due: Sequence[Folded]) -> list[Message]:
    return [each.messages[0] for each in due]


def _probe(due: Sequence[Folded], deferred: Mapping[int, int]) -> list[Message]:
    """The oldest message that has not failed too often goes first, then by failures; one that failed alone goes last.

    After an outage all have failed too often: the oldest may be the one that always fails, and must not be all that
    is ever tried. Nor may one that is always asked to wait, which is no failure.
    """

    def promise(message: Message) -> tuple[bool, int, int]:
        return _failed_alone(message), _stuck(message) and _failures(message), _deferred(message, deferred)

    return sorted(_heads(due), key=promise)


def _failed_alone(message: Message) -> bool:
    return any(row.alone_since is not None for row in message)


def _stuck(message: Message) -> bool:
    return _failed_alone(message) or _failures(message) >= STUCK_AFTER


def _failures(message: Message) -> int:
    return max(row.attempts for row in message)


def _deferred(message: Message, deferred: Mapping[int, int]) -> int:
    return max(deferred.get(row.seq, 0) for row in message)


def _crowded(due: Sequence[Folded], policy: Policy) -> bool:
    return policy.people and sum(len(each.messages) for each in due) > CROWD


def _crowd(due: Sequence[Folded], apart: Mapping[int, int], digest_jobs: int) -> list[Message]:
    """Digests of the many, and alone what cannot share a message; the oldest first."""
    sharing: dict[int, list[Folded]] = {}
    for job in due:
        sharing.setdefault(_company(job, apart, digest_jobs), []).append(job)
    batches = []
    for most, jobs in sharing.items():
        share = _share(len(jobs), most)
        parts = (jobs[start : start + share] for start in range(0, len(jobs), share))
        batches += [_digest(part) if len(part) > 1 else part[0].messages[0] for part in parts]
    return sorted(batches, key=lambda message: message[0].seq)


def _share(jobs: int, most: int) -> int:
    """Jobs for each of as few digests as can be, evenly: a small rest would be no crowd, and go message by message."""
    return math.ceil(jobs / math.ceil(jobs / most))


def _digest(jobs: Sequence[Folded]) -> Message:
    return tuple(sorted(_rows(jobs), key=lambda row: row.seq))


def _rows(jobs: Sequence[Folded]) -> Iterator[Owed]:
    for job in jobs:
        yield from chain.from_iterable(job.messages)


def _company(job: Folded, apart: Mapping[int, int], most: int) -> int:
    """How many jobs a message may tell of that tells of this one: the service's own words and suspects go alone."""
    rows = list(_rows([job]))
    if any(row.event_type not in _JOB_EVENTS or row.alone_since is not None for row in rows):
        return 1
    return max(1, min(apart.get(row.seq, most) for row in rows))


_JOB_EVENTS = frozenset[str](EventType)
