"""The tables: what is remembered, what is owed, and to whom. All are prefixed, for the database may be a neighbour's.

Times are epoch seconds in double precision. Bodies and records are JSON as text, last in their table, so that reading
thousands of rows without them stays cheap.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    literal_column,
)


class State(StrEnum):
    """Where a row of the outbox stands."""

    PENDING = "pending"
    SENDING = "sending"
    """Under way: it may have been delivered."""
    DEAD = "dead"
    """Refused for good by its destination; kept until someone retries or discards it."""
    SETTLED = "settled"
    DISCARDED = "discarded"
    SILENCED = "silenced"
    """Not sent, for somebody has silenced its job; it still can be."""


metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

scopes = Table(
    "notifier_scopes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("baseline_at", Double),
    Column("complete_at", Double),
    Column("full_at", Double),
)

jobs = Table(
    "notifier_jobs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("lower_name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("completed", BigInteger, nullable=False),
    Column("in_progress", BigInteger),
    Column("retryable_error", BigInteger, nullable=False),
    Column("non_retryable_error", BigInteger, nullable=False),
    Column("stopped", BigInteger, nullable=False),
    Column("pending", BigInteger),
    Column("running", BigInteger),
    Column("best_name", Text),
    Column("best_value", Double),
    Column("first_value", Double),
    Column("told", Boolean, nullable=False),
    Column("described", Boolean, nullable=False),
    Column("watched", Boolean, nullable=False),
    Column("looked_at", Double, nullable=False),
    Column("missing_since", Double),
    Column("ended_at", Double),
    Column("moved_at", Double, nullable=False, server_default="0"),
    # The causes, a line each.
    Column("early", Text, nullable=False, server_default=""),
    Column("record", Text),
)

events = Table(
    "notifier_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("job_key", Text, nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    # The id outlives the body: it is what stops a second telling.
    Column("body", Text),
)

outbox = Table(
    "notifier_outbox",
    metadata,
    # SQLite counts up only what it calls INTEGER; AUTOINCREMENT never gives a pruned row's number again.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", Text, ForeignKey(events.c.id), nullable=False),
    Column("destination", Text, nullable=False),
    Column("job_key", Text, nullable=False, index=True),
    Column("event_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("repeated", Boolean, nullable=False),
    Column("alone_since", Double),
    Column("final", Boolean, nullable=False),
    Column("best_value", Double),
    Column("direction", Text),
    Column("error", Text),
    Column("created_at", Double, nullable=False),
    Column("settled_at", Double, index=True),
    Column("insisted", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("event_id", "destination"),
    sqlite_autoincrement=True,
)

# Written with literals: SQLite uses a partial index only for a query that repeats its condition word for word.
UNSETTLED = outbox.c.state.in_([literal_column(f"'{state}'") for state in (State.PENDING, State.SENDING, State.DEAD)])
_unsettled = Index("notifier_outbox_unsettled", outbox.c.destination, outbox.c.seq, sqlite_where=UNSETTLED)


@event.listens_for(_unsettled, "before_create")
def _same_condition(index: Index, connection: Connection, **_: object) -> None:
    # Said above, it would load the dialect of PostgreSQL, two megabytes, wherever there is none.
    if connection.dialect.name == "postgresql":
        index.dialect_options["postgresql"]["where"] = UNSETTLED


holds = Table(
    "notifier_holds",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("until", Double),
    Column("since", Double, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("probing", Boolean, nullable=False),
)

told = Table(
    "notifier_told",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("job_key", Text, primary_key=True, index=True),
    Column("at", Double, nullable=False),
    Column("value", Double),
)

trials = Table(
    "notifier_trials",
    metadata,
    Column("job_key", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("over", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("body", Text, nullable=False),
)
"""The training jobs of remembered tuning jobs, as far as they were read. `over`: they do not change any more."""

tags = Table(
    "notifier_tags",
    metadata,
    Column("job_key", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
"""The tags of remembered jobs that a filter asked for: a JSON object."""

cards = Table(
    "notifier_cards",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("job_key", Text, primary_key=True, index=True),
    Column("home", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("edited_at", Double, nullable=False),
)
"""Messages that are edited in place, one for each job at a destination."""

silences = Table(
    "notifier_silences",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("jobs", Text, nullable=False),
    Column("destination", Text),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("comment", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Jobs that people do not want to hear of for a while."""

orphans = Table(
    "notifier_orphans",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("since", Double, nullable=False),
)
"""Destinations that rows are owed to and that the settings no longer name."""

hints = Table(
    "notifier_hints",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("lower_name", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("due", Double, nullable=False),
)
"""Jobs to be looked at before the next sweep. `at` tells a hint from a later one for the same job."""

pulse = Table(
    "notifier_pulse",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),
)
"""The last proof that the store takes writes."""

leases = Table(
    "notifier_leases",
    metadata,
    Column("duty", Text, primary_key=True),
    # Whoever is not among the workers holds nothing, whatever stands here.
    Column("worker", Text),
    Column("token", BigInteger, nullable=False),
)

workers = Table(
    "notifier_workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("expires_at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    # A JSON array: what this worker's settings name.
    Column("duties", Text, nullable=False),
)
"""The workers that live, and for how long after each sign of it. Whoever finds one dead deletes it."""
