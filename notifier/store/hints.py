"""Hints between the worker that hears them and those that watch the scopes they are about."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, case, delete, func, select

from notifier.model import Hint, Lease, Noted, Place, Scope
from notifier.store.database import Database, reading, writing
from notifier.store.fencing import fence
from notifier.store.insertion import insert_into
from notifier.store.schema import hints

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_FOLLOWED = delete(hints).where(
    hints.c.account_id == bindparam("of_account"),
    hints.c.region == bindparam("of_region"),
    hints.c.lower_name == bindparam("of_name"),
    hints.c.at == bindparam("noted_at"),
)


class SqlHintStore:
    """The HintStore port over SQL."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> "SqlHintStore":
        """The same store for the holder of a lease: what it writes raises LeaseLost once the lease is another's."""
        return SqlHintStore(self._database, lease)

    @writing
    def note(self, connection: Connection, heard: Collection[Hint]) -> None:
        """Note hints, in one transaction; of several for one job the soonest counts."""
        fence(connection, self._lease)
        now = self._database.now(connection)
        rows: dict[tuple[str, str, str], dict[str, object]] = {}
        # The soonest is the last: its row is the one that stays. By key, so that nobody waits in a circle.
        for hint in sorted(heard, key=lambda hint: (hint.key, -hint.wait)):
            place = {"account_id": hint.account_id, "region": hint.region, "lower_name": hint.name.lower()}
            rows[hint.key] = place | {"name": hint.name, "at": now, "due": now + hint.wait}
        if rows:
            connection.execute(_noting(connection), list(rows.values()))

    @reading
    def newest(self, connection: Connection) -> dict[Place, float]:
        """Where hints wait, and when the last of them was noted."""
        query = select(hints.c.account_id, hints.c.region, func.max(hints.c.at))
        rows = connection.execute(query.group_by(hints.c.account_id, hints.c.region))
        return {Place(region, account): at for account, region, at in rows}

    @reading
    def noted(self, connection: Connection, scope: Scope) -> list[Noted]:
        """The hints that wait for a scope, the soonest due first."""
        now = self._database.now(connection)
        query = select(hints.c.name, hints.c.at, hints.c.due).order_by(hints.c.due)
        rows = connection.execute(query.where(hints.c.account_id == scope.account_id, hints.c.region == scope.region))
        return [Noted(name, at, due <= at, due - now) for name, at, due in rows]

    @writing
    def heeded(self, connection: Connection, scope: Scope, noted: Collection[Noted]) -> None:
        """Delete hints that were followed, all but those that were noted anew meanwhile."""
        fence(connection, self._lease)
        rows = [
            {"of_account": scope.account_id, "of_region": scope.region, "of_name": name, "noted_at": at}
            for name, at in sorted((each.name.lower(), each.at) for each in noted)
        ]
        if rows:
            connection.execute(_FOLLOWED, rows)


def _noting(connection: Connection) -> "sqlite.Insert | postgresql.Insert":
    statement = insert_into(connection.dialect.name, hints)
    new = statement.excluded
    soonest = case((new.due < hints.c.due, new.due), else_=hints.c.due)
    # What comes with a wait has the name from an ARN, in small letters.
    spelled = case((new.due <= new.at, new.name), else_=hints.c.name)
    return statement.on_conflict_do_update(
        index_elements=list(hints.primary_key), set_={"name": spelled, "at": new.at, "due": soonest}
    )
