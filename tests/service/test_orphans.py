"""A destination that leaves the settings: what it is owed is seen, alarms nobody, and goes where it is sent."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import BOUND, Hook, Notifier, notifying, until

DEAD = {
    "NOTIFIER_DESTINATIONS__OLD__KIND": "webhook",
    "NOTIFIER_DESTINATIONS__OLD__URL": "http://127.0.0.1:9/nobody",
}


@pytest.fixture
async def orphaning(tmp_path: Path, sagemaker: SageMaker) -> AsyncIterator[Notifier]:
    """A service whose one destination took nothing, and was held for it; it is stopped now."""
    async with notifying(tmp_path, sagemaker.url) as notifier:
        process = await notifier.start(**DEAD)
        await notifier.ready(process)
        sagemaker.put(Job("a", time.time()), Job("b", time.time()))
        async with asyncio.timeout(BOUND):
            while (await notifier.command("outbox", "list", **DEAD))[1].count("tuning_job.started") < 2:
                pass
        await until(lambda: "destination held" in notifier.log_file.read_text(), "it is held")
        assert await notifier.stop(process) == 0
        yield notifier


async def page(notifier: Notifier, path: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{notifier.port}{path}") as answer:
        return await answer.text()


async def test_orphaned_messages_are_visible_and_out_of_the_alarms(orphaning: Notifier) -> None:
    await orphaning.ready(await orphaning.start())

    detail, metrics = await page(orphaning, "/readyz"), await page(orphaning, "/metrics")
    _, listed, _ = await orphaning.command("outbox", "list")

    assert '"held": {}' in detail
    assert 'notifier_outbox_messages{destination="old",state="orphaned"} 2.0' in metrics
    assert 'notifier_outbox_oldest_age_seconds{destination="old"} 0.0' in metrics
    assert 'notifier_destination_held{destination="old"} 0.0' in metrics
    assert listed.count("pending (orphaned)") == 2


async def test_orphaned_messages_go_to_another_destination(orphaning: Notifier, hook: Hook) -> None:
    env = {"NOTIFIER_WEBHOOK_URL": hook.url, "NOTIFIER_WEBHOOK_SECRET": hook.secret}
    await orphaning.ready(await orphaning.start(**env))

    status, out, _ = await orphaning.command("outbox", "retry", "--all", "--to", "webhook", **env)

    assert status == 0 and "2 messages owed again" in out
    await until(lambda: len(hook.ids) == 2, "both are told")


async def test_orphaned_messages_resume_when_the_name_returns(orphaning: Notifier, hook: Hook) -> None:
    await orphaning.stop(await orphaning.start())
    env = {**DEAD, "NOTIFIER_DESTINATIONS__OLD__URL": hook.url, "NOTIFIER_DESTINATIONS__OLD__SECRET": hook.secret}

    await orphaning.start(**env)

    await until(lambda: len(hook.ids) == 2, "both are told")
    assert set(hook.ids) == set(hook.attempts)
