"""Keeping the store small and knowing that it writes. All deletion goes in bites, so that nobody waits long for it."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from notifier.store.database import Database, writing
from notifier.store.insertion import BITE, insert_into, put
from notifier.store.owing import release_events
from notifier.store.schema import UNSETTLED, State, hints, holds, orphans, outbox, pulse
from notifier.store.silences import drop_silences

DAY = 86_400.0
SETTLED_FOR = 7 * DAY
"""How long settled and discarded rows can be looked at."""
ORPHANED_FOR = 30 * DAY
"""How long the rows of a destination that left the settings wait for its return."""
HINTED_FOR = 3600.0
"""How long a hint waits for somebody who watches its scope: by then sweeps have seen what it meant, or nobody does."""


SILENCED_FOR = ORPHANED_FOR
"""How long a silence counts after its end: for so long what was owed meanwhile may wait to be looked at."""


class Upkeep:
    """Pruning, and the probe for readiness. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def probe(self, connection: Connection) -> None:
        """Write and commit a heartbeat: whoever returns from here knows that the disk takes writes."""
        put(connection, pulse, [{"name": "probe", "at": self._database.now(connection)}])

    async def tidy(self, destinations: Collection[str]) -> None:
        """What is due daily: expire orphans, then prune what settled long ago. `destinations` are those configured.

        And hints that nobody followed, and silences long past.
        """
        now = await self._database.time()
        await self.expire_orphans(destinations, now - ORPHANED_FOR)
        await self.prune_settled(now - SETTLED_FOR)
        await self._drop_hints(now - HINTED_FOR)
        await self._drop_silences(now - SILENCED_FOR)

    async def prune_settled(self, before: float) -> int:
        """Delete rows settled or discarded before this moment, and bodies that no row needs; returns how many rows.

        Event ids stay as long as their job is remembered.
        """
        pruned = 0
        while True:
            pruned += (bite := await self._prune_settled(before))
            if bite < BITE:
                return pruned

    @writing
    def _prune_settled(self, connection: Connection, before: float) -> int:
        query = select(outbox.c.seq, outbox.c.event_id).where(outbox.c.settled_at < before, ~UNSETTLED).limit(BITE)
        rows = connection.execute(query).all()
        connection.execute(delete(outbox).where(outbox.c.seq.in_([row.seq for row in rows])))
        release_events(connection, {row.event_id for row in rows})
        return len(rows)

    async def expire_orphans(self, destinations: Collection[str], before: float) -> int:
        """Note whose rows are orphaned now, and discard those of destinations orphaned before this moment.

        The time runs from the first call that finds a destination missing, and ends when its name returns. Returns
        the number of rows discarded.
        """
        expired = 0
        for destination in await self._orphaned(destinations, before):
            while bite := await self._expire(destination):
                expired += bite
        return expired

    @writing
    def _drop_hints(self, connection: Connection, before: float) -> None:
        connection.execute(delete(hints).where(hints.c.at < before))

    @writing
    def _drop_silences(self, connection: Connection, before: float) -> None:
        drop_silences(connection, before)

    @writing
    def _orphaned(self, connection: Connection, destinations: Collection[str], before: float) -> list[str]:
        gone = set(connection.scalars(select(outbox.c.destination).where(UNSETTLED).distinct()))
        gone -= set(destinations)
        self._note(connection, gone)
        connection.execute(delete(holds).where(holds.c.destination.not_in({*destinations, *gone})))
        return list(connection.scalars(select(orphans.c.destination).where(orphans.c.since < before)))

    def _note(self, connection: Connection, gone: Collection[str]) -> None:
        connection.execute(delete(orphans).where(orphans.c.destination.not_in(gone)))
        if gone:
            rows = [{"destination": name, "since": self._database.now(connection)} for name in sorted(gone)]
            connection.execute(insert_into(connection.dialect.name, orphans).on_conflict_do_nothing(), rows)

    @writing
    def _expire(self, connection: Connection, destination: str) -> int:
        bite = select(outbox.c.seq).where(outbox.c.destination == destination, UNSETTLED).limit(BITE)
        error = "its destination was not in the settings for too long"
        values = {"state": State.DISCARDED, "error": error, "settled_at": self._database.now(connection)}
        done = connection.execute(update(outbox).where(outbox.c.seq.in_(bite)).values(values))
        return done.rowcount
