"""Early words: which were told of a job, and when one of its trials last ended."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    added = [
        sa.Column("moved_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("early", sa.Text, nullable=False, server_default=""),
    ]
    if op.get_bind().dialect.name != "sqlite":
        for column in added:
            op.add_column("notifier_jobs", column)
        return
    # SQLite reads a row up to the last column that is asked for: the record must stay behind all others.
    with op.batch_alter_table("notifier_jobs", recreate="always") as jobs:
        for column in added:
            jobs.add_column(column, insert_before="record")
