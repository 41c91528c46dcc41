"""Transactions on PostgreSQL: their deadlines, their clock, and a connection that is lost."""

import os
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from notifier.errors import StoreUnavailable
from notifier.store import open_store
from notifier.store.database import Database
from notifier.store.opening import read_url
from notifier.store.postgres import DEADLINES, postgres
from tests.postgres import Server
from tests.store.refusals import name_of


@pytest.fixture(params=[pytest.param("postgres_url", id="postgresql"), pytest.param("pooled_url", id="pgbouncer")])
def shared_url(request: pytest.FixtureRequest) -> str:
    """An empty database, as a server and as a pool of connections offer it."""
    url: str = request.getfixturevalue(request.param)
    return url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Database]:
    """A database, closed at the end."""
    database = Database(postgres(read_url(url)))
    try:
        yield database
    finally:
        await database.close()


async def test_a_transaction_has_its_deadlines_and_leaves_none_behind(shared_url: str) -> None:
    async with connected(shared_url) as database:
        within = await database.read(deadlines)
        with closing(database.backend.reader.raw_connection()) as pooled:
            raw: Any = pooled.driver_connection
            raw.autocommit = True
            without = [raw.execute(f"SHOW {name}").fetchone()[0] for name in DEADLINES]

    assert within == [f"{seconds:.0f}s" for seconds in DEADLINES.values()]
    assert without == ["0"] * len(DEADLINES)


def deadlines(connection: Connection) -> list[str]:
    return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in DEADLINES]


async def test_a_server_that_vanished_is_noticed_within_half_a_minute(postgres_url: str) -> None:
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")

    def kernel(connection: Connection) -> tuple[list[int], str]:
        """What the kernel was told of the connection, and how long connecting may take."""
        raw: Any = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(raw.fileno())) as wire:
            told = [wire.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
        return told, raw.info.get_parameters()["connect_timeout"]

    async with connected(postgres_url) as database:
        (idle, interval, count, unanswered), connecting = await database.read(kernel)

    assert idle + interval * count <= 30
    assert 0 < unanswered <= 30_000
    assert 0 < int(connecting) <= 10


async def test_a_row_that_somebody_keeps_locked_is_waited_for_a_while(
    shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(shared_url, exclusive=True) as store:
        await store.upkeep.probe()
        monkeypatch.setitem(DEADLINES, "lock_timeout", 0.05)
        with psycopg.connect(shared_url) as neighbour:
            neighbour.execute("SELECT * FROM notifier_pulse FOR UPDATE")
            with pytest.raises(StoreUnavailable, match="another worker keeps a row locked"):
                await store.upkeep.probe()

        await store.upkeep.probe()


async def test_a_statement_that_takes_too_long_is_given_up(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEADLINES, "statement_timeout", 0.05)
    async with connected(shared_url) as database:
        with pytest.raises(StoreUnavailable, match="a statement took too long"):
            await database.write(lambda connection: connection.execute(text("SELECT pg_sleep(60)")))


@pytest.mark.parametrize("rows", [pytest.param(1, id="after-one-row"), pytest.param(2, id="after-many-rows")])
async def test_a_transaction_that_stands_still_frees_what_it_locked(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    def stand_still(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        connection.execute(text("INSERT INTO pieces VALUES (:number)"), [{"number": number} for number in range(rows)])
        # Until the server says that it ends this connection.
        raw: Any = connection.connection.driver_connection
        assert select.select([raw.fileno()], [], [], 30)[0]
        # Read before anything is sent: what the server has closed by then would take its last words with it.
        raw.pgconn.consume_input()
        connection.execute(text("SELECT 1"))

    async with connected(postgres_url) as database:
        await database.write(lambda connection: connection.execute(text("CREATE TABLE pieces (number INTEGER)")))
        # For these alone: on a busy machine the transactions around them may stand still for as long.
        with monkeypatch.context() as impatient:
            impatient.setitem(DEADLINES, "idle_in_transaction_session_timeout", 0.05)
            # Several times: whether a clock goes on may depend on which of two messages the server reads first.
            for _ in range(8):
                with pytest.raises(StoreUnavailable, match="a transaction stood still for too long"):
                    await database.write(stand_still)
        free = await database.write(
            lambda connection: connection.execute(text("SELECT pg_try_advisory_xact_lock(1)")).scalar_one()
        )
    assert free is True


async def test_the_servers_clock_is_the_stores_whatever_this_machine_says(
    postgres_server: Server, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(postgres_url, exclusive=True) as store:
        with monkeypatch.context() as wrong:
            wrong.setattr("time.time", lambda: 0.0)
            await store.leases.beat("ours", ["watch a"], 1000)
    left = "SELECT expires_at - extract(epoch FROM clock_timestamp()) BETWEEN 900 AND 1000 FROM notifier_workers"

    assert postgres_server.sql(left, name_of(postgres_url)) == "t"


async def test_a_connection_that_the_server_ends_is_told_once_and_made_anew(
    postgres_server: Server, postgres_url: str
) -> None:
    async with open_store(postgres_url, exclusive=True) as store:
        await store.upkeep.probe()
        end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}'"
        assert postgres_server.sql(end.format(name_of(postgres_url))) != "0"

        with pytest.raises(StoreUnavailable, match="ended the connection"):
            await store.upkeep.probe()

        await store.upkeep.probe()


async def test_a_mistake_of_ours_does_not_tell_what_was_to_be_written(postgres_url: str) -> None:
    async with connected(postgres_url) as database:
        with pytest.raises(ProgrammingError) as caught:
            await database.write(lambda connection: connection.execute(text("SELECT nothing(:key)"), {"key": "s3cret"}))

    assert "does not exist" in str(caught.value) and "s3cret" not in str(caught.value)
