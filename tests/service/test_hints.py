"""Events through a queue, to the real process: told long before the next sweep, through kills, by several workers."""

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from tests.examples import ACCOUNT
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker
from tests.pipeline.sqs import DELETE, RECEIVE, Sqs
from tests.postgres import Server
from tests.service.process import ROOT, Hook, Notifier, notifying, until
from tests.service.test_moto import create, moto
from tests.service.test_workers import holders, pid

__all__ = ["moto"]

REGION = "us-east-1"
TEMPLATE = ROOT / "deploy" / "eventbridge.yaml"
NEVER = {"NOTIFIER_POLL_INTERVAL": "1h"}
"""What is told within a test's time was told because of a hint."""
TUNING = "SageMaker HyperParameter Tuning Job State Change"


def event(name: str, region: str = REGION, account: str = ACCOUNT) -> str:
    """What the queue gets of one."""
    detail = {"HyperParameterTuningJobName": name, "HyperParameterTuningJobStatus": "Completed"}
    whole = {"detail-type": TUNING, "source": "aws.sagemaker", "account": account, "region": region, "detail": detail}
    return json.dumps(whole)


def running(name: str) -> Job:
    return Job(name, time.time() - 60)


def end(sagemaker: SageMaker, name: str) -> None:
    sagemaker.move(name, status="Completed", completed=3, best=2, value=0.9, ended=time.time())


async def put(events: Any, name: str) -> None:
    """What SageMaker tells EventBridge."""
    detail = json.dumps({"HyperParameterTuningJobName": name})
    await events.put_events(Entries=[{"Source": "aws.sagemaker", "DetailType": TUNING, "Detail": detail}])


@pytest.fixture
async def sqs() -> AsyncIterator[Sqs]:
    async with Sqs.running() as queue:
        yield queue


@asynccontextmanager
async def listening(folder: Path, sagemaker: SageMaker, hook: Hook, queue: str, **env: str) -> AsyncIterator[Notifier]:
    """A service that is ready, that hears a queue, and that sweeps once an hour."""
    settings = NEVER | {"NOTIFIER_SQS_QUEUE_URL": queue} | env
    async with notifying(folder, sagemaker.url, hook, **settings) as notifier:
        await notifier.ready(await notifier.start())
        yield notifier


@asynccontextmanager
async def deployed(moto: str) -> AsyncIterator[tuple[str, Any, Any]]:
    """The stack as the template makes it, in moto's account: the queue's URL, EventBridge, SageMaker."""
    session = AioSession()
    session.set_credentials("AKIAEXAMPLEEXAMPLE", "secret")
    # moto takes its time on a busy machine, and what is asked for twice is there already.
    once = AioConfig(retries={"total_max_attempts": 1}, read_timeout=300)
    async with (
        session.create_client("cloudformation", REGION, endpoint_url=moto, config=once) as stacks,
        session.create_client("events", REGION, endpoint_url=moto, config=once) as events,
        session.create_client("sagemaker", REGION, endpoint_url=moto, config=once) as sagemaker,
    ):
        await stacks.create_stack(StackName="notifier-events", TemplateBody=TEMPLATE.read_text())
        (stack,) = (await stacks.describe_stacks(StackName="notifier-events"))["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        (rule,) = (await events.list_rules())["Rules"]
        (target,) = (await events.list_targets_by_rule(Rule=rule["Name"]))["Targets"]
        # moto would leave the account out of what it delivers.
        whole = target | {"InputTransformer": {"InputTemplate": "<aws.events.event.json>"}}
        await events.put_targets(Rule=rule["Name"], Targets=[whole])
        # moto writes the host of AWS into the URL that the stack gives out.
        yield re.sub(r"https?://[^/]+", moto, outputs["QueueUrl"]), events, sagemaker


# moto asks nobody for a permission, and knows no policies of queues.
@pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy")
async def test_an_event_comes_from_eventbridge_through_the_templates_queue_to_the_webhook(
    moto: str, hook: Hook, tmp_path: Path
) -> None:
    async with (
        deployed(moto) as (queue, events, sagemaker),
        notifying(tmp_path, moto, hook, NOTIFIER_SQS_QUEUE_URL=queue, **NEVER) as notifier,
    ):
        await notifier.ready(await notifier.start())
        # moto's jobs are complete at once.
        await create(sagemaker, "XGB-Churn")
        await asyncio.gather(*[put(events, name) for name in ("XGB-Churn", "not-there", "XGB-Churn")])
        await until(lambda: len(hook.events) == 2, "best and ending are told")

        assert hook.heard() == [("XGB-Churn", "new_best", None), ("XGB-Churn", "status_changed", "Completed")]
        status, out, _ = await notifier.command("check", NOTIFIER_HTTP="")
        assert status == 0 and "sqs:ReceiveMessage and sqs:DeleteMessage are allowed" in out


async def test_status_changes_are_told_in_a_moment_at_the_default_pace(
    sqs: Sqs, sagemaker: SageMaker, hook: Hook, tmp_path: Path
) -> None:
    names = [f"xgb-{number}" for number in range(5)]
    sagemaker.put(*map(running, names))
    async with listening(tmp_path, sagemaker, hook, sqs.url, NOTIFIER_API_RATE="1"):
        for number, name in enumerate(names, 1):
            end(sagemaker, name)
            # Twice, as it happens, and with one that is late.
            sqs.send(event(name), event(names[0]), event(name))
            await until(lambda expected=2 * number: len(hook.events) == expected, f"{name} is told")  # type: ignore[misc]
            looks = len(names) + 2 * number - 1
            await until(lambda expected=looks: sagemaker.calls[DESCRIBE] == expected, "late ones cost a look")  # type: ignore[misc]

    assert sagemaker.calls[LIST] == 1
    assert hook.attempts.total() == 2 * len(names)
    assert len(sqs.deleted) == 3 * len(names)


async def test_what_is_noted_and_not_deleted_when_the_process_is_killed_is_told_once(
    sqs: Sqs, sagemaker: SageMaker, hook: Hook, tmp_path: Path
) -> None:
    sagemaker.put(running("xgb"))
    sqs.visibility = 1.0
    async with listening(tmp_path, sagemaker, hook, sqs.url) as notifier:
        sqs.holds.add(DELETE)
        hook.status = 503
        end(sagemaker, "xgb")
        sqs.send(event("xgb"))
        await until(lambda: sqs.calls[DELETE] > 0 and hook.attempts.total() > 0, "it is noted, followed, and tried")
        assert await notifier.stop(notifier.processes[-1], signal.SIGKILL) == -signal.SIGKILL
        assert (sqs.deleted, hook.events) == ([], {})

        sqs.holds.clear()
        hook.status = 200
        await notifier.start()
        await until(lambda: len(hook.events) == 2 and len(sqs.deleted) == 1, "all of it is told, and the queue empty")

        assert hook.heard() == [("xgb", "new_best", None), ("xgb", "status_changed", "Completed")]
        assert len(hook.ids) == 2
        assert sqs.messages == []


async def test_a_queue_that_cannot_be_heard_shows_and_the_service_stays_ready(
    sqs: Sqs, sagemaker: SageMaker, hook: Hook, tmp_path: Path
) -> None:
    sagemaker.put(running("xgb"))
    sqs.fails[RECEIVE] = "AccessDeniedException"
    sqs.send('{"hunter2', event("xgb"))
    async with listening(tmp_path, sagemaker, hook, sqs.url) as notifier, aiohttp.ClientSession() as http:

        async def deaf() -> dict[str, str]:
            async with http.get(f"http://127.0.0.1:{notifier.port}/readyz") as answer:
                assert answer.status == 200
                found: dict[str, str] = (await answer.json())["deaf"]
                return found

        status, out, _ = await notifier.command("check", NOTIFIER_HTTP="")
        assert status == 1 and "allow sqs:ReceiveMessage" in out
        await until(lambda: any("the queue cannot" in each["event"] for each in notifier.log()), "the trouble is told")
        (name, why) = (await deaf()).popitem()
        assert name == f"{REGION}/{ACCOUNT}/notifier" and "allow sqs:ReceiveMessage" in why

        end(sagemaker, "xgb")
        sqs.fails.clear()
        await until(lambda: len(hook.events) == 2, "the ending is told")
        assert await deaf() == {}
        assert await notifier.stop(notifier.processes[-1]) == 0
        said = [each for each in notifier.log() if each["level"] == "warning"]
    assert [each["event"] for each in said] == [
        "the queue cannot be heard, will try again",
        "a message cannot be read; it is left to the queue's redrive policy",
    ]
    assert "hunter2" not in str(said)


async def test_a_hint_reaches_the_worker_that_watches_its_region(
    tmp_path: Path, postgres_server: Server, postgres_url: str, sqs: Sqs, sagemaker: SageMaker, hook: Hook
) -> None:
    regions = ("us-east-1", "eu-west-1", "ap-south-1")
    sagemaker.put(running("xgb"))
    settings = {"NOTIFIER_DATABASE_URL": postgres_url, "NOTIFIER_REGIONS": ",".join(regions), "NOTIFIER_LEASE": "1h"}
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(2):
            place = tmp_path / f"worker-{number}"
            place.mkdir()
            opening = listening(place, sagemaker, hook, sqs.url, **settings)
            workers.append(await stack.enter_async_context(opening))

        def shared() -> bool:
            held = holders(postgres_server, postgres_url)
            watching = [held.get(f"watch {region}/hyperparameter") for region in regions]
            return len(held) == 5 and {pid(each) for each in workers} == set(watching)

        await until(shared, "both watch, and one hears")
        await until(lambda: sagemaker.calls[LIST] >= 4, "who took a region over has swept it")
        listed = sagemaker.calls[LIST]
        end(sagemaker, "xgb")
        sqs.send(*(event("xgb", region) for region in regions))
        await until(lambda: len(hook.events) == 6, "best and ending are told for each region")

        assert sagemaker.calls[LIST] == listed
        assert {each["data"]["region"] for each in hook.events.values()} == set(regions)
        assert hook.attempts.total() == 6
        for worker in workers:
            assert await worker.stop(worker.processes[-1]) == 0
    assert postgres_server.sql("SELECT count(*) FROM notifier_hints", postgres_url.rpartition("/")[2]) == "0"
