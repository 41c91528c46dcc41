"""The scripts and the tables say the same."""

import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import NullPool

from notifier.store import migrations, open_store
from notifier.store.schema import UNSETTLED, metadata
from tests.store.looks import file_of
from tests.store.processes import ROOT


async def migrated(url: str) -> Connection:
    """A plain connection to a database that the migrations have made."""
    async with open_store(url, exclusive=True):
        pass
    return create_engine(f"sqlite:///{file_of(url)}", poolclass=NullPool).connect()


async def test_the_migrations_make_the_tables_of_the_schema(url: str) -> None:
    with await migrated(url) as connection:
        options = {"compare_type": True, "version_table": migrations.VERSION_TABLE}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert differences == []


async def test_the_migrations_make_each_column_key_and_index_as_the_schema_says(url: str, tmp_path: Path) -> None:
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}", poolclass=NullPool)
    metadata.create_all(fresh)

    with await migrated(url) as made, fresh.connect() as meant:
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        assert made.exec_driver_sql(indexes).all() == meant.exec_driver_sql(indexes).all()
        found, wanted = inspect(made), inspect(meant)
        for table in metadata.tables:
            assert str(found.get_columns(table)) == str(wanted.get_columns(table))
            assert found.get_pk_constraint(table) == wanted.get_pk_constraint(table)


async def test_the_index_of_what_is_owed_is_used(url: str) -> None:
    with await migrated(url) as connection:
        condition = str(UNSETTLED.compile())
        query = f"SELECT * FROM notifier_outbox WHERE destination = 'slack' AND {condition} ORDER BY seq"  # noqa: S608
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]

    assert plan == ["SEARCH notifier_outbox USING INDEX notifier_outbox_unsettled (destination=?)"]


def test_the_constant_names_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_a_revision_of_a_newer_version_is_not_known() -> None:
    assert migrations.known(migrations.HEAD)
    assert not migrations.known("0999")


async def test_all_tables_are_prefixed(url: str) -> None:
    with await migrated(url) as connection:
        names = inspect(connection).get_table_names()

    assert names
    assert all(name.startswith("notifier_") for name in names)


async def test_a_start_on_a_current_database_does_not_load_alembic(url: str) -> None:
    async with open_store(url, exclusive=True):
        pass
    script = (
        "import asyncio, sys\n"
        "from notifier.store import open_store\n"
        "async def start():\n"
        "    async with open_store(sys.argv[1], exclusive=True): pass\n"
        "asyncio.run(start())\n"
        "print('alembic' in sys.modules)"
    )

    process = await create_subprocess_exec(sys.executable, "-c", script, url, cwd=ROOT, stdout=PIPE)
    said, _ = await process.communicate()

    assert said.decode().strip() == "False"
