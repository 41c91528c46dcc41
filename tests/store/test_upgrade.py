"""A database that an older version wrote is brought up to date, and loses nothing of what it knows and owes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import StoreUnusable
from notifier.model import Told
from notifier.store import State, examine, migrations, open_store
from tests.examples import best, ended, new_best, started, tuning_job
from tests.store.looks import SCOPE, file_of, first_look, look

SCHEMA_0001 = Path(__file__).parent / "samples" / "schema_0001.sql"
SENDING = 2
"""The row that was under way when the older version was killed."""
LAST = 13
"""The highest number of a row that it gave."""


@pytest.fixture
def old_url(url: str) -> str:
    """A database as the version before leases left it."""
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.executescript(SCHEMA_0001.read_text("utf-8"))
    return url


def columns(url: str) -> dict[str, str]:
    """The columns of each table, as a query names them."""
    with closing(sqlite3.connect(file_of(url))) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({name})")) for name in names}


def contents(url: str, asked: dict[str, str]) -> dict[str, list[tuple[object, ...]]]:
    """Every row of each table, in these columns."""
    with closing(sqlite3.connect(file_of(url))) as connection:
        return {
            name: sorted(connection.execute(f"SELECT {names} FROM {name}"), key=str)  # noqa: S608
            for name, names in asked.items()
        }


async def test_every_row_is_still_there_and_what_was_under_way_is_owed_again(old_url: str) -> None:
    known = columns(old_url)
    before = contents(old_url, known)

    async with open_store(old_url, exclusive=True) as store:
        interrupted, *_ = await store.outbox.owed("webhook", 9)

    after = contents(old_url, known)
    assert (interrupted.seq, interrupted.repeated) == (SENDING, True)
    changed = {name for name, rows in before.items() if after[name] != rows}
    assert changed == {migrations.VERSION_TABLE, "notifier_outbox"}
    assert after[migrations.VERSION_TABLE] == [(migrations.HEAD,)]
    kept = [row for row in after["notifier_outbox"] if row[0] != SENDING]
    assert kept == [row for row in before["notifier_outbox"] if row[0] != SENDING]
    assert all(before[f"notifier_{name}"] for name in ("scopes", "jobs", "events", "holds", "told", "orphans", "pulse"))


async def test_what_it_knew_reads_as_before(old_url: str) -> None:
    job = tuning_job("xgb-churn")
    async with open_store(old_url, exclusive=True) as store:
        assert (await store.watch.scope_state(SCOPE)).baseline_at is not None
        assert (await store.watch.records([job.identity]))[job.identity] == job
        assert await store.outbox.told("slack", [job.identity.key]) == {job.identity.key: Told(1769860200.0, 0.8)}
        assert (await store.desk.holds())["slack"].reason == "503"
        states = {letter.state for letter in await store.desk.letters()}
        assert states == {State.PENDING, State.DEAD}
        found = await store.desk.letter(3)
        assert found is not None and found[1] == new_best(best(1, 0.9), job=job)


async def test_what_it_told_is_not_told_again_and_what_is_new_follows(old_url: str) -> None:
    job = tuning_job("xgb-churn")
    async with open_store(old_url, exclusive=True) as store:
        owed = len(await store.outbox.owed("slack", 99))
        await store.watch.commit(SCOPE, [look(job, started(job), new_best(best(1, 0.9), job=job), ended(job))])
        assert len(await store.outbox.owed("slack", 99)) == owed
        await store.watch.commit(SCOPE, [first_look(4)])
        *_, newest = await store.outbox.owed("slack", 99)

    assert newest.seq == LAST + 1


async def test_until_run_brings_it_up_to_date_it_is_left_as_it_was(old_url: str) -> None:
    before = file_of(old_url).read_bytes()

    assert (await examine(old_url)).endswith("will be brought up to date")
    with pytest.raises(StoreUnusable, match="an older version of notifier; `notifier run` brings it up to date"):
        async with open_store(old_url, exclusive=False):
            pass

    assert file_of(old_url).read_bytes() == before
