"""Who does what: the leases that workers share, and the workers that are alive.

Several workers beat at the same time, each in a READ COMMITTED transaction that sees the others' commits between its
own statements. What keeps them apart are two rows: nobody is declared dead while its own row is locked by its beat, and
nothing is taken whose token has grown since it was looked at.
"""

import json
from collections.abc import Collection, Mapping
from functools import lru_cache

from sqlalchemy import ColumnElement, Connection, delete, or_, select, true, tuple_, update

from notifier.leasing import DELIVER, share, split_duty
from notifier.model import Lease
from notifier.ports import Standing
from notifier.store.database import Database, urgent
from notifier.store.insertion import bites, insert_into, put
from notifier.store.schema import UNSETTLED, State, leases, outbox, workers

_LEASE = (leases.c.duty, leases.c.worker, leases.c.token)


class SqlLeaseStore:
    """The LeaseStore port over SQL. All times are the store's: workers need not agree on theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @urgent
    def beat(self, connection: Connection, worker: str, duties: Collection[str], seconds: float) -> Standing:
        """Say that this worker lives for `seconds` more, and take what is its share of what nobody does.

        A worker that was silent for too long begins anew: what it held is another's, or its own again under a new
        token.
        """
        now = self._database.now(connection)
        _live(connection, worker, duties, now, seconds)
        _bury(connection, now)
        # The leases before the workers: who holds one by then is among the workers, however new.
        seen = _seen(connection, duties)
        able = _able(connection)
        decided = share(worker, able, {duty: holder for duty, (holder, _) in seen.items()})
        _take(connection, worker, {duty: seen[duty][1] for duty in decided.take})
        held = connection.execute(select(*_LEASE).where(leases.c.worker == worker).order_by(leases.c.duty))
        return Standing(tuple(Lease(*row) for row in held), frozenset(decided.give_up), len(able))

    @urgent
    def release(self, connection: Connection, lease: Lease) -> None:
        """Give up one lease, so that another worker can take it at once."""
        held = (leases.c.duty == lease.duty) & (leases.c.worker == lease.worker) & (leases.c.token == lease.token)
        connection.execute(update(leases).where(held).values(worker=None))

    @urgent
    def leave(self, connection: Connection, worker: str) -> None:
        """Give up everything: this worker ends."""
        connection.execute(update(leases).where(leases.c.worker == worker).values(worker=None))
        connection.execute(delete(workers).where(workers.c.id == worker))


def owe_again(connection: Connection, whose: ColumnElement[bool]) -> None:
    """What was under way when its sender died may have arrived: owe it again, and say so."""
    # Unsettled for the index: the rows that were settled long ago are many.
    interrupted = update(outbox).where(UNSETTLED, outbox.c.state == State.SENDING, whose)
    connection.execute(interrupted.values(state=State.PENDING, repeated=true()))


def _live(connection: Connection, worker: str, duties: Collection[str], now: float, seconds: float) -> None:
    """From here to the commit the worker's row is locked: nobody can find it dead meanwhile."""
    named = json.dumps(sorted(duties))
    lived = update(workers).where(workers.c.id == worker, workers.c.expires_at >= now)
    renewed = lived.values(expires_at=now + seconds, seconds=seconds).returning(workers.c.duties)
    known = connection.scalar(renewed)
    if known is None:
        row = {"id": worker, "expires_at": now + seconds, "seconds": seconds, "duties": named}
        put(connection, workers, [row])
        connection.execute(update(leases).where(leases.c.worker == worker).values(worker=None))
    elif known != named:
        connection.execute(update(workers).where(workers.c.id == worker).values(duties=named))


def _bury(connection: Connection, now: float) -> None:
    """Delete the workers whose time is over, all but those that are saying right now that they live.

    Where the store's clock was set back, a dead worker would seem to live for as long as it was: nobody has more left
    than it asked for.
    """
    beyond = workers.c.expires_at > now + 2 * workers.c.seconds
    query = select(workers.c.id, workers.c.expires_at, workers.c.seconds)
    rows = connection.execute(query.where(or_(workers.c.expires_at < now, beyond)).with_for_update(skip_locked=True))
    for worker, expires_at, seconds in rows.all():
        if expires_at < now:
            connection.execute(delete(workers).where(workers.c.id == worker))
        else:
            connection.execute(update(workers).where(workers.c.id == worker).values(expires_at=now + seconds))


def _able(connection: Connection) -> dict[str, frozenset[str]]:
    """The workers that are alive, each with the duties that its settings name."""
    return {worker: _named(duties) for worker, duties in connection.execute(select(workers.c.id, workers.c.duties))}


@lru_cache(maxsize=64)
def _named(duties: str) -> frozenset[str]:
    return frozenset(json.loads(duties))


def _seen(connection: Connection, duties: Collection[str]) -> dict[str, tuple[str | None, int]]:
    """Who holds each duty, under which token. Duties that are new get their row."""
    seen: dict[str, tuple[str | None, int]] = dict.fromkeys(duties, (None, 0))
    seen |= {duty: (worker, token) for duty, worker, token in connection.execute(select(*_LEASE))}
    # In order, so that two workers that bring the same never wait for each other in a circle.
    new = [{"duty": duty, "worker": None, "token": 0} for duty in sorted(duties) if seen[duty] == (None, 0)]
    if new:
        connection.execute(insert_into(connection.dialect.name, leases).on_conflict_do_nothing(), new)
    return seen


def _take(connection: Connection, worker: str, wanted: Mapping[str, int]) -> None:
    """Take the duties whose token is still this one, and owe again what was under way there."""
    for bite in bites(wanted.items()):
        # One whose commit hangs must not hold up the others: its lease is passed by until its transaction is over.
        free = select(leases.c.duty).where(tuple_(leases.c.duty, leases.c.token).in_(bite))
        taken = list(connection.scalars(free.with_for_update(skip_locked=True)))
        whose = [name for kind, name in map(split_duty, taken) if kind == DELIVER]
        if whose:
            owe_again(connection, outbox.c.destination.in_(whose))
        grown = {"worker": worker, "token": leases.c.token + 1}
        connection.execute(update(leases).where(leases.c.duty.in_(taken)).values(grown))
