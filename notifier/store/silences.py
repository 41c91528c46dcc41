"""Silences: made and ended by people beside a running service, read by whoever delivers."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import Connection, delete, insert, select, update

from notifier.model import Silence
from notifier.store.codec import plain
from notifier.store.database import Database, reading, writing
from notifier.store.insertion import bites
from notifier.store.prepared import Prepared
from notifier.store.schema import silences

SILENCE = [silences.c[each.name] for each in fields(Silence)]
_ALL = Prepared(lambda *_: select(*SILENCE).order_by(silences.c.id))


class Silences:
    """Everything that may be done with silences. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> float:
        """The store's clock, epoch seconds: what a silence lasts by."""
        return await self._database.time()

    @reading
    def all(self, connection: Connection) -> list[Silence]:
        """Those that last, and those that ended within the last weeks, oldest first."""
        return all_silences(connection)

    @writing
    def add(
        self, connection: Connection, jobs: str, destination: str | None, seconds: float, comment: str = ""
    ) -> Silence:
        """Make one that lasts from now on; workers obey it from their next look on."""
        since = self._database.now(connection)
        row = {
            "jobs": plain(jobs),
            "destination": destination,
            "since": since,
            "until": since + seconds,
            "comment": plain(comment),
        }
        return Silence(*connection.execute(insert(silences).values(row).returning(*SILENCE)).one())

    @writing
    def end(self, connection: Connection, ids: Collection[int]) -> list[int]:
        """End silences now; the numbers of those that lasted until now."""
        now = self._database.now(connection)
        ended: list[int] = []
        for bite in bites(ids):
            lasting = update(silences).where(silences.c.id.in_(bite), silences.c.until > now)
            ended += connection.scalars(lasting.values(until=now).returning(silences.c.id))
        return sorted(ended)


def all_silences(connection: Connection) -> list[Silence]:
    """What the table holds, oldest first."""
    return [Silence(*row) for row in _ALL.execute(connection)]


def drop_silences(connection: Connection, before: float) -> None:
    """Forget those that ended before this moment (epoch seconds)."""
    connection.execute(delete(silences).where(silences.c.until < before))
