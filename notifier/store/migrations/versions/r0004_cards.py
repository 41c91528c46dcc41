"""Cards: messages that are edited in place."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "notifier_cards",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("job_key", sa.Text, nullable=False),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("edited_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("destination", "job_key", name="notifier_cards_pkey"),
    )
    op.create_index("notifier_cards_job_key", "notifier_cards", ["job_key"])
