"""The real process against moto's server: an implementation of SageMaker that is not ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession
from moto.server import ThreadedMotoServer

from tests.service.process import ROOT, Hook, notifying, until
from tests.sources.test_moto import CONFIG, DEFINITION, MOTO_ACCOUNT

REGION = "us-east-1"
TEMPLATE = ROOT / "deploy" / "member-role.yaml"


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # What moto knows belongs to the process, not to the server: another test may have been here.
    with closing(HTTPConnection(host, port, timeout=30)) as connection:
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == 200
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


async def test_an_account_is_watched_in_the_role_that_the_template_makes(moto: str, hook: Hook, tmp_path: Path) -> None:
    member = "222233334444"
    async with in_account(moto, member) as session:
        async with session.create_client("cloudformation", REGION, endpoint_url=moto) as stacks:
            await stacks.create_stack(
                StackName="notifier",
                TemplateBody=TEMPLATE.read_text(),
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=[
                    {
                        "ParameterKey": "NotifierArn",
                        "ParameterValue": f"arn:aws:iam::{MOTO_ACCOUNT}:role/notifier-task",
                    },
                    {"ParameterKey": "ExternalId", "ParameterValue": "team-7"},
                ],
            )
        async with session.create_client("iam", REGION, endpoint_url=moto) as iam:
            trust = (await iam.get_role(RoleName="notifier"))["Role"]["AssumeRolePolicyDocument"]["Statement"]
        accounts = {"NOTIFIER_ACCOUNTS": member, "NOTIFIER_ROLE": "notifier", "NOTIFIER_EXTERNAL_ID": "team-7"}
        async with (
            session.create_client("sagemaker", REGION, endpoint_url=moto) as client,
            notifying(tmp_path, moto, hook, **accounts) as notifier,
        ):
            process = await notifier.start()
            await notifier.ready(process)
            await create(client, "theirs")
            await until(lambda: len(hook.events) == 2, "best and ending are told")
            assert await notifier.stop(process) == 0

    assert {each["data"]["account_id"] for each in hook.events.values()} == {member}
    assert [(each["Principal"], each["Condition"]) for each in trust] == [
        (
            {"AWS": f"arn:aws:iam::{MOTO_ACCOUNT}:root"},
            {
                "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{MOTO_ACCOUNT}:role/notifier-task"},
                "StringEquals": {"sts:ExternalId": "team-7"},
            },
        )
    ]


@asynccontextmanager
async def in_account(moto: str, number: str) -> AsyncIterator[AioSession]:
    """A session of somebody in another account: moto's accounts are those of the roles that were assumed."""
    session = AioSession()
    session.set_credentials("AKIAEXAMPLEEXAMPLE", "secret")
    async with session.create_client("sts", REGION, endpoint_url=moto) as sts:
        role = f"arn:aws:iam::{number}:role/admin"
        keys = (await sts.assume_role(RoleArn=role, RoleSessionName="admin"))["Credentials"]
    session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    yield session
