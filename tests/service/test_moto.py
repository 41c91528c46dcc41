"""The real process against moto's server: an implementation of SageMaker that is not ours."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession
from moto.server import ThreadedMotoServer

from tests.service.process import Hook, notifying, until
from tests.sources.test_moto import CONFIG, DEFINITION, MOTO_ACCOUNT

REGION = "us-east-1"


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def client(moto: str) -> AsyncIterator[Any]:
    session = AioSession()
    session.set_credentials("AKIAEXAMPLEEXAMPLE", "secret")
    async with session.create_client("sagemaker", REGION, endpoint_url=moto) as client:
        yield client


async def create(client: Any, name: str) -> None:
    await client.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, HyperParameterTuningJobConfig=CONFIG, TrainingJobDefinition=DEFINITION
    )


async def test_a_job_made_by_a_real_client_is_told_and_one_from_before_is_history(
    moto: str, client: Any, hook: Hook, tmp_path: Path
) -> None:
    await create(client, "before")
    async with notifying(tmp_path, moto, hook) as notifier:
        process = await notifier.start()
        await notifier.ready(process)
        await create(client, "since")
        # moto's jobs are complete at once, with a best training job.
        await until(lambda: len(hook.events) == 2, "best and ending are told")
        assert hook.heard() == [("since", "new_best", None), ("since", "status_changed", "Completed")]

        assert await notifier.stop(process) == 0
        await create(client, "while-down")
        await notifier.start()
        await until(lambda: len(hook.events) == 4, "what was missed is told")

    assert {job for job, _, _ in hook.heard()} == {"since", "while-down"}
    assert {each["data"]["account_id"] for each in hook.events.values()} == {MOTO_ACCOUNT}


async def test_describe_and_check_understand_it(moto: str, client: Any, hook: Hook, tmp_path: Path) -> None:
    await create(client, "xgb")
    async with notifying(tmp_path, moto, hook) as notifier:
        status, out, err = await notifier.command("describe", "xgb")
        assert (status, err) == (0, "") and '"TuningJobName": "xgb"' in out
        status, out, _ = await notifier.command("check")
        assert status == 0 and MOTO_ACCOUNT in out
