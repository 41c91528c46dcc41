"""Cards: which message shows which job, and which of them show less than is known."""

from collections.abc import Collection

from sqlalchemy import Connection, Row, delete, func, or_, select

from notifier.model import ENDED, Card, Lease, Posted, Trial, TuningJob
from notifier.store.codec import decode_record, plain
from notifier.store.database import Database, reading, writing
from notifier.store.fencing import fence
from notifier.store.insertion import bites, put
from notifier.store.schema import cards, jobs
from notifier.store.trials import trials_of

_CARD = [cards.c[name] for name in ("job_key", "home", "channel", "ts", "shown", "seen_at", "edited_at")]


class SqlCardStore:
    """The CardStore port over SQL."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> "SqlCardStore":
        """The same store for the holder of a lease: what it writes raises LeaseLost once the lease is another's."""
        return SqlCardStore(self._database, lease)

    async def now(self) -> float:
        """The store's clock, epoch seconds: with SQLite, this machine's."""
        return await self._database.time()

    @reading
    def cards(self, connection: Connection, destination: str, job_keys: Collection[str]) -> dict[str, Card]:
        """The cards of these jobs, by job key, as it was asked for."""
        asked = {plain(key): key for key in job_keys}
        found: dict[str, Card] = {}
        for bite in bites(asked):
            query = select(*_CARD).where(cards.c.destination == destination, cards.c.job_key.in_(bite))
            found |= {asked[row.job_key]: _card(row) for row in connection.execute(query)}
        return found

    @reading
    def outrun(
        self, connection: Connection, destination: str, home: str, now: float, rested: float, limit: int
    ) -> list[tuple[Card, TuningJob, float]]:
        """Cards whose job was looked at since, with its record and that look; the longest unchanged first.

        Those that were edited after `rested` are left out unless their job has ended.
        """
        # A job that both dialects have seen has two records: the later look counts.
        looks = jobs.alias()
        latest = select(func.max(looks.c.looked_at)).where(looks.c.key == cards.c.job_key).scalar_subquery()
        query = (
            select(*_CARD, jobs.c.record, jobs.c.looked_at)
            .join(jobs, jobs.c.key == cards.c.job_key)
            .where(cards.c.destination == destination, cards.c.home == home)
            .where(jobs.c.looked_at > cards.c.seen_at, jobs.c.looked_at == latest, jobs.c.record.is_not(None))
            # What was edited in the future was edited before the clock was set back.
            .where(or_(cards.c.edited_at <= rested, cards.c.edited_at > now, jobs.c.status.in_(sorted(ENDED))))
            .order_by(cards.c.edited_at)
            .limit(limit)
        )
        read = ((row, decode_record(row.record)) for row in connection.execute(query))
        return [(_card(row), record, row.looked_at) for row, record in read if record is not None]

    @reading
    def trials(self, connection: Connection, job_key: str) -> tuple[Trial, ...]:
        """The trials of a job that are remembered, in the order of their creation."""
        return trials_of(connection, job_key)

    @writing
    def put(self, connection: Connection, destination: str, card: Card) -> None:
        """Keep a card, in place of the one that the job had."""
        fence(connection, self._lease)
        row = {
            "destination": destination,
            "job_key": plain(card.job_key),
            "home": card.home,
            "channel": card.posted.channel,
            "ts": card.posted.ts,
            "shown": card.shown,
            "seen_at": card.seen_at,
            "edited_at": card.edited_at,
        }
        put(connection, cards, [row])

    @writing
    def drop(self, connection: Connection, destination: str, job_key: str) -> None:
        """The job has no card any more."""
        fence(connection, self._lease)
        connection.execute(delete(cards).where(cards.c.destination == destination, cards.c.job_key == plain(job_key)))


def _card(row: Row[*tuple[object, ...]]) -> Card:
    return Card(row.job_key, row.home, Posted(row.channel, row.ts), row.shown, row.seen_at, row.edited_at)
