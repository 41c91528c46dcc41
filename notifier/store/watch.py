"""What the watch loop knows: scopes, the jobs remembered of them, and their last records."""

import json
from collections.abc import Collection, Mapping, Sequence
from sys import intern
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select

from notifier.model import (
    ENDED,
    JobIdentity,
    KnownTrials,
    Lease,
    Remembered,
    Scope,
    ScopeState,
    TuningJob,
    the_same_counts,
)
from notifier.ports import Observed, Routed
from notifier.store.codec import decode_record, encode_record, plain, plain_or_none
from notifier.store.database import Database, reading, writing
from notifier.store.fencing import fence
from notifier.store.insertion import BITE, bites, put
from notifier.store.owing import forget_events, owe
from notifier.store.prepared import Prepared
from notifier.store.schema import UNSETTLED, cards, events, jobs, outbox, scopes, tags, told, trials
from notifier.store.trials import keep_trials, known_trials

REMEMBERED = [column for column in jobs.columns if column.name not in ("key", "scope", "record")]
"""All that `remembered` reads: without the records, thousands of rows are read in a moment."""

_OF_SCOPE = Prepared(lambda *_: select(*REMEMBERED).where(jobs.c.scope == bindparam("scope")))
_RECORDS = Prepared(
    lambda _, keys: (
        select(jobs.c.key, jobs.c.record)
        .where(jobs.c.key.in_(keys), jobs.c.record.is_not(None))
        .order_by(jobs.c.looked_at)
    )
)
"""A job that both dialects have seen has two records: the later look wins."""


class SqlWatchStore:
    """The WatchStore port over SQL."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> "SqlWatchStore":
        """The same store for the holder of a lease: what it writes raises LeaseLost once the lease is another's."""
        return SqlWatchStore(self._database, lease)

    @reading
    def scope_state(self, connection: Connection, scope: Scope) -> ScopeState:
        """What is known of a scope's sweeps; nothing yet for one never seen."""
        query = select(scopes.c.baseline_at, scopes.c.complete_at, scopes.c.full_at).where(scopes.c.key == scope.key)
        row = connection.execute(query).first()
        return ScopeState(*row) if row else ScopeState()

    @reading
    def remembered(self, connection: Connection, scope: Scope) -> dict[JobIdentity, Remembered]:
        """Everything remembered of a scope."""
        found = map(remembered_of, _OF_SCOPE.execute(connection, scope=scope.key))
        return {each.identity: each for each in found}

    @reading
    def records(self, connection: Connection, identities: Collection[JobIdentity]) -> dict[JobIdentity, TuningJob]:
        """The last known records; those without one are left out."""
        asked = {plain(identity.key): identity for identity in identities}
        found: dict[JobIdentity, TuningJob] = {}
        for bite in bites(asked):
            for key, text in _RECORDS.execute(connection, bite):
                if record := decode_record(text):
                    found[asked[key]] = record
        return found

    @writing
    def commit(self, connection: Connection, scope: Scope, observed: Sequence[Observed]) -> None:
        """What we now know and what we now owe, in ONE transaction. An event id already known is not owed again.

        A look without a record keeps the last record. A forgotten job's unsettled messages stay owed.
        """
        fence(connection, self._lease)
        with_record, without = _rows(scope, observed)
        gone = [plain(each.remembered.identity.key) for each in observed if each.forget]
        routed = [event for each in observed for event in each.events]
        put(connection, jobs, with_record)
        put(connection, jobs, without, "record")
        keep_trials(connection, ((each.remembered.identity, trial) for each in observed for trial in each.trials))
        owe(connection, routed, self._database.now(connection))
        _forget(connection, scope, gone)

    @writing
    def complete(self, connection: Connection, scope: Scope, state: ScopeState, notices: Sequence[Routed]) -> None:
        """A sweep is complete: its state, and the notices it brings, in one transaction of its own."""
        fence(connection, self._lease)
        row = {
            "key": scope.key,
            "baseline_at": state.baseline_at,
            "complete_at": state.complete_at,
            "full_at": state.full_at,
        }
        put(connection, scopes, [row])
        owe(connection, notices, self._database.now(connection))

    @writing
    def announce(self, connection: Connection, notices: Sequence[Routed]) -> None:
        """Owe notices that no sweep brings."""
        fence(connection, self._lease)
        owe(connection, notices, self._database.now(connection))

    @reading
    def known_trials(self, connection: Connection, identity: JobIdentity) -> KnownTrials:
        """The names of a job's trials that are remembered."""
        return known_trials(connection, identity)

    @reading
    def tags(self, connection: Connection, identity: JobIdentity) -> dict[str, str] | None:
        """The tags of a job, as they were read once; None where they were not."""
        return tags_of(connection, identity)

    @writing
    def keep_tags(self, connection: Connection, identity: JobIdentity, found: Mapping[str, str]) -> None:
        """Remember the tags of a job, as long as the job."""
        fence(connection, self._lease)
        row = {"job_key": plain(identity.key), "body": json.dumps(dict(found))}
        put(connection, tags, [row])

    @reading
    def known(self, connection: Connection, event_id: str) -> bool:
        """Whether an event or a notice of this id was ever owed, as far back as ids are kept."""
        query = select(events.c.id).where(events.c.id == event_id)
        return connection.execute(query).first() is not None

    async def prune(self, scope: Scope, ended_before: float) -> Collection[JobIdentity]:
        """Forget ended jobs created and last looked at before this moment (epoch seconds), unless something is owed.

        A dead letter is unsettled. Each bite is a transaction, so that nobody waits long for the write lock.
        """
        spoken_of = select(outbox.c.seq).where(outbox.c.job_key == jobs.c.key, UNSETTLED).exists()
        query = (
            select(*REMEMBERED)
            .where(jobs.c.scope == scope.key, jobs.c.created < ended_before, jobs.c.looked_at < ended_before)
            .where(jobs.c.told, jobs.c.status.in_(sorted(ENDED)), ~spoken_of)
            .limit(BITE)
        )
        pruned: list[JobIdentity] = []
        while True:
            pruned += (bite := await self._prune(scope, query))
            if len(bite) < BITE:
                return pruned

    @writing
    def _prune(self, connection: Connection, scope: Scope, query: Select[*tuple[Any, ...]]) -> list[JobIdentity]:
        fence(connection, self._lease)
        found = [remembered_of(row).identity for row in connection.execute(query)]
        _forget(connection, scope, [identity.key for identity in found])
        return found


def remembered_of(row: Sequence[Any]) -> Remembered:
    """The row of a job (the columns of REMEMBERED) as what is remembered of it.

    What many rows say, or what one says twice, becomes one object: thousands are kept in memory.
    """
    account, region, lower_name, created, name, status, *rest = row
    *counts, best_name, best, first, told, described, watched, looked_at, missing, ended_at, moved_at, early = rest
    identity = JobIdentity(intern(account), intern(region), name if name == lower_name else lower_name, created)
    return Remembered(
        identity,
        name,
        intern(status),
        the_same_counts(*counts),
        best_name,
        best,
        best if first == best else first,
        # The driver's truths are numbers.
        bool(told),
        bool(described),
        bool(watched),
        looked_at,
        missing,
        ended_at,
        moved_at,
        tuple(early.splitlines()) if early else (),
    )


def _rows(scope: Scope, observed: Sequence[Observed]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows to write, with a record and without. Of a job looked at twice: the later look, and the last record."""
    rows: dict[str, dict[str, Any]] = {}
    for each in observed:
        if not each.forget:
            row = _row(scope, each)
            row["record"] = row["record"] or rows.get(row["key"], row)["record"]
            rows[row["key"]] = row
    return [row for row in rows.values() if row["record"]], [row for row in rows.values() if not row["record"]]


def _row(scope: Scope, observed: Observed) -> dict[str, Any]:
    job, counts = observed.remembered, observed.remembered.counts
    return {
        "key": plain(job.identity.key),
        "scope": scope.key,
        "account_id": job.identity.account_id,
        "region": job.identity.region,
        "lower_name": plain(job.identity.name),
        "created": job.identity.created,
        "name": plain(job.name),
        "status": plain(job.status),
        "completed": counts.completed,
        "in_progress": counts.in_progress,
        "retryable_error": counts.retryable_error,
        "non_retryable_error": counts.non_retryable_error,
        "stopped": counts.stopped,
        "pending": counts.pending,
        "running": counts.running,
        "best_name": plain_or_none(job.best_name),
        "best_value": job.best_value,
        "first_value": job.first_value,
        "told": job.told,
        "described": job.described,
        "watched": job.watched,
        "looked_at": job.looked_at,
        "missing_since": job.missing_since,
        "ended_at": job.ended_at,
        "moved_at": job.moved_at,
        "early": plain("\n".join(job.early)),
        "record": encode_record(observed.record) if observed.record else None,
    }


def tags_of(connection: Connection, identity: JobIdentity) -> dict[str, str] | None:
    """The tags of a job, as they were read once; None where they were not."""
    found = connection.scalar(select(tags.c.body).where(tags.c.job_key == plain(identity.key)))
    return None if found is None else dict(json.loads(found))


def _forget(connection: Connection, scope: Scope, keys: Collection[str]) -> None:
    for bite in bites(keys):
        connection.execute(delete(jobs).where(jobs.c.scope == scope.key, jobs.c.key.in_(bite)))
        # What people were told, the card in whose thread it stands, and what it tells of, stay while something is owed.
        for table in (told, cards, tags, trials):
            owed = select(outbox.c.seq).where(outbox.c.job_key == table.c.job_key, UNSETTLED).exists()
            connection.execute(delete(table).where(table.c.job_key.in_(bite), ~owed))
        forget_events(connection, bite)
