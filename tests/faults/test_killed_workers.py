"""Workers on one PostgreSQL that are killed one after the other: others go on, and nothing is lost."""

import asyncio
import random
import signal
import time
from collections import Counter
from pathlib import Path

from tests.faults.crew import crew
from tests.pipeline.sagemaker import Job, SageMaker
from tests.postgres import Server
from tests.service.process import Hook, until

ROUNDS, JOBS = 8, 4


async def test_kills_of_any_worker_at_any_moment_lose_nothing_and_double_only_what_was_under_way(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sagemaker: SageMaker, hook: Hook
) -> None:
    dice, under_way = random.Random(11), Counter[str]()
    names: list[str] = []
    async with crew(tmp_path, postgres_server, postgres_url, sagemaker, hook, 3, NOTIFIER_LEASE="2s") as workers:
        # A slow network: there are more moments in it.
        for each in workers.workers:
            each.network.delay = 0.003
        await workers.begin()
        for round_ in range(ROUNDS):
            these = [f"job-{round_}-{number}" for number in range(JOBS)]
            names += these
            sagemaker.put(*(Job(name, time.time()) for name in these))
            await asyncio.sleep(dice.uniform(0.2, 1.0))  # The moment is the case: no condition stands for it.
            workers.tell(*these)
            await asyncio.sleep(dice.uniform(0.1, 1.0))
            # Whoever watches or delivers, and now and then one that has nothing to do.
            victim = workers.holder(dice.choice(["watch", "deliver", "nothing"])) or dice.choice(workers.workers)
            await victim.notifier.stop(victim.process, signal.SIGKILL)
            under_way.update(workers.under_way())
            await victim.notifier.start()

        await until(lambda: workers.told() == set(names), "every ending is told")
        await until(lambda: workers.under_way() == [], "all of it is settled")
        for each in workers.workers:
            await each.notifier.ready(each.process)
            assert await each.notifier.stop(each.process) == 0
            assert "Traceback" not in each.notifier.log_file.read_text()

    for name in names:
        assert [kind for job, kind, _ in hook.heard() if job == name][-2:] == ["new_best", "status_changed"]
    assert {id_ for id_, times in Counter(hook.ids).items() if times > 1 + under_way[id_]} == set()
