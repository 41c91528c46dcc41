"""Whatever breaks, what is known and what is owed agree, and the store says in one line what is wrong."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from notifier.errors import StoreUnavailable
from notifier.model import JobIdentity
from notifier.ports import Outcome
from notifier.store import Store, open_store
from notifier.store.database import READERS, Database
from tests.examples import tuning_job
from tests.store.looks import SCOPE, Clock, file_of, first_look, look
from tests.store.processes import child, heard, kill


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    """SQLite: what breaks here is its file."""
    async with open_store(url, exclusive=True, clock=clock) as opened:
        yield opened


async def known_and_owed(store: Store) -> tuple[set[JobIdentity], set[str], set[str]]:
    """The jobs remembered, and the keys of those whose beginning is owed to each of two destinations."""
    known = set(await store.watch.remembered(SCOPE))
    slack, webhook = [{row.job_key for row in await store.outbox.owed(name, 100_000)} for name in ("slack", "webhook")]
    return known, slack, webhook


@pytest.mark.parametrize("commits", [pytest.param(count, id=f"after-{count}") for count in (1, 7, 40)])
async def test_a_kill_in_the_middle_of_commits_leaves_whole_commits_only(url: str, commits: int) -> None:
    async with child("commit", url) as committer, asyncio.timeout(60):
        said = [await heard(committer) for _ in range(commits)]
        await kill(committer)

    async with open_store(url, exclusive=True) as store:
        known, slack, webhook = await known_and_owed(store)

    assert slack == webhook == {identity.key for identity in known}
    assert {first_look(int(number)).remembered.identity for number in said} <= known


async def test_a_kill_while_the_schema_is_made_leaves_a_database_that_opens(url: str) -> None:
    for _ in range(3):
        async with child("hold", url) as process, asyncio.timeout(60):
            # Killed as soon as the file is there: while the tables are made, or shortly before or after.
            while not file_of(url).exists():  # noqa: ASYNC110
                await asyncio.sleep(0)
            await kill(process)

        async with open_store(url, exclusive=True) as store:
            await store.watch.commit(SCOPE, [first_look(1)])
            assert len(await store.outbox.owed("slack", 10)) == 1
        file_of(url).unlink()


def database(store: Store) -> Database:
    """The database below, to break it."""
    return store.watch._database


async def asked(store: Store, *statements: str) -> list[Any]:
    """The first value of each statement's answer, all in one transaction of the connection that writes."""

    def ask(connection: Connection) -> list[Any]:
        return [connection.exec_driver_sql(each).scalar_one() for each in statements]

    return await database(store).write(ask)


@asynccontextmanager
async def full_disk(store: Store) -> AsyncIterator[None]:
    """SQLite's own limit, on the one connection that writes: the file can grow no more."""
    (pages,) = await asked(store, "PRAGMA page_count")
    await asked(store, f"PRAGMA max_page_count = {pages}")
    yield
    await asked(store, "PRAGMA max_page_count = 1000000")


async def test_on_a_full_disk_nothing_is_committed_and_everything_recovers(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    big = [look(tuning_job(f"big-{number}", failure_reason="x" * 5000)) for number in range(50)]

    async with full_disk(store):
        with pytest.raises(StoreUnavailable) as full:
            await store.watch.commit(SCOPE, [first_look(2), *big])
        assert len(await store.watch.remembered(SCOPE)) == 1
        assert len(await store.outbox.owed("slack", 10)) == 1

    assert str(full.value) == f"database {Path(store.place)}: the disk is full"
    await store.watch.commit(SCOPE, [first_look(2), *big])
    assert len(await store.watch.remembered(SCOPE)) == 52
    assert len(await store.outbox.owed("slack", 10)) == 2


async def test_a_locked_database_does_not_answer_now_and_reads_go_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.store.sqlite.BUSY_TIMEOUT", 0.05)
    async with open_store(url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
        with closing(sqlite3.connect(file_of(url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
                await store.watch.commit(SCOPE, [first_look(2)])
            with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
                await store.upkeep.probe()
            assert len(await store.outbox.owed("slack", 10)) == 1
            other.execute("ROLLBACK")

        await store.upkeep.probe()
        assert len(await store.watch.remembered(SCOPE)) == 1


async def test_the_probe_finds_a_database_that_may_only_be_read(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    await store.upkeep.probe()
    await database(store).write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))

    with pytest.raises(StoreUnavailable, match="it cannot be written"):
        await store.upkeep.probe()

    assert len(await store.outbox.owed("slack", 10)) == 1


async def test_reading_does_not_take_the_write_lock(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])

    begun, let = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def count(connection: Connection) -> tuple[int, int]:
        query = "SELECT count(*) FROM notifier_jobs"
        before = connection.exec_driver_sql(query).scalar_one()
        loop.call_soon_threadsafe(begun.set)
        assert let.wait(10)
        return before, connection.exec_driver_sql(query).scalar_one()

    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(database(store).read(count))
        await begun.wait()
        await store.watch.commit(SCOPE, [first_look(2)])
        let.set()

    assert counting.result() == (1, 1)


async def test_a_file_damaged_under_the_service_is_told_in_one_line(url: str) -> None:
    async with open_store(url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(number) for number in range(300)])
    async with open_store(url, exclusive=True) as store:
        # All but the first page, which holds the header.
        with file_of(url).open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))

        with pytest.raises(StoreUnavailable) as damaged:
            await store.watch.remembered(SCOPE)

    assert str(damaged.value) == f"database {Path(store.place)}: the file is damaged"


async def test_writers_of_one_process_do_not_disturb_each_other(store: Store) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(store.watch.commit(SCOPE, [first_look(number)]))
            tasks.create_task(store.outbox.finish(Outcome("slack")))
            tasks.create_task(store.outbox.owed("slack", 10))

    assert len(await store.watch.remembered(SCOPE)) == 40


@pytest.mark.parametrize("turns", [pytest.param(turns, id=f"after-{turns}-turns") for turns in range(0, 30, 3)])
async def test_a_cancelled_commit_is_whole_or_absent_and_leaves_no_lock(store: Store, turns: int) -> None:
    commit = asyncio.create_task(store.watch.commit(SCOPE, [first_look(1, to=("slack", "webhook"))]))
    for _ in range(turns):
        await asyncio.sleep(0.0001)
    commit.cancel()
    await asyncio.sleep(0)
    # Someone has no patience.
    commit.cancel()
    (ended,) = await asyncio.gather(commit, return_exceptions=True)

    with closing(sqlite3.connect(Path(store.place), timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    known, slack, webhook = await known_and_owed(store)
    assert slack == webhook == {identity.key for identity in known}
    assert known or isinstance(ended, asyncio.CancelledError)


async def test_a_cancellation_goes_on_after_the_transaction_that_it_met(store: Store) -> None:
    commit = asyncio.create_task(store.watch.commit(SCOPE, [first_look(1)]))
    await asyncio.sleep(0)
    commit.cancel()

    with pytest.raises(asyncio.CancelledError):
        await commit

    assert len(await store.watch.remembered(SCOPE)) == 1


async def test_what_the_disk_was_promised_is_durable(store: Store) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    assert await asked(store, *(f"PRAGMA {name}" for name in names)) == ["wal", 2, 1, 5000]


async def test_whoever_writes_has_the_lock_before_it_reads(store: Store) -> None:
    # Taken at the first write instead, it would be refused at once if a neighbour had written since the first read.
    def meet(_: Connection) -> None:
        with (
            closing(sqlite3.connect(Path(store.place), timeout=0)) as neighbour,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            neighbour.execute("BEGIN IMMEDIATE")

    await database(store).write(meet)


async def test_a_database_that_hangs_is_told_in_one_line_and_holds_nobody_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.database.ANSWER_TIMEOUT", 0.05)
    let = threading.Event()
    hanging = asyncio.create_task(database(store).write(lambda _: let.wait(10)))
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailable, match="it has not answered for 0 s"):
        await store.watch.commit(SCOPE, [first_look(1)])
    with pytest.raises(StoreUnavailable):
        await hanging
    assert await store.watch.remembered(SCOPE) == {}

    monkeypatch.undo()
    let.set()
    # What was asked for first is done first, although nobody waited for it.
    await store.watch.commit(SCOPE, [first_look(2)])
    assert len(await store.watch.remembered(SCOPE)) == 2


async def test_a_cancellation_does_not_wait_for_a_database_that_hangs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.database.CANCELLED_TIMEOUT", 0.05)
    let = threading.Event()
    hanging = asyncio.create_task(database(store).write(lambda _: let.wait(20)))
    await asyncio.sleep(0)

    hanging.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait({hanging})

    assert hanging.cancelled()
    let.set()


async def test_a_mistake_of_ours_does_not_tell_what_was_to_be_written(store: Store) -> None:
    statement = text("INSERT INTO notifier_told (destination, job_key) VALUES (:name, :key)")

    with pytest.raises(IntegrityError) as caught:
        await database(store).write(lambda connection: connection.execute(statement, {"name": "s3cret", "key": "k"}))

    assert "NOT NULL constraint failed" in str(caught.value) and "s3cret" not in str(caught.value)


def opened(file: Path) -> int:
    """How often this process has a database open."""
    links = Path("/proc/self/fd").iterdir()
    return sum(link.is_symlink() and str(link.readlink()) == str(file) for link in links)


async def test_threads_keep_their_connections_and_a_closed_store_leaves_none(url: str) -> None:
    file = file_of(url)
    async with open_store(url, exclusive=True) as store:
        for _ in range(20):
            await asyncio.gather(*(store.watch.remembered(SCOPE) for _ in range(READERS)), store.upkeep.probe())
        assert 1 < opened(file) <= READERS + 1

    assert opened(file) == 0


async def test_a_connection_that_is_in_use_when_the_store_is_closed_is_closed_after_its_use(url: str) -> None:
    begun, let, file = threading.Event(), threading.Event(), file_of(url)

    def hang(connection: Connection) -> None:
        begun.set()
        assert let.wait(10)

    async with open_store(url, exclusive=True) as store:
        reading = asyncio.create_task(database(store).read(hang))
        await asyncio.to_thread(begun.wait, 10)
    assert opened(file) > 0

    let.set()
    await reading
    assert opened(file) == 0
