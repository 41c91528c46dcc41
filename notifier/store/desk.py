"""What the command line and the health page do beside a running service: look, retry, discard, let go.

Nothing here needs the run lock. The running service sees every change at its next look.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, delete, func, null, or_, select, update

from notifier.model import Event, Hold, Notice, Remembered, Scope
from notifier.store.codec import decode_body
from notifier.store.database import Database, reading, writing
from notifier.store.insertion import bites
from notifier.store.outbox import HOLD
from notifier.store.schema import UNSETTLED, State, events, holds, jobs, orphans, outbox
from notifier.store.watch import REMEMBERED, remembered_of


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the outbox as people look at it. Times are epoch seconds; `error` is its last failure."""

    seq: int
    event_id: str
    destination: str
    job_key: str
    event_type: str
    state: State
    attempts: int
    next_at: float
    repeated: bool
    error: str | None
    created_at: float
    settled_at: float | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many rows of one state a destination has, and when the oldest of them came to be owed (epoch seconds)."""

    destination: str
    state: State
    count: int
    oldest_at: float


LETTER = [outbox.c[name] for name in Letter.__dataclass_fields__]
_RETRIED = (State.PENDING, State.DEAD, State.SILENCED)
_LASTING = holds.c.until.is_(None)


class Desk:
    """Everything that may be done to the outbox from outside. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def letters(
        self,
        connection: Connection,
        destinations: Collection[str] | None = None,
        states: Collection[State] | None = None,
        limit: int | None = None,
    ) -> list[Letter]:
        """Rows, oldest first; None: all destinations, all unsettled states, without a limit."""
        query = select(*LETTER).where(UNSETTLED if states is None else outbox.c.state.in_(states))
        if destinations is not None:
            query = query.where(outbox.c.destination.in_(destinations))
        return [_letter(row) for row in connection.execute(query.order_by(outbox.c.seq).limit(limit))]

    @reading
    def letter(self, connection: Connection, seq: int) -> tuple[Letter, Event | Notice | None] | None:
        """One row with its event; the event is None once its body is pruned. None: there is no such row."""
        query = select(*LETTER, events.c.body).join(events).where(outbox.c.seq == seq)
        row = connection.execute(query).first()
        if row is None:
            return None
        return _letter(row), decode_body(row.body) if row.body else None

    @writing
    def retry(
        self,
        connection: Connection,
        seqs: Collection[int] | None = None,
        *,
        to: str | None = None,
        present: Collection[str] | None = None,
    ) -> list[int]:
        """Owe rows again at once; None: all that waits, or with `to` all that is stuck. Returns the rows owed now.

        A dead letter starts anew under its old event id; a pending row loses its wait; their destinations are let go.
        Of rows that are named, those too that a silence kept back: no silence concerns them any more.

        With `to` they go to that destination instead. One that is known there already is left alone if it was named,
        else discarded. What is under way, settled or discarded is left alone.

        What waits are dead letters, rows put off, and what is owed to a destination that is held. Stuck is what does
        not go by itself: dead letters, and what is owed to a destination that is held for ever, or is not `present` in
        the settings.
        """
        retried: list[int] = []
        named = seqs is not None
        if seqs is None and to is None:
            seqs = list(connection.scalars(_put_off(self._database.now(connection))))
            # Also where nothing waits now: the next message should find it open.
            connection.execute(delete(holds))
        elif seqs is None:
            seqs = list(connection.scalars(_stuck(present)))
        for bite in bites(seqs):
            condition: ColumnElement[bool] = outbox.c.seq.in_(bite)
            if to is not None:
                doubled = _readdress(connection, condition, to)
                if not named:
                    _give_up(connection, doubled, self._database.now(connection), f"already addressed to {to}")
                condition &= outbox.c.destination == to
            retried += _owe_again(connection, condition, insisted=named)
        return sorted(retried)

    @writing
    def discard(self, connection: Connection, seqs: Collection[int]) -> list[int]:
        """Give unsettled rows up for ever; returns those that were given up."""
        discarded: list[int] = []
        for bite in bites(seqs):
            discarded += _discard(connection, outbox.c.seq.in_(bite) & UNSETTLED, self._database.now(connection), None)
        return sorted(discarded)

    @reading
    def holds(self, connection: Connection) -> dict[str, Hold]:
        """The destinations that are not sent to now, and why."""
        rows = connection.execute(select(holds.c.destination, *HOLD).order_by(holds.c.destination))
        return {destination: Hold(*fields) for destination, *fields in rows}

    @writing
    def release(self, connection: Connection, destination: str) -> bool:
        """Lift a destination's hold; says whether there was one."""
        done = connection.execute(delete(holds).where(holds.c.destination == destination))
        return bool(done.rowcount)

    @reading
    def orphans(self, connection: Connection) -> dict[str, float]:
        """Destinations that the settings no longer name, with rows of their own; since when (epoch seconds)."""
        rows = connection.execute(select(orphans.c.destination, orphans.c.since))
        return {row.destination: row.since for row in rows}

    @reading
    def jobs(self, connection: Connection) -> list[tuple[Scope, Remembered]]:
        """Everything remembered, scope by scope, newest first."""
        query = select(jobs.c.scope, *REMEMBERED).order_by(jobs.c.scope, jobs.c.created.desc(), jobs.c.key)
        return [(Scope(*scope.split("/")), remembered_of(row)) for scope, *row in connection.execute(query)]

    @reading
    def depths(self, connection: Connection) -> list[Depth]:
        """Unsettled rows by destination and state: what the metrics show."""
        query = (
            select(outbox.c.destination, outbox.c.state, func.count(), func.min(outbox.c.created_at))
            .where(UNSETTLED)
            .group_by(outbox.c.destination, outbox.c.state)
            .order_by(outbox.c.destination, outbox.c.state)
        )
        rows = connection.execute(query)
        return [Depth(destination, State(state), count, oldest) for destination, state, count, oldest in rows]


def _put_off(now: float) -> Select[*tuple[Any, ...]]:
    """The rows that would not go now."""
    held = outbox.c.destination.in_(select(holds.c.destination))
    put_off = or_(outbox.c.state == State.DEAD, outbox.c.next_at > now, held)
    return select(outbox.c.seq).where(UNSETTLED, put_off).order_by(outbox.c.seq)


def _stuck(present: Collection[str] | None) -> Select[*tuple[Any, ...]]:
    """The rows that do not go by themselves; those of destinations that are not present too, if that is given."""
    stuck = or_(outbox.c.state == State.DEAD, outbox.c.destination.in_(select(holds.c.destination).where(_LASTING)))
    if present is not None:
        stuck = or_(stuck, outbox.c.destination.not_in(present))
    return select(outbox.c.seq).where(UNSETTLED, stuck).order_by(outbox.c.seq)


def _owe_again(connection: Connection, condition: ColumnElement[bool], *, insisted: bool) -> list[int]:
    rows = update(outbox).where(condition, outbox.c.state.in_(_RETRIED))
    # What a silence said is no failure, and over.
    error = case((outbox.c.state == State.SILENCED, null()), else_=outbox.c.error)
    anew = {
        "state": State.PENDING,
        "attempts": 0,
        "next_at": 0.0,
        "alone_since": None,
        "settled_at": None,
        "error": error,
    }
    fresh = rows.values(anew | ({"insisted": True} if insisted else {}))
    found = connection.execute(fresh.returning(outbox.c.seq, outbox.c.destination)).all()
    connection.execute(delete(holds).where(holds.c.destination.in_({row.destination for row in found})))
    return [row.seq for row in found]


def _readdress(connection: Connection, condition: ColumnElement[bool], to: str) -> list[int]:
    """Address rows to another destination; returns those that stay, for it knows their event already."""
    elsewhere = select(outbox.c.seq, outbox.c.event_id).where(
        condition, outbox.c.state.in_(_RETRIED), outbox.c.destination != to
    )
    there = select(outbox.c.event_id).where(
        outbox.c.destination == to, outbox.c.event_id.in_(elsewhere.with_only_columns(outbox.c.event_id))
    )
    taken = set(connection.scalars(there))
    moved: list[int] = []
    doubled: list[int] = []
    for seq, event_id in connection.execute(elsewhere.order_by(outbox.c.seq)):
        (doubled if event_id in taken else moved).append(seq)
        taken.add(event_id)
    for bite in bites(moved):
        connection.execute(update(outbox).where(outbox.c.seq.in_(bite)).values(destination=to))
    return doubled


def _give_up(connection: Connection, seqs: Collection[int], now: float, error: str) -> None:
    for bite in bites(seqs):
        _discard(connection, outbox.c.seq.in_(bite), now, error)


def _discard(connection: Connection, condition: ColumnElement[bool], now: float, error: str | None) -> list[int]:
    values = {"state": State.DISCARDED, "settled_at": now} | ({"error": error} if error else {})
    return list(connection.scalars(update(outbox).where(condition).values(values).returning(outbox.c.seq)))


def _letter(row: Row[*tuple[Any, ...]]) -> Letter:
    return Letter(**{name: getattr(row, name) for name in Letter.__dataclass_fields__} | {"state": State(row.state)})
