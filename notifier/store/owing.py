"""Owing events: an event is stored once and owed once to each of its destinations, however often it is detected."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, null, select, update
from sqlalchemy.sql.elements import ClauseElement

from notifier.model import FINAL, Event, EventType, Notice
from notifier.ports import Routed
from notifier.store.codec import encode_body, plain, plain_or_none
from notifier.store.insertion import bites, insert_into
from notifier.store.prepared import Members, Prepared
from notifier.store.schema import State, events, jobs, outbox

EVENT = ("id", "type", "job_key", "created_at", "body")
"""The columns of an event."""
_WIDTH = len(EVENT)


def _know(dialect: str, members: Members) -> ClauseElement:
    rows = [dict(zip(EVENT, members[at:], strict=False)) for at in range(0, len(members), _WIDTH)]
    return insert_into(dialect, events).values(rows).on_conflict_do_nothing().returning(events.c.id)


_KNOW = Prepared(_know, width=_WIDTH)
"""Insert events; returns the ids that were not known before."""
_OWE = Prepared(lambda *_: insert(outbox))


def owe(connection: Connection, routed: Sequence[Routed], now: float) -> None:
    """Owe, in the order given, what is not known yet. A known event id is never owed again."""
    by_id: dict[str, Routed] = {}
    for each in routed:
        by_id.setdefault(each.event.id, each)
    if not by_id:
        return
    new: set[str] = set()
    for bite in bites(by_id.values()):
        rows = [value for each in bite for value in _event_row(each, now)]
        new.update(event_id for (event_id,) in _KNOW.execute(connection, rows))
    owed = [
        _owed_row(each.event, destination, now)
        for event_id, each in by_id.items()
        if event_id in new
        for destination in dict.fromkeys(each.destinations)
    ]
    _OWE.execute_many(connection, owed)


def release_events(connection: Connection, event_ids: Collection[str]) -> None:
    """Of events that no row needs any more the body goes; the id too, once their job is not remembered."""
    for bite in bites(event_ids):
        unneeded = events.c.id.in_(bite) & ~_rows_of_event()
        remembered = select(jobs.c.key).where(jobs.c.key == events.c.job_key).exists()
        connection.execute(delete(events).where(unneeded, ~remembered))
        connection.execute(update(events).where(unneeded).values(body=null()))


def forget_events(connection: Connection, job_keys: Collection[str]) -> None:
    """The ids of jobs that are remembered no more go, all but those that a row of the outbox still needs."""
    for bite in bites(job_keys):
        remembered = select(jobs.c.key).where(jobs.c.key == events.c.job_key).exists()
        connection.execute(delete(events).where(events.c.job_key.in_(bite), ~_rows_of_event(), ~remembered))


def queue(event: Event | Notice) -> str:
    """The queue inside a destination, in which order is kept: the job, or the kind of notice."""
    return plain(event.job.identity.key) if isinstance(event, Event) else event.type.value


def _rows_of_event() -> Any:
    return select(outbox.c.seq).where(outbox.c.event_id == events.c.id).exists()


def _event_row(routed: Routed, now: float) -> tuple[Any, ...]:
    """The columns of EVENT."""
    event = routed.event
    return event.id, event.type.value, queue(event), now, encode_body(event) if routed.destinations else None


def _owed_row(event: Event | Notice, destination: str, now: float) -> dict[str, Any]:
    change = event.best if isinstance(event, Event) else None
    return {
        "event_id": event.id,
        "destination": destination,
        "job_key": queue(event),
        "event_type": event.type.value,
        "state": State.PENDING.value,
        "attempts": 0,
        "next_at": 0.0,
        "repeated": False,
        "final": isinstance(event, Event) and _final(event),
        "best_value": change.current.value if change else None,
        "direction": plain_or_none(change.objective) if change else None,
        "created_at": now,
    }


def _final(event: Event) -> bool:
    return event.type == EventType.DELETED or (event.status is not None and event.status.after in FINAL)
