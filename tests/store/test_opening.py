"""What cannot be used is refused with the reason, and left as it was."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import open_store
from tests.store.looks import SCOPE, file_of, first_look


async def refusal(url: str, *, exclusive: bool = True) -> str:
    """Why the store is refused."""
    with pytest.raises(StoreUnusable) as refused:
        async with open_store(url, exclusive=exclusive):
            pass
    return str(refused.value)


def text_file(file: Path) -> None:
    file.write_text("colour,size\nred,3\n" * 100)


def torn_file(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


def newer_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notifier_alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO notifier_alembic_version VALUES ('0999')")
        connection.commit()


def newer_database_after_a_crash(file: Path) -> None:
    """Its write-ahead log still lies beside it, as a killed process leaves it."""
    with closing(sqlite3.connect(file.with_suffix(".origin"))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notifier_alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO notifier_alembic_version VALUES ('0999')")
        connection.commit()
        shutil.copy(file.with_suffix(".origin"), file)
        shutil.copy(file.with_suffix(".origin-wal"), f"{file}-wal")


@pytest.mark.parametrize("exclusive", [pytest.param(True, id="run"), pytest.param(False, id="outbox")])
@pytest.mark.parametrize(
    ("write", "reason"),
    [
        pytest.param(text_file, "is not an SQLite database", id="text"),
        pytest.param(torn_file, "cannot use", id="torn"),
        pytest.param(newer_database, "written by a newer version of notifier (schema 0999", id="newer"),
        pytest.param(newer_database_after_a_crash, "written by a newer version", id="newer-with-a-log"),
    ],
)
async def test_a_file_that_cannot_be_used_is_left_as_it_was(
    url: str, write: Callable[[Path], None], reason: str, exclusive: bool
) -> None:
    file = file_of(url)
    write(file)
    before = file.read_bytes()

    assert reason in await refusal(url, exclusive=exclusive)

    assert file.read_bytes() == before


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    assert "Is a directory" in await refusal(f"sqlite:///{tmp_path}")


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert f"there is no directory {tmp_path / 'nowhere'}" in await refusal(
        f"sqlite:///{tmp_path / 'nowhere' / 'n.db'}"
    )


async def test_the_command_line_makes_no_database(url: str) -> None:
    assert "`notifier run` makes it" in await refusal(url, exclusive=False)

    assert not file_of(url).exists()


async def test_the_command_line_does_not_migrate(url: str) -> None:
    sqlite3.connect(file_of(url)).execute("CREATE TABLE neighbour (id)").connection.close()
    before = file_of(url).read_bytes()

    assert "`notifier run` makes it" in await refusal(url, exclusive=False)

    assert file_of(url).read_bytes() == before


@pytest.fixture
def protected() -> Iterator[Path]:
    """A directory in which this process, root or not, can be denied to write."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    root = os.geteuid() == 0
    yield directory
    # Back to root before the directory is removed.
    if root:
        os.seteuid(0)
    shutil.rmtree(directory)


def give_up_root() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


async def test_a_read_only_file_is_refused(protected: Path) -> None:
    file = protected / "notifier.db"
    sqlite3.connect(file).execute("CREATE TABLE neighbour (id)").connection.close()
    file.chmod(0o444)
    give_up_root()

    assert f"cannot write {file}: Permission denied" in await refusal(f"sqlite:///{file}")


async def test_a_read_only_directory_is_refused(protected: Path) -> None:
    protected.chmod(0o555)  # noqa: ASYNC240
    give_up_root()

    assert f"cannot write {protected / 'notifier.db.lock'}: Permission denied" in await refusal(
        f"sqlite:///{protected / 'notifier.db'}"
    )


async def test_a_directory_that_may_not_be_entered_is_refused(protected: Path) -> None:
    protected.chmod(0o600)  # noqa: ASYNC240
    give_up_root()

    assert "Permission denied" in await refusal(f"sqlite:///{protected / 'notifier.db'}")


async def test_a_database_that_a_neighbour_keeps_locked_is_not_called_unusable(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.file.BUSY_TIMEOUT", 0.01)
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as neighbour:
        neighbour.execute("CREATE TABLE neighbour (id)")
        neighbour.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
            async with open_store(url, exclusive=True):
                pass


async def test_a_neighbours_tables_are_left_alone(url: str) -> None:
    with closing(sqlite3.connect(file_of(url))) as neighbour:
        neighbour.execute("CREATE TABLE alembic_version (version_num TEXT)")
        neighbour.execute("INSERT INTO alembic_version VALUES ('theirs')")
        neighbour.commit()

        async with open_store(url, exclusive=True) as store:
            await store.watch.commit(SCOPE, [first_look(1)])

        assert neighbour.execute("SELECT version_num FROM alembic_version").fetchall() == [("theirs",)]
        names = {name for (name,) in neighbour.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {name for name in names if not name.startswith(("notifier_", "sqlite_"))} == {"alembic_version"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("mysql://me:s3cret@db/notifier", "in SQLite or PostgreSQL, not in mysql", id="other-engine"),
        pytest.param("sqlite+pysqlcipher://:s3cret@/n.db", "not in sqlite+pysqlcipher", id="other-driver"),
        pytest.param("s3cret", "cannot be read", id="no-url"),
        pytest.param("postgres://me:s3cret@db:port/n", "cannot be read", id="bad-port"),
        pytest.param("sqlite://s3cret/notifier.db", "three slashes", id="two-slashes"),
        pytest.param("sqlite://", "names no file", id="nothing"),
        pytest.param("sqlite:///:memory:", "names no file", id="memory"),
        pytest.param("sqlite:///n.db?key=s3cret", "no parameters", id="parameters"),
    ],
)
def test_a_url_that_is_not_understood_is_refused_without_its_secrets(url: str, reason: str) -> None:
    with pytest.raises(StoreUnusable) as refused:
        file_of(url)

    assert reason in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        pytest.param("sqlite:///notifier.db", "notifier.db", id="relative"),
        pytest.param("sqlite:////var/lib/notifier.db", "/var/lib/notifier.db", id="absolute"),
        pytest.param("sqlite+pysqlite:////var/lib/notifier.db", "/var/lib/notifier.db", id="with-the-driver"),
        pytest.param("sqlite+aiosqlite:////var/lib/notifier.db", "/var/lib/notifier.db", id="with-another-driver"),
    ],
)
def test_a_url_names_a_file(url: str, file: str) -> None:
    assert file_of(url) == Path(file)


async def test_a_file_name_may_hold_what_urls_and_configurations_treat_specially(tmp_path: Path) -> None:
    directory = tmp_path / "100% (new) #1"
    directory.mkdir()

    async with open_store(f"sqlite:///{directory / 'n%20.db'}", exclusive=True) as store:
        await store.upkeep.probe()
        assert [path.name for path in directory.glob("*.db")] == ["n .db"]


def killed_before_its_log_was_ahead(file: Path) -> None:
    """As a process leaves it that dies while the file is made: half a transaction, and the journal that undoes it."""
    origin = file.with_suffix(".origin")
    with closing(sqlite3.connect(origin, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE neighbours (name TEXT)")
        connection.executemany("INSERT INTO neighbours VALUES (?)", [("n" * 500,)] * 200)
        # So small that what is not committed yet goes to the disk.
        connection.execute("PRAGMA cache_size = 2")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE neighbours SET name = 'x' || name")
        shutil.copy(origin, file)
        shutil.copy(f"{origin}-journal", f"{file}-journal")
        connection.execute("ROLLBACK")


async def test_what_a_killed_first_start_left_is_undone_and_used(url: str) -> None:
    killed_before_its_log_was_ahead(file_of(url))

    async with open_store(url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
        assert len(await store.outbox.owed("slack", 9)) == 1

    with closing(sqlite3.connect(file_of(url))) as connection:
        assert connection.execute("SELECT count(*) FROM neighbours WHERE name LIKE 'x%'").fetchone() == (0,)
