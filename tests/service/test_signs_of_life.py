"""What others can see of the running process: its pages, its heartbeat, its warnings."""

import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.pipeline.sagemaker import SageMaker
from tests.service.process import BOUND, Hook, Notifier, notifying, until


async def metrics(notifier: Notifier) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{notifier.port}/metrics") as answer:
        return await answer.text()


async def test_the_heartbeat_is_pinged_after_fresh_sweeps_and_never_logged(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook
) -> None:
    pings: list[str] = []

    async def ping(request: web.Request) -> web.Response:
        pings.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{secret}", ping)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/aSecretCheck"
    try:
        async with notifying(tmp_path, sagemaker.url, hook, NOTIFIER_HEARTBEAT_URL=url) as notifier:
            process = await notifier.start()
            await until(lambda: bool(pings), "the heartbeat is heard")
            assert await notifier.stop(process) == 0
            assert "aSecretCheck" not in notifier.log_file.read_text()
    finally:
        await runner.cleanup()


async def test_the_metrics_tell_of_sweeps_calls_and_messages_but_of_no_job(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start(NOTIFIER_OPERATOR="webhook")
    await notifier.ready(process)
    delivered = 'notifier_messages_total{kind="webhook",outcome="delivered"} 1.0'
    text = ""
    async with asyncio.timeout(BOUND):
        # It counts once it is settled, a moment after the receiver has it.
        while delivered not in text:
            text = await metrics(notifier)

    for sample in (
        'notifier_aws_calls_total{operation="ListHyperParameterTuningJobs",outcome="ok",region="us-east-1"}',
        'notifier_sweeps_total{account="",outcome="ok",region="us-east-1"}',
        'notifier_outbox_oldest_age_seconds{destination="webhook"} 0.0',
    ):
        assert sample in text
    assert hook.url not in text
    assert await notifier.stop(process) == 0


async def test_without_pages_it_runs_all_the_same(notifier: Notifier, sagemaker: SageMaker) -> None:
    process = await notifier.start(NOTIFIER_HTTP="")
    await until(lambda: sagemaker.calls.total() >= 2, "it sweeps")

    assert await notifier.stop(process) == 0
