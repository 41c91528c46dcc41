"""The first schema: scopes, jobs, events, the outbox, and what is known of destinations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _what_is_remembered()
    _what_is_owed()
    _what_is_known_of_destinations()


def _what_is_remembered() -> None:
    op.create_table(
        "notifier_scopes",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("baseline_at", sa.Double),
        sa.Column("complete_at", sa.Double),
        sa.Column("full_at", sa.Double),
        sa.PrimaryKeyConstraint("key", name="notifier_scopes_pkey"),
    )
    op.create_table(
        "notifier_jobs",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("lower_name", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("completed", sa.BigInteger, nullable=False),
        sa.Column("in_progress", sa.BigInteger),
        sa.Column("retryable_error", sa.BigInteger, nullable=False),
        sa.Column("non_retryable_error", sa.BigInteger, nullable=False),
        sa.Column("stopped", sa.BigInteger, nullable=False),
        sa.Column("pending", sa.BigInteger),
        sa.Column("running", sa.BigInteger),
        sa.Column("best_name", sa.Text),
        sa.Column("best_value", sa.Double),
        sa.Column("first_value", sa.Double),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("described", sa.Boolean, nullable=False),
        sa.Column("watched", sa.Boolean, nullable=False),
        sa.Column("looked_at", sa.Double, nullable=False),
        sa.Column("missing_since", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("record", sa.Text),
        sa.PrimaryKeyConstraint("key", "scope", name="notifier_jobs_pkey"),
    )
    op.create_table(
        "notifier_pulse",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="notifier_pulse_pkey"),
    )


def _what_is_owed() -> None:
    op.create_table(
        "notifier_events",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("job_key", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("id", name="notifier_events_pkey"),
    )
    op.create_index("notifier_events_job_key", "notifier_events", ["job_key"])
    op.create_table(
        "notifier_outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("job_key", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("repeated", sa.Boolean, nullable=False),
        sa.Column("alone_since", sa.Double),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("best_value", sa.Double),
        sa.Column("direction", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("settled_at", sa.Double),
        sa.ForeignKeyConstraint(["event_id"], ["notifier_events.id"], name="notifier_outbox_event_id_fkey"),
        sa.PrimaryKeyConstraint("seq", name="notifier_outbox_pkey"),
        sa.UniqueConstraint("event_id", "destination", name="notifier_outbox_event_id_destination_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("notifier_outbox_job_key", "notifier_outbox", ["job_key"])
    op.create_index("notifier_outbox_settled_at", "notifier_outbox", ["settled_at"])
    unsettled = sa.text("state IN ('pending', 'sending', 'dead')")
    op.create_index(
        "notifier_outbox_unsettled",
        "notifier_outbox",
        ["destination", "seq"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )


def _what_is_known_of_destinations() -> None:
    op.create_table(
        "notifier_holds",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("probing", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("destination", name="notifier_holds_pkey"),
    )
    op.create_table(
        "notifier_told",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("job_key", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("value", sa.Double),
        sa.PrimaryKeyConstraint("destination", "job_key", name="notifier_told_pkey"),
    )
    op.create_index("notifier_told_job_key", "notifier_told", ["job_key"])
    op.create_table(
        "notifier_orphans",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("destination", name="notifier_orphans_pkey"),
    )
