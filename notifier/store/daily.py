"""What the summary of a day is made of: the endings that were owed, and the jobs that go on."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from notifier.model import Event, JobIdentity, Lease, Remembered, ended
from notifier.ports import Routed
from notifier.store import codec
from notifier.store.database import Database, reading, writing
from notifier.store.fencing import fence
from notifier.store.owing import owe
from notifier.store.schema import State, events, jobs, outbox, scopes
from notifier.store.watch import REMEMBERED, remembered_of, tags_of


class SqlDailyStore:
    """The DailyStore port over SQL."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> "SqlDailyStore":
        """The same store for the holder of a lease: what it writes raises LeaseLost once the lease is another's."""
        return SqlDailyStore(self._database, lease)

    async def now(self) -> float:
        """The store's clock, epoch seconds."""
        return await self._database.time()

    @reading
    def begun(self, connection: Connection) -> float | None:
        """When the first baseline stood; None where there is none yet."""
        found: float | None = connection.scalar(select(func.min(scopes.c.baseline_at)))
        return found

    @reading
    def known(self, connection: Connection, event_id: str) -> bool:
        """Whether a notice of this id was ever owed."""
        return connection.scalar(select(events.c.id).where(events.c.id == event_id)) is not None

    @reading
    def endings(self, connection: Connection, destination: str, since: float, until: float) -> list[Event]:
        """The endings that came to be owed to a destination in this time, delivered or not, in their order."""
        query = (
            select(events.c.body)
            .join(outbox, outbox.c.event_id == events.c.id)
            .where(outbox.c.destination == destination, outbox.c.final, outbox.c.state != State.DISCARDED)
            .where(outbox.c.created_at >= since, outbox.c.created_at < until, events.c.body.is_not(None))
            .order_by(outbox.c.seq)
        )
        bodies = (codec.decode_body(text) for text in connection.scalars(query))
        return [body for body in bodies if isinstance(body, Event)]

    @reading
    def going(self, connection: Connection) -> list[Remembered]:
        """The jobs that are watched and go on, newest first."""
        query = select(*REMEMBERED).where(jobs.c.watched).order_by(jobs.c.created.desc(), jobs.c.key)
        return [job for row in connection.execute(query) if not ended((job := remembered_of(row)).status)]

    @reading
    def tags(self, connection: Connection, identity: JobIdentity) -> dict[str, str] | None:
        """The tags of a job, as they were read once; None where they were not."""
        return tags_of(connection, identity)

    @writing
    def announce(self, connection: Connection, notices: Sequence[Routed]) -> None:
        """Owe notices; one that is known already is not owed again."""
        fence(connection, self._lease)
        owe(connection, notices, self._database.now(connection))
