"""Our tables on PostgreSQL: made once, beside a neighbour's, and the same as the schema says."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from notifier.store import Store, migrations, open_store
from notifier.store.database import Database
from notifier.store.opening import read_url
from notifier.store.postgres import postgres
from notifier.store.schema import UNSETTLED, metadata
from tests.postgres import ROLE, Server
from tests.store.looks import SCOPE, first_look
from tests.store.refusals import changed, name_of


async def test_eight_workers_that_start_at_once_on_an_empty_database_migrate_it_once(postgres_url: str) -> None:
    async def start(number: int) -> Store:
        async with open_store(postgres_url, exclusive=True) as store:
            await store.watch.commit(SCOPE, [first_look(number)])
        return store

    await asyncio.gather(*(start(number) for number in range(8)))

    async with open_store(postgres_url, exclusive=False) as store:
        assert len(await store.outbox.owed("slack", 9)) == 8


async def test_a_neighbours_tables_are_left_alone_and_its_alembic_is_another(
    postgres_server: Server, postgres_url: str
) -> None:
    name = name_of(postgres_url)
    making = "CREATE TABLE alembic_version AS SELECT 'theirs' AS version_num; CREATE TABLE jobs AS SELECT 1 AS id"
    postgres_server.sql(f"SET ROLE {ROLE}; {making}", name)

    async with open_store(postgres_url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])

    assert postgres_server.sql("SELECT * FROM alembic_version", name) == "theirs"
    foreign = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'notifier%' ORDER BY 1"
    )
    assert postgres_server.sql(foreign, name).split() == ["alembic_version", "jobs"]
    assert postgres_server.sql("SELECT * FROM jobs", name) == "1"


async def test_the_migrations_make_the_tables_of_the_schema(postgres_server: Server, postgres_url: str) -> None:
    async with open_store(postgres_url, exclusive=True):
        pass
    meant = postgres_server.create("meant")
    try:
        metadata.create_all(plain := create_engine(changed(meant, drivername="postgresql+psycopg")))
        plain.dispose()
        indexes = "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'notifier%' AND tablename <> '{}' ORDER BY 1"
        query = indexes.format(migrations.VERSION_TABLE)
        assert postgres_server.sql(query, name_of(postgres_url)) == postgres_server.sql(query, "meant")
    finally:
        postgres_server.drop("meant")
    database = Database(postgres(read_url(postgres_url)))
    try:
        assert await database.read(differences) == []
    finally:
        await database.close()


def differences(connection: Connection) -> object:
    options = {"compare_type": True, "version_table": migrations.VERSION_TABLE}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_the_index_of_what_is_owed_is_used(postgres_server: Server, postgres_url: str) -> None:
    async with open_store(postgres_url, exclusive=True):
        pass
    query = f"SELECT * FROM notifier_outbox WHERE destination = 'slack' AND {UNSETTLED.compile()} ORDER BY seq"  # noqa: S608

    plan = postgres_server.sql(f"SET enable_seqscan = off; EXPLAIN {query}", name_of(postgres_url))

    assert "Index Scan using notifier_outbox_unsettled" in plan and "Sort" not in plan
