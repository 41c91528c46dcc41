"""PostgreSQL as administrators leave it: each fault in one line that says what to do, and what is mended is used."""

from contextlib import suppress

import pytest

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import examine, open_store, server
from notifier.store.schema import metadata
from tests.postgres import ROLE, Server
from tests.store.looks import SCOPE, first_look
from tests.store.refusals import GUEST, changed, look_of_check, name_of, refusal


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"password": "wr0ng"}, "password authentication failed for user", id="password"),
        pytest.param({"username": "nobody"}, "authentication failed", id="role"),
        pytest.param({"database": "nowhere"}, 'database "nowhere" does not exist', id="database"),
        pytest.param({"port": 1}, "Connection refused", id="port"),
        pytest.param({"host": "nowhere.invalid"}, "failed to resolve host 'nowhere.invalid'", id="host"),
        pytest.param({"query": {"sslmode": "require"}}, "server does not support SSL", id="no-ssl"),
        pytest.param({"query": {"sslmode": "maybe"}}, 'invalid sslmode value: "maybe"', id="sslmode"),
        pytest.param({"query": {"connect_timeout": "soon"}}, "bad value for connect_timeout", id="timeout"),
        pytest.param({"query": {"host": "/nowhere"}}, "No such file or directory", id="socket"),
    ],
)
async def test_a_server_that_does_not_let_us_in_is_quoted_in_one_line(
    postgres_url: str, wrong: dict[str, str | int], says: str
) -> None:
    url = changed(postgres_url, **wrong)

    line = await refusal(url, StoreUnavailable)

    assert line.startswith(f"database {name_of(url)} at ") and says in line
    assert "wr0ng" not in line and "FATAL" not in line
    assert await look_of_check(url) == line


@pytest.mark.parametrize(
    ("fault", "mended", "says"),
    [
        pytest.param(
            f"ALTER ROLE {ROLE} CONNECTION LIMIT 0",
            f"ALTER ROLE {ROLE} CONNECTION LIMIT -1",
            "too many connections for role",
            id="connections",
        ),
        pytest.param(
            f"ALTER ROLE {ROLE} SET default_transaction_read_only = on",
            f"ALTER ROLE {ROLE} RESET default_transaction_read_only",
            "it is read-only; name the primary server",
            id="read-only",
        ),
        pytest.param(
            f"REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres; "
            f"GRANT USAGE ON SCHEMA public TO {ROLE}",
            f"GRANT CREATE ON SCHEMA public TO {ROLE}",
            f"{ROLE} may not make tables: GRANT CREATE ON SCHEMA public TO {ROLE}",
            id="create",
        ),
        pytest.param(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres",
            f"GRANT USAGE, CREATE ON SCHEMA public TO {ROLE}",
            f"{ROLE} may use no schema: GRANT USAGE, CREATE ON SCHEMA public TO {ROLE}",
            id="usage",
        ),
    ],
)
async def test_what_is_mended_is_used(
    postgres_server: Server, postgres_url: str, fault: str, mended: str, says: str
) -> None:
    name = name_of(postgres_url)
    postgres_server.sql(fault, name)
    try:
        line = await refusal(postgres_url, StoreUnavailable)
        assert line.startswith(f"database {name} at ") and says in line
        assert await look_of_check(postgres_url) == line
    finally:
        postgres_server.sql(mended, name)

    assert (await examine(postgres_url)).endswith("its tables will be made")
    async with open_store(postgres_url, exclusive=True) as store:
        await store.upkeep.probe()


@pytest.mark.parametrize(
    ("newest", "says"),
    [
        pytest.param(1000, "is too old; it must be 1000 or newer", id="too-old"),
        pytest.param(13, "its encoding is LATIN1; make a database with ENCODING 'UTF8' TEMPLATE template0", id="latin"),
    ],
)
async def test_a_server_that_cannot_hold_our_tables_is_told_and_left_alone(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch, newest: int, says: str
) -> None:
    monkeypatch.setattr(server, "OLDEST", newest)
    postgres_server.sql(f"CREATE DATABASE latin OWNER {ROLE} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    url = postgres_server.url("latin")
    try:
        assert says in await refusal(url, StoreUnavailable)
        assert says in await refusal(url, StoreUnavailable, exclusive=False)
        assert says in await look_of_check(url)
        assert postgres_server.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'notifier%'", "latin") == "0"
    finally:
        postgres_server.drop("latin")


async def test_somebody_who_owns_nothing_is_told_each_right_that_is_missing_and_then_works(
    postgres_server: Server, postgres_url: str, guest: str
) -> None:
    name = name_of(postgres_url)
    async with open_store(postgres_url, exclusive=True):
        pass
    granted = f'TO "{GUEST}"'

    assert "permission denied for table notifier_alembic_version; grant it" in await refusal(guest, StoreUnavailable)
    postgres_server.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public {granted}", name)
    lacking = f"{len(metadata.tables) * 3} more rights)"
    assert f'"{GUEST}" lacks rights: GRANT INSERT ON notifier_' in (line := await refusal(guest, StoreUnavailable))
    assert line.endswith(f"{granted} (and {lacking}")
    postgres_server.sql(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public {granted}", name)
    line = await look_of_check(guest)
    assert line.endswith(f'"{GUEST}" lacks rights: GRANT USAGE ON SEQUENCE public.notifier_outbox_seq_seq {granted}')
    postgres_server.sql(f"GRANT USAGE ON SEQUENCE notifier_outbox_seq_seq {granted}", name)

    async with open_store(guest, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
        assert len(await store.outbox.owed("slack", 9)) == 1


async def test_a_right_that_is_taken_away_under_way_is_named(
    postgres_server: Server, postgres_url: str, guest: str
) -> None:
    name = name_of(postgres_url)
    async with open_store(postgres_url, exclusive=True):
        pass
    postgres_server.sql(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{GUEST}"', name)
    postgres_server.sql(f'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "{GUEST}"', name)
    async with open_store(guest, exclusive=True) as store:
        postgres_server.sql(f'REVOKE ALL ON notifier_pulse FROM "{GUEST}"', name)

        with pytest.raises(StoreUnavailable, match="permission denied for table notifier_pulse; grant it"):
            await store.upkeep.probe()


@pytest.mark.parametrize("exclusive", [pytest.param(True, id="run"), pytest.param(False, id="outbox")])
async def test_the_tables_of_a_newer_version_are_refused_and_left_as_they_were(
    postgres_server: Server, postgres_url: str, exclusive: bool
) -> None:
    name = name_of(postgres_url)
    making = "CREATE TABLE notifier_alembic_version AS SELECT '0999' AS version_num"
    postgres_server.sql(f"SET ROLE {ROLE}; {making}", name)

    line = await refusal(postgres_url, StoreUnusable, exclusive=exclusive)

    assert "a newer version of notifier made its tables (schema 0999" in line
    assert await look_of_check(postgres_url) == line
    assert postgres_server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name) == (
        "notifier_alembic_version"
    )
    assert postgres_server.sql("SELECT version_num FROM notifier_alembic_version", name) == "0999"


async def test_the_probe_finds_a_server_that_takes_no_writes(postgres_server: Server, postgres_url: str) -> None:
    name = name_of(postgres_url)
    async with open_store(postgres_url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
        await store.upkeep.probe()
        # As on a replica, or while its disk is full.
        postgres_server.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}'"
        postgres_server.sql(end.format(name))
        with suppress(StoreUnavailable):
            # The first to ask finds its connection gone.
            await store.upkeep.probe()

        with pytest.raises(StoreUnavailable):
            await store.upkeep.probe()
        assert len(await store.outbox.owed("slack", 9)) == 1


async def test_a_guest_makes_no_tables_and_brings_none_up_to_date(postgres_server: Server, postgres_url: str) -> None:
    name = name_of(postgres_url)
    assert "no tables of notifier yet; `notifier run` makes them" in await refusal(
        postgres_url, StoreUnusable, exclusive=False
    )
    async with open_store(postgres_url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
    older(postgres_server, name)

    assert "`notifier run` brings them up to date" in await refusal(postgres_url, StoreUnusable, exclusive=False)
    assert (await examine(postgres_url)).endswith("its tables will be brought up to date")
    async with open_store(postgres_url, exclusive=True):
        pass

    async with open_store(postgres_url, exclusive=False) as store:
        assert len(await store.outbox.owed("slack", 9)) == 1
    assert (await examine(postgres_url)).endswith("its tables are in order")


def older(postgres_server: Server, name: str) -> None:
    """Take the newer revisions' tables away, as a database of the first version."""
    postgres_server.sql(
        "DROP TABLE notifier_leases, notifier_workers, notifier_hints, notifier_cards, notifier_trials,"
        " notifier_silences, notifier_tags;"
        " ALTER TABLE notifier_jobs DROP COLUMN moved_at, DROP COLUMN early;"
        " ALTER TABLE notifier_outbox DROP COLUMN insisted;"
        " UPDATE notifier_alembic_version SET version_num = '0001'",
        name,
    )
