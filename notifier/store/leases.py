"""Who does what: the leases that workers share, and the workers that are alive."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, delete, or_, select, true, update

from notifier.leasing import DELIVER, share, split_duty
from notifier.model import Lease
from notifier.ports import Standing
from notifier.store.database import Database, writing
from notifier.store.insertion import insert_into, upsert
from notifier.store.schema import State, leases, outbox, workers

LONG_DEAD = 86_400.0
_LEASE = (leases.c.duty, leases.c.worker, leases.c.token)


class SqlLeaseStore:
    """The LeaseStore port over SQL. All times are the store's: workers need not agree on theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def beat(self, connection: Connection, worker: str, duties: Collection[str], seconds: float) -> Standing:
        """Say that this worker lives for `seconds` more, and take what is its share of what nobody does.

        A worker that was silent for too long begins anew: what it held is another's, or its own again under a new
        token.
        """
        now = self._database.now(connection)
        lived = update(workers).where(workers.c.id == worker, workers.c.expires_at >= now)
        if not connection.execute(lived.values(expires_at=now + seconds)).rowcount:
            connection.execute(upsert(connection, workers), {"id": worker, "expires_at": now + seconds})
            connection.execute(update(leases).where(leases.c.worker == worker).values(worker=None))
        alive = set(connection.scalars(select(workers.c.id).where(workers.c.expires_at >= now)))
        holders = _holders(connection, duties)
        decided = share(worker, alive, duties, holders)
        _take(connection, worker, decided.take, alive)
        held = connection.execute(select(*_LEASE).where(leases.c.worker == worker).order_by(leases.c.duty))
        return Standing(tuple(Lease(*row) for row in held), frozenset(decided.give_up), len(alive))

    @writing
    def release(self, connection: Connection, lease: Lease) -> None:
        """Give up one lease, so that another worker can take it at once."""
        held = (leases.c.duty == lease.duty) & (leases.c.worker == lease.worker) & (leases.c.token == lease.token)
        connection.execute(update(leases).where(held).values(worker=None))

    @writing
    def leave(self, connection: Connection, worker: str) -> None:
        """Give up everything: this worker ends."""
        connection.execute(update(leases).where(leases.c.worker == worker).values(worker=None))
        connection.execute(delete(workers).where(workers.c.id == worker))

    @writing
    def bury(self, connection: Connection) -> None:
        """Delete the workers that died long ago; for the leases they count no more anyway."""
        connection.execute(delete(workers).where(workers.c.expires_at < self._database.now(connection) - LONG_DEAD))


def _holders(connection: Connection, duties: Collection[str]) -> dict[str, str | None]:
    rows = [{"duty": duty, "worker": None, "token": 0} for duty in sorted(duties)]
    holders = {duty: worker for duty, worker, _ in connection.execute(select(*_LEASE))}
    if new := [row for row in rows if row["duty"] not in holders]:
        connection.execute(insert_into(connection, leases).on_conflict_do_nothing(), new)
    return holders


def owe_again(connection: Connection, whose: ColumnElement[bool]) -> None:
    """What was under way when its sender died may have arrived: owe it again, and say so."""
    interrupted = update(outbox).where(outbox.c.state == State.SENDING, whose)
    connection.execute(interrupted.values(state=State.PENDING, repeated=true()))


def _take(connection: Connection, worker: str, duties: Collection[str], alive: Collection[str]) -> None:
    # One whose commit hangs must not hold up the others: its lease is passed by until its transaction is over.
    free = select(leases.c.duty).where(
        leases.c.duty.in_(duties), or_(leases.c.worker.is_(None), leases.c.worker.not_in(alive))
    )
    taken = list(connection.scalars(free.with_for_update(skip_locked=True)))
    whose = [name for kind, name in map(split_duty, taken) if kind == DELIVER]
    owe_again(connection, outbox.c.destination.in_(whose))
    grown = {"worker": worker, "token": leases.c.token + 1}
    connection.execute(update(leases).where(leases.c.duty.in_(taken)).values(grown))
