"""PostgreSQL, or the way to it, lost at the worst moments: in the middle of a commit, or of a transaction."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.crew import COMMIT, MARK, OWE, SETTLE, Crew, crew
from tests.faults.proxy import Line, Strike, lose_the_answer, lose_the_question
from tests.pipeline.sagemaker import SageMaker
from tests.postgres import PASSWORD, Server, serving
from tests.service.process import Hook, until


@pytest.fixture
async def pair(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> AsyncIterator[Crew]:
    """Two workers."""
    async with crew(tmp_path, postgres_server, postgres_url, sagemaker, hook, 2) as workers:
        yield workers


@pytest.mark.parametrize(
    "strike",
    [
        pytest.param(lose_the_question, id="it-was-not-committed"),
        pytest.param(lose_the_answer, id="it-was-committed"),
    ],
)
async def test_a_commit_whose_outcome_is_unknown_loses_and_doubles_nothing(pair: Crew, strike: Strike) -> None:
    await pair.begin()
    for number, mark in enumerate((OWE, MARK, SETTLE)):
        struck = pair.wait_for(mark, COMMIT, strike)
        pair.tell(f"job-{number}")
        await until(struck.is_set, f"the commit of {mark!r} is cut off")
        await until(lambda: len(pair.told()) == number + 1, f"job-{number} is told")  # noqa: B023 - it is over by then

    await until(lambda: pair.under_way() == [], "all of it is settled")
    # Nothing was under way that could have arrived: a worker that lives knows what it has sent.
    assert pair.hook.attempts.total() == 6
    for each in pair.workers:
        assert await each.notifier.stop(each.process) == 0
        assert "Traceback" not in each.notifier.log_file.read_text()


async def test_a_server_that_dies_in_the_middle_of_commits_loses_nothing_and_is_come_back_to(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook
) -> None:
    with serving() as server:
        url = server.create("own")

        async def die(line: Line, piece: bytes) -> None:
            line.deaf = True
            line.server.write(piece)
            await asyncio.to_thread(server.stop)
            line.cut()

        async with crew(tmp_path, server, url, sagemaker, hook, 3) as workers:
            await workers.begin()
            for number, mark in enumerate((OWE, MARK, SETTLE)):
                struck = workers.wait_for(mark, COMMIT, die)
                workers.tell(f"job-{number}")
                await until(struck.is_set, f"the server dies at the commit of {mark!r}")
                await until(lambda: not server.data.joinpath("postmaster.pid").exists(), "it is dead")
                workers.tell(f"meanwhile-{number}")
                await asyncio.to_thread(server.start)
                await until(lambda: len(workers.told()) == 2 * number + 2, "all of it is told")  # noqa: B023

            assert [each.process.returncode for each in workers.workers] == [None] * 3
            logs = "".join(each.notifier.log_file.read_text() for each in workers.workers)
    # At each death one message was under way that may have arrived.
    assert len(set(hook.ids)) == 12
    assert len(hook.ids) <= 12 + 3
    assert "Traceback" not in logs and PASSWORD not in logs


async def test_a_worker_stopped_in_the_middle_of_a_transaction_keeps_nobody_waiting_for_long(pair: Crew) -> None:
    await pair.begin()
    frozen: list[int] = []

    async def freeze(line: Line, piece: bytes) -> None:
        watcher = pair.holder("watch")
        assert watcher is not None
        watcher.process.send_signal(signal.SIGSTOP)
        frozen.append(watcher.process.pid)

    try:
        struck = pair.wait_for(OWE, COMMIT, freeze)
        pair.tell("job")
        await until(struck.is_set, "the watcher is stopped before its commit")
        await until(lambda: pair.told() == {"job"}, "the other one tells it")
        # What the stopped one had said was undone when its transaction had stood still for too long.
        watcher = pair.holder("watch")
        assert watcher is not None and [watcher.process.pid] != frozen
    finally:
        for each in pair.workers:
            each.process.send_signal(signal.SIGCONT)

    pair.tell("after")
    await until(lambda: pair.told() == {"job", "after"}, "they go on together")
    assert Counter(pair.hook.attempts.values()) == {1: 4}
    for each in pair.workers:
        assert await each.notifier.stop(each.process) == 0
        assert "Traceback" not in each.notifier.log_file.read_text()


async def test_a_worker_whose_network_stalls_is_replaced_and_takes_part_again_and_nothing_is_doubled(
    pair: Crew,
) -> None:
    await pair.begin()
    watcher = pair.holder("watch")
    assert watcher is not None
    watcher.network.flows.clear()
    pair.tell("stalled")
    await until(lambda: pair.told() == {"stalled"}, "the other one tells it")
    assert pair.holder("watch") is not watcher

    watcher.network.flows.set()
    pair.tell("flowing")
    await until(lambda: pair.told() == {"stalled", "flowing"}, "they go on together")
    await until(pair.share, "each of them has its share again")

    assert pair.hook.attempts.total() == 4
    for each in pair.workers:
        assert await each.notifier.stop(each.process) == 0
