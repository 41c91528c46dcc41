"""Leases, and the workers that share them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "notifier_leases",
        sa.Column("duty", sa.Text, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("duty", name="notifier_leases_pkey"),
    )
    op.create_table(
        "notifier_workers",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("duties", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="notifier_workers_pkey"),
    )
