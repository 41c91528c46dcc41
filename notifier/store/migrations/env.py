"""Alembic's environment: it migrates over the connection it is handed, never over one of its own."""

from alembic import context

from notifier.store.migrations import VERSION_TABLE
from notifier.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # One revision or none: SQLite and PostgreSQL both roll a CREATE TABLE back.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
