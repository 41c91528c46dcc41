"""Silences, and which rows somebody wants sent all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "notifier_silences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("jobs", sa.Text, nullable=False),
        sa.Column("destination", sa.Text),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="notifier_silences_pkey"),
        sqlite_autoincrement=True,
    )
    op.add_column("notifier_outbox", sa.Column("insisted", sa.Boolean, nullable=False, server_default=sa.false()))
