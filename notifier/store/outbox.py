"""What the deliver loop works off: the rows owed to a destination, and what became of them."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from notifier.model import Event, Hold, Lease, Notice, Owed, Told, Trial
from notifier.ports import Outcome, Postponed, Waiting
from notifier.store.codec import decode_body, plain
from notifier.store.database import Database, reading, writing
from notifier.store.fencing import fence
from notifier.store.insertion import bites, put
from notifier.store.owing import owe
from notifier.store.prepared import Prepared
from notifier.store.schema import UNSETTLED, State, events, holds, outbox, told
from notifier.store.silences import all_silences
from notifier.store.trials import trials_of

HOLD = [holds.c[name] for name in ("until", "since", "failures", "reason", "fingerprint", "probing")]
"""The columns of a hold, in the order of its fields."""
OWED = [each.name for each in fields(Owed)]
"""The columns of a row that is owed."""

_ALIVE = or_(outbox.c.state == State.PENDING, outbox.c.state == State.SENDING)
"""Not an IN: SQLAlchemy expands that at execution, which it cannot for many rows at once."""

# Written once: composing a statement takes longer than executing it.
_HOLD = select(*HOLD).where(holds.c.destination == bindparam("destination"))
_HOLD_OF = Prepared(lambda *_: _HOLD)
_HOLD_LOCKED = Prepared(lambda *_: _HOLD.with_for_update())
"""Whoever lifts the hold in this moment waits, and then lifts what was written."""
_OWED = Prepared(
    lambda *_: (
        select(*(outbox.c[name] for name in OWED), outbox.c.state)
        .where(outbox.c.destination == bindparam("destination"), UNSETTLED, outbox.c.state != State.DEAD)
        .order_by(outbox.c.seq)
        .limit(bindparam("most"))
    )
)
_BODIES = Prepared(
    lambda _, ids: select(events.c.id, events.c.body).where(events.c.id.in_(ids), events.c.body.is_not(None))
)
_MARK = Prepared(
    lambda _, seqs: (
        update(outbox)
        .where(outbox.c.seq.in_(seqs), outbox.c.destination == bindparam("to"), _ALIVE)
        .values(state=State.SENDING)
        .returning(outbox.c.seq)
    )
)
_SETTLE = Prepared(
    lambda _, seqs: (
        update(outbox)
        .where(outbox.c.seq.in_(seqs))
        .values(state=State.SETTLED, settled_at=bindparam("now"), error=None)
    )
)


class SqlOutboxStore:
    """The OutboxStore port over SQL."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> "SqlOutboxStore":
        """The same store for the holder of a lease: what it writes raises LeaseLost once the lease is another's."""
        return SqlOutboxStore(self._database, lease)

    async def now(self) -> float:
        """The store's clock, epoch seconds: with SQLite, this machine's."""
        return await self._database.time()

    @reading
    def newest(self, connection: Connection) -> int | None:
        """The number of the newest row, whoever it is owed to; None where there is none."""
        found: int | None = connection.scalar(select(func.max(outbox.c.seq)))
        return found

    @reading
    def owed(self, connection: Connection, destination: str, limit: int) -> list[Owed]:
        """Unsettled rows, oldest first, without dead letters.

        A row says `repeated` also while it is under way: whoever finds it without being the sender must assume that
        it has arrived.
        """
        return _owed(connection, destination, limit)

    @reading
    def waiting(self, connection: Connection, destination: str, limit: int, events: int = 0) -> Waiting:
        """What is owed to a destination, so many rows at most, what it depends on, and the first `events`."""
        hold = _hold_of(connection, destination)
        rows = _owed(connection, destination, limit)
        silences = all_silences(connection) if rows else ()
        bodies = _bodies(connection, [row.event_id for row in rows[:events]]) if hold is None else {}
        return Waiting(self._database.now(connection), hold, rows, silences, bodies)

    @reading
    def told(self, connection: Connection, destination: str, job_keys: Collection[str]) -> dict[str, Told]:
        """What people were last told of these jobs at this destination."""
        found: dict[str, Told] = {}
        for bite in bites(job_keys):
            query = select(told.c.job_key, told.c.at, told.c.value).where(
                told.c.destination == destination, told.c.job_key.in_(bite)
            )
            found |= {key: Told(at, value) for key, at, value in connection.execute(query)}
        return found

    @reading
    def hold(self, connection: Connection, destination: str) -> Hold | None:
        """Why the destination is not sent to now; None where it is."""
        return _hold_of(connection, destination)

    @reading
    def events(self, connection: Connection, event_ids: Collection[str]) -> dict[str, Event | Notice]:
        """The bodies; an event whose body is gone, or not readable by this version, is left out."""
        return _bodies(connection, event_ids)

    @reading
    def trials(self, connection: Connection, job_key: str) -> tuple[Trial, ...]:
        """The trials of a job that are remembered, in the order of their creation."""
        return trials_of(connection, job_key)

    @writing
    def sending(self, connection: Connection, destination: str, seqs: Collection[int]) -> frozenset[int]:
        """Mark rows as under way, durably and before the send: a crash from here on may have delivered them.

        Returns those that may be sent: someone may have given others up meanwhile, or sent them elsewhere.
        """
        fence(connection, self._lease)
        return _mark(connection, destination, seqs)

    @writing
    def finish(self, connection: Connection, outcome: Outcome) -> bool:
        """Write what an attempt brought, in one transaction; False and nothing where the hold is not the one found.

        Settled wins over everything: it was delivered. A row discarded meanwhile does not come back.
        """
        return self._finished(connection, outcome)

    @writing
    def proceed(self, connection: Connection, outcome: Outcome, seqs: Collection[int]) -> frozenset[int] | None:
        """`finish` and then `sending`, in one transaction; None and nothing where the hold is not the one found."""
        return _mark(connection, outcome.destination, seqs) if self._finished(connection, outcome) else None

    def _finished(self, connection: Connection, outcome: Outcome) -> bool:
        fence(connection, self._lease)
        # Someone who let the destination go meanwhile wants it tried, whatever was decided before.
        if _hold_of(connection, outcome.destination, _HOLD_LOCKED) != outcome.found:
            return False
        now = self._database.now(connection)
        _settle(connection, outcome.settled, now)
        _silence(connection, outcome.silenced, now)
        _postpone(connection, outcome.postponed)
        _bury(connection, outcome.dead)
        if outcome.hold != outcome.found:
            _hold(connection, outcome.destination, outcome.hold)
        _tell(connection, outcome.destination, outcome.told)
        owe(connection, outcome.notices, now)
        return True


def _hold_of(connection: Connection, destination: str, statement: Prepared = _HOLD_OF) -> Hold | None:
    rows = statement.execute(connection, destination=destination)
    if not rows:
        return None
    hold = Hold(*rows[0])
    # The driver's truths are numbers.
    return replace(hold, probing=bool(hold.probing))


def _owed(connection: Connection, destination: str, limit: int) -> list[Owed]:
    found: list[Owed] = []
    for *row, state in _OWED.execute(connection, destination=destination, most=limit):
        owed = dict(zip(OWED, row, strict=True))
        # The driver's truths are numbers.
        flags = {name: bool(owed[name]) for name in ("repeated", "final", "insisted")}
        flags["repeated"] |= state == State.SENDING
        found.append(Owed(**(owed | flags)))
    return found


def _bodies(connection: Connection, event_ids: Collection[str]) -> dict[str, Event | Notice]:
    found: dict[str, Event | Notice] = {}
    for bite in bites(event_ids):
        for event_id, text in _BODIES.execute(connection, bite):
            if body := decode_body(text):
                found[event_id] = body
    return found


def _mark(connection: Connection, destination: str, seqs: Collection[int]) -> frozenset[int]:
    marked: set[int] = set()
    for bite in bites(seqs):
        marked.update(seq for (seq,) in _MARK.execute(connection, bite, to=destination))
    return frozenset(marked)


def _settle(connection: Connection, seqs: Sequence[int], now: float) -> None:
    for bite in bites(seqs):
        _SETTLE.execute(connection, bite, now=now)


def _silence(connection: Connection, silenced: Sequence[tuple[int, str]], now: float) -> None:
    if not silenced:
        return
    statement = (
        update(outbox)
        .where(outbox.c.seq == bindparam("at_seq"), _ALIVE)
        .values(state=State.SILENCED, settled_at=now, error=bindparam("new_error"))
    )
    connection.execute(statement, [{"at_seq": seq, "new_error": plain(reason)} for seq, reason in silenced])


def _postpone(connection: Connection, postponed: Sequence[Postponed]) -> None:
    if not postponed:
        return
    names = ("next_at", "attempts", "repeated", "alone_since", "error")
    statement = (
        update(outbox)
        .where(outbox.c.seq == bindparam("at_seq"), _ALIVE)
        .values(state=State.PENDING, **{name: bindparam(f"new_{name}") for name in names})
    )
    rows = [
        {
            "at_seq": each.seq,
            "new_next_at": each.next_at,
            "new_attempts": each.attempts,
            "new_repeated": each.repeated,
            "new_alone_since": each.alone_since,
            "new_error": plain(each.error),
        }
        for each in postponed
    ]
    connection.execute(statement, rows)


def _bury(connection: Connection, dead: Sequence[tuple[int, str]]) -> None:
    if not dead:
        return
    statement = (
        update(outbox)
        .where(outbox.c.seq == bindparam("at_seq"), _ALIVE)
        .values(state=State.DEAD, attempts=outbox.c.attempts + 1, error=bindparam("new_error"))
    )
    connection.execute(statement, [{"at_seq": seq, "new_error": plain(error)} for seq, error in dead])


def _hold(connection: Connection, destination: str, hold: Hold | None) -> None:
    if hold is None:
        connection.execute(delete(holds).where(holds.c.destination == destination))
        return
    row = {
        "destination": destination,
        "until": hold.until,
        "since": hold.since,
        "failures": hold.failures,
        "reason": plain(hold.reason),
        "fingerprint": hold.fingerprint,
        "probing": hold.probing,
    }
    put(connection, holds, [row])


def _tell(connection: Connection, destination: str, news: Sequence[tuple[str, Told]]) -> None:
    rows = {key: {"destination": destination, "job_key": key, "at": each.at, "value": each.value} for key, each in news}
    put(connection, told, list(rows.values()))
