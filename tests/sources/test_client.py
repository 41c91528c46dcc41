"""What our clients do as botocore's do not."""

import platform
from datetime import UTC
from pathlib import Path

import aiobotocore
import botocore
import pytest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import get_cert_path

from notifier import __version__
from notifier.sources import new_session
from notifier.sources.client import connected
from tests.examples import NOON, REGION
from tests.sources.aws import NOTHING, Aws

LIST = "ListHyperParameterTuningJobs"


async def test_times_come_in_utc(aws: Aws) -> None:
    aws.answers(LIST, {"HyperParameterTuningJobSummaries": [{"CreationTime": NOON.timestamp()}]})

    async with connected(new_session(), "sagemaker", REGION) as connection:
        client = await connection.client()
        answer = await client.list_hyper_parameter_tuning_jobs()

    (row,) = answer["HyperParameterTuningJobSummaries"]
    assert (row["CreationTime"], row["CreationTime"].tzinfo) == (NOON, UTC)


async def test_the_user_agent_names_us_and_what_we_stand_on(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")

    assert (await _user_agent(aws)).split() == [
        f"aiobotocore/{aiobotocore.__version__}",
        f"Python/{platform.python_version()}",
        f"{platform.system()}/{platform.release()}",
        "exec-env/AWS_ECS_FARGATE",
        f"botocore/{botocore.__version__}",
        f"notifier/{__version__}",
    ]


async def test_an_application_id_goes_with_the_user_agent(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "team-a")

    words = (await _user_agent(aws)).split()

    assert {"app/team-a", f"notifier/{__version__}"} <= set(words)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Certificates to trust, in a file of their own."""
    bundle = tmp_path / "trusted.pem"
    bundle.write_bytes(Path(str(get_cert_path(True))).read_bytes())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return bundle


async def test_clients_that_trust_the_same_certificates_read_them_once(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, bundle: Path
) -> None:
    await _user_agent(aws)
    bundle.unlink()  # noqa: ASYNC240 - a small file, and nothing else runs

    await _user_agent(aws)

    monkeypatch.setenv("AWS_CA_BUNDLE", f"{bundle}.other")
    with pytest.raises(HTTPClientError, match="No such file"):
        await _user_agent(aws)


async def _user_agent(aws: Aws) -> str:
    """What a client of ours sends."""
    aws.answers(LIST, NOTHING)
    async with connected(new_session(), "sagemaker", REGION) as connection:
        client = await connection.client()
        await client.list_hyper_parameter_tuning_jobs()
    return aws.user_agents[-1]
