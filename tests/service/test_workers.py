"""Several workers on one PostgreSQL, as processes: shares, handovers, deaths, and a server that goes away."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.pipeline.sagemaker import Job, SageMaker
from tests.postgres import PASSWORD, Server, serving
from tests.service.process import Hook, Notifier, notifying, until

LEASE = 3.0
REGIONS = "us-east-1,eu-west-1,ap-south-1"


@asynccontextmanager
async def crew(
    folder: Path, url: str, sagemaker: SageMaker, hook: Hook, size: int, **env: str
) -> AsyncIterator[list[Notifier]]:
    """Workers that are ready, with settings alike."""
    settings = {"NOTIFIER_DATABASE_URL": url, "NOTIFIER_LEASE": f"{LEASE}s", "NOTIFIER_REGIONS": REGIONS} | env
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(size):
            place = folder / f"worker-{number}"
            place.mkdir()
            workers.append(await stack.enter_async_context(notifying(place, sagemaker.url, hook, **settings)))
        for worker in workers:
            await worker.start()
        for worker in workers:
            await worker.ready(worker.processes[-1])
        yield workers


def holders(server: Server, url: str) -> dict[str, str]:
    """Who holds which duty now, by process id."""
    database = url.rpartition("/")[2]
    query = (
        "SELECT duty, worker FROM notifier_leases JOIN notifier_workers ON id = worker"
        " WHERE expires_at > extract(epoch FROM clock_timestamp())"
    )
    rows = (line.split("|") for line in server.sql(query, database).splitlines())
    return {duty: re.split("-", worker)[-2] for duty, worker in rows}


def evenly(server: Server, url: str, pids: set[str]) -> bool:
    """Whether all four duties are held by these processes, and each of them watches as many regions as it should."""
    held = holders(server, url)
    watching = sorted(held.get(f"watch {region}/hyperparameter", "") for region in REGIONS.split(","))
    shares = sorted(watching.count(pid) for pid in pids)
    # Whoever takes a region over before its baseline takes that silently.
    seen = server.sql("SELECT count(*) FROM notifier_scopes WHERE baseline_at IS NOT NULL", url.rpartition("/")[2])
    return seen == "3" and len(held) == 4 and set(held.values()) <= pids and shares[-1] - shares[0] <= 1


UNSETTLED = "SELECT count(*) FROM notifier_outbox WHERE state <> 'settled'"


def pid(worker: Notifier) -> str:
    return str(worker.processes[-1].pid)


def ended(sagemaker: SageMaker, name: str) -> None:
    sagemaker.put(Job(name, time.time(), "Completed", completed=1, best=1, value=0.5, ended=time.time()))


def told_once(hook: Hook, name: str) -> Callable[[], bool]:
    """Each of three regions tells a best and an ending."""
    return lambda: len([1 for job, *_ in hook.heard() if job == name]) == 6


async def test_workers_share_the_work_evenly_and_tell_everything_once(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    async with crew(tmp_path, postgres_url, sagemaker, hook, 3) as workers:
        await until(lambda: evenly(postgres_server, postgres_url, set(map(pid, workers))), "an even share")

        ended(sagemaker, "xgb")
        await until(told_once(hook, "xgb"), "all of it is told")

        for worker in workers:
            assert await worker.stop(worker.processes[-1]) == 0
    assert hook.attempts.total() == 6
    assert holders(postgres_server, postgres_url) == {}


async def test_a_worker_that_joins_gets_its_share_and_one_that_stops_hands_its_own_over_at_once(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    hour = {"NOTIFIER_LEASE": "1h"}
    (tmp_path / "more").mkdir()
    async with (
        crew(tmp_path, postgres_url, sagemaker, hook, 1, **hour) as (first,),
        crew(tmp_path / "more", postgres_url, sagemaker, hook, 1, **hour) as (second,),
    ):
        await until(lambda: evenly(postgres_server, postgres_url, {pid(first), pid(second)}), "an even share")

        assert await first.stop(first.processes[-1]) == 0
        await until(lambda: evenly(postgres_server, postgres_url, {pid(second)}), "the other one has it all")

        ended(sagemaker, "xgb")
        await until(told_once(hook, "xgb"), "all of it is told")
    assert hook.attempts.total() == 6


async def test_what_a_killed_worker_did_is_done_by_the_others_when_its_leases_expire(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    async with crew(tmp_path, postgres_url, sagemaker, hook, 2) as (first, second):
        await until(lambda: evenly(postgres_server, postgres_url, {pid(first), pid(second)}), "an even share")
        await first.stop(first.processes[-1], signal.SIGKILL)
        ended(sagemaker, "xgb")

        await until(told_once(hook, "xgb"), "all of it is told")

    assert hook.attempts.total() == 6


async def test_a_worker_that_slept_through_its_lease_can_settle_nothing_and_takes_part_again(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    async with crew(tmp_path, postgres_url, sagemaker, hook, 2) as (first, second):
        await until(lambda: evenly(postgres_server, postgres_url, {pid(first), pid(second)}), "an even share")
        sleeper = first.processes[-1]
        sleeper.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: evenly(postgres_server, postgres_url, {pid(second)}), "the other one has it all")
            ended(sagemaker, "asleep")
            await until(told_once(hook, "asleep"), "all of it is told")
        finally:
            sleeper.send_signal(signal.SIGCONT)

        await until(lambda: evenly(postgres_server, postgres_url, {pid(first), pid(second)}), "an even share again")
        ended(sagemaker, "awake")
        await until(told_once(hook, "awake"), "all of it is told")

        assert first.processes[-1].returncode is None
    # What was under way when it fell asleep may go twice; nothing was.
    assert hook.attempts.total() == 12


async def test_a_server_that_crashes_is_come_back_to_and_nothing_is_lost_or_doubled(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook
) -> None:
    with serving() as server:
        url = server.create("own")
        # A lease that ends between a send and its settling would rightly bring that message twice.
        async with crew(tmp_path, url, sagemaker, hook, 2, NOTIFIER_LEASE="60s") as workers:
            await until(lambda: evenly(server, url, set(map(pid, workers))), "an even share")
            ended(sagemaker, "before")
            await until(told_once(hook, "before"), "all of it is told")
            # What was sent and not yet settled would go again, and rightly so.
            await until(lambda: server.sql(UNSETTLED, "own") == "0", "all of it is settled")
            await asyncio.to_thread(server.stop)
            ended(sagemaker, "meanwhile")
            await until(lambda: all("leases could not be renewed" in str(each.log()) for each in workers), "it is seen")
            await asyncio.to_thread(server.start)

            await until(told_once(hook, "meanwhile"), "all of it is told")

            assert [each.processes[-1].returncode for each in workers] == [None, None]
            logs = [line for each in workers for line in each.log()]
    assert hook.attempts.total() == 12
    assert not [line for line in logs if "exception" in line]
    assert PASSWORD not in str(logs)


async def test_a_server_that_comes_up_later_is_waited_for_and_ready_says_no(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook
) -> None:
    import aiohttp

    with serving() as server:
        url = server.create("own")
        await asyncio.to_thread(server.stop)
        async with notifying(tmp_path, sagemaker.url, hook, NOTIFIER_DATABASE_URL=url) as worker:
            process = await worker.start()
            async with aiohttp.ClientSession() as http:
                async with asyncio.timeout(60):
                    while await worker.status(http, "/healthz") != 200:  # noqa: ASYNC110 - it is another process
                        await asyncio.sleep(0.05)
                assert await worker.status(http, "/readyz") == 503
                await asyncio.to_thread(server.start)
                await worker.ready(process)
            said = [
                line["error"] for line in worker.log() if line["event"].startswith("the database cannot be used yet")
            ]
            assert await worker.stop(process) == 0

    assert len(said) == 1
    assert said[0].startswith("database own at 127.0.0.1:")
    assert "refused" in said[0]
    assert PASSWORD not in str(said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_service_that_waits_for_its_database_stops_when_it_is_told_to(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook, number: int
) -> None:
    nowhere = "postgresql://notifier:s3cret@127.0.0.1:1/nothing"
    async with notifying(tmp_path, sagemaker.url, hook, NOTIFIER_DATABASE_URL=nowhere) as worker:
        process = await worker.start()
        await until(lambda: worker.log_file.exists() and "will try again" in worker.log_file.read_text(), "it waits")
        assert await worker.stop(process, number) == 0
        assert "s3cret" not in worker.log_file.read_text()
