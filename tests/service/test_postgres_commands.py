"""The commands on PostgreSQL, alone and beside running workers; and workers behind a PgBouncer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.pipeline.sagemaker import SageMaker
from tests.postgres import PASSWORD, ROLE, Server
from tests.service.process import BOUND, Hook, Notifier, notifying, until
from tests.service.test_workers import crew, ended, evenly, pid, told_once

COMMANDS = [
    pytest.param(("jobs",), id="jobs"),
    pytest.param(("outbox", "list"), id="outbox"),
]


@pytest.fixture
async def shared(tmp_path: Path, postgres_url: str, sagemaker: SageMaker, hook: Hook) -> AsyncIterator[Notifier]:
    """A service on an empty database, not running yet."""
    async with notifying(tmp_path, sagemaker.url, hook, NOTIFIER_DATABASE_URL=postgres_url) as service:
        yield service


@pytest.fixture
def no_rights(postgres_server: Server, postgres_url: str) -> Iterator[str]:
    """The database's name, where we may make no tables."""
    name = postgres_url.rpartition("/")[2]
    taken = f"ALTER SCHEMA public OWNER TO postgres; GRANT USAGE ON SCHEMA public TO {ROLE}"
    postgres_server.sql(f"REVOKE ALL ON SCHEMA public FROM PUBLIC; {taken}", name)
    yield name


def only_line(text: str) -> str:
    """What is said, in one line and without a secret."""
    (line,) = text.splitlines()
    assert PASSWORD not in line
    return line


async def test_check_says_which_version_it_is_and_whether_the_tables_are_there(
    shared: Notifier, postgres_server: Server, postgres_url: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    where = f"✓ database {name} at 127.0.0.1:{postgres_server.port}: PostgreSQL "

    status, out, err = await shared.command("check")

    (line,) = [each for each in out.splitlines() if each.startswith(where)]
    assert (status, err) == (0, "") and line.endswith(", its tables will be made") and PASSWORD not in out
    assert postgres_server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"

    process = await shared.start()
    await shared.ready(process)
    status, out, _ = await shared.command("check")
    (line,) = [each for each in out.splitlines() if each.startswith(where)]
    assert status == 0 and line.endswith(", its tables are in order")
    assert await shared.stop(process) == 0


async def test_check_names_the_right_that_is_missing(shared: Notifier, no_rights: str) -> None:
    status, out, err = await shared.command("check")

    (line,) = [each for each in out.splitlines() if each.startswith("✗")]
    assert (status, err) == (1, "") and line.startswith(f"✗ database {no_rights} at ")
    assert line.endswith(f"GRANT CREATE ON SCHEMA public TO {ROLE}") and PASSWORD not in out


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("postgresql://u:s3cret-of-the-tests@127.0.0.1:1/n", "Connection refused", id="down"),
        pytest.param("{url}?sslmode=require", "server does not support SSL", id="no-ssl"),
    ],
)
async def test_a_server_that_cannot_be_reached_is_one_line_and_status_1(
    shared: Notifier, postgres_url: str, command: tuple[str, ...], url: str, says: str
) -> None:
    status, out, err = await shared.command(*command, NOTIFIER_DATABASE_URL=url.format(url=postgres_url))

    assert (status, out) == (1, "")
    assert only_line(err).startswith("notifier: database ") and says in err


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_database_without_tables_is_one_line_and_status_2(shared: Notifier, command: tuple[str, ...]) -> None:
    status, out, err = await shared.command(*command)

    assert (status, out) == (2, "")
    assert only_line(err).endswith("it has no tables of notifier yet; `notifier run` makes them")


async def test_tables_of_a_newer_version_end_every_command_with_2(
    shared: Notifier, postgres_server: Server, postgres_url: str
) -> None:
    making = "CREATE TABLE notifier_alembic_version AS SELECT '0999' AS version_num"
    postgres_server.sql(f"SET ROLE {ROLE}; {making}", postgres_url.rpartition("/")[2])

    for command in (("run",), ("jobs",), ("outbox", "list")):
        status, _, err = await shared.command(*command)
        assert status == 2 and "a newer version of notifier made its tables" in only_line(err)


async def test_run_waits_for_the_right_that_is_missing_and_resumes_alone(
    shared: Notifier, postgres_server: Server, no_rights: str
) -> None:
    process = await shared.start()
    async with aiohttp.ClientSession() as http, asyncio.timeout(BOUND):
        while await shared.status(http, "/readyz") != 503:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
    await until(lambda: "will try again" in shared.log_file.read_text(), "it is told")

    postgres_server.sql(f"GRANT CREATE ON SCHEMA public TO {ROLE}", no_rights)
    await shared.ready(process)

    said = [line["error"] for line in shared.log() if line["level"] != "info"]
    assert len(said) == 1 and said[0].endswith(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
    assert await shared.stop(process) == 0


async def test_jobs_and_outbox_work_beside_running_workers(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    hook.status = 500
    async with crew(tmp_path, postgres_url, sagemaker, hook, 2) as (worker, other):
        await until(lambda: evenly(postgres_server, postgres_url, {pid(worker), pid(other)}), "an even share")
        ended(sagemaker, "xgb")

        async def listed(*arguments: str) -> list[str]:
            status, out, _ = await other.command(*arguments)
            assert status == 0
            return out.splitlines()

        async with asyncio.timeout(BOUND):
            while len([line for line in await listed("outbox", "list") if " xgb " in line]) < 6:
                pass
        rows = [line.split()[0] for line in await listed("outbox", "list") if "new_best" in line]
        known = [json.loads(line) for line in await listed("jobs", "--all", "--json")]
        assert sorted(each["region"] for each in known) == ["ap-south-1", "eu-west-1", "us-east-1"]
        assert {each["name"] for each in known} == {"xgb"} and len(rows) == 3

        # What is under way just now is left alone, and said so.
        async with asyncio.timeout(BOUND):
            while (await worker.command("outbox", "discard", rows[0]))[0]:
                pass
        hook.status = 200
        assert (await other.command("outbox", "retry", "--all"))[0] == 0

        await until(lambda: len(hook.heard()) == 5, "all but the one that was discarded")
        async with asyncio.timeout(BOUND):
            while await listed("outbox", "list") != ["Nothing is owed."]:
                pass
    assert sorted(kind for _, kind, _ in hook.heard()) == ["new_best"] * 2 + ["status_changed"] * 3
    assert len(hook.ids) == 5


async def test_workers_behind_a_pgbouncer_share_the_work_and_tell_everything_once(
    tmp_path: Path, postgres_server: Server, pooled_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    async with crew(tmp_path, pooled_url, sagemaker, hook, 3) as workers:
        await until(lambda: evenly(postgres_server, pooled_url, set(map(pid, workers))), "an even share")
        ended(sagemaker, "xgb")
        await until(told_once(hook, "xgb"), "all of it is told")

        first, *others = workers
        assert await first.stop(first.processes[-1]) == 0
        await until(lambda: evenly(postgres_server, pooled_url, set(map(pid, others))), "an even share of two")
        ended(sagemaker, "lgbm")
        await until(told_once(hook, "lgbm"), "all of it is told")

        logs = [line for each in workers for line in each.log()]
    assert hook.attempts.total() == 12
    assert [line for line in logs if line["level"] in ("warning", "error")] == []
