"""What the AWS environment and its files say."""

import asyncio
from pathlib import Path

import pytest

from notifier.errors import CallFailed, SettingsError
from notifier.sources import default_region, hyperparameter_source, new_session, preview_source
from notifier.sources.client import PREVIEW_SERVICE
from tests.examples import ACCOUNT, NOON, REGION
from tests.sources.aws import NOTHING, Aws, error
from tests.sources.conftest import FAST, HASTE, Tally

PREVIEW = {"TuningJobName": "a", "TuningJobStatus": "InProgress", "TuningJobStartTime": NOON.timestamp()}


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1", id="default-region"),
        pytest.param({"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-2", id="region-first"),
        pytest.param({"AWS_PROFILE": "lab"}, "eu-north-1", id="profile"),
    ],
)
def test_the_default_region_is_the_environments_or_the_profiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], region: str | None
) -> None:
    (tmp_path / "config").write_text("[profile lab]\nregion = eu-north-1\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert default_region(new_session()) == region


@pytest.mark.parametrize(
    ("config", "variable"),
    [
        pytest.param("[profile lab]\n", "AWS_PROFILE", id="no-such-profile"),
        pytest.param("[profile nobody\n", "AWS_CONFIG_FILE", id="broken-file"),
    ],
)
def test_a_wrong_profile_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, variable: str
) -> None:
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(SettingsError) as caught:
        default_region(new_session())

    assert [each.variable for each in caught.value.problems] == [variable]


async def test_the_service_specific_endpoint_wins_for_both_dialects(
    aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", aws.url)
    aws.answers("ListHyperParameterTuningJobs", NOTHING)
    aws.answers("DescribeTuningJob", PREVIEW)
    session = new_session()

    async with hyperparameter_source(session, REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        assert [page.rows async for page in source.pages()] == [()]
    async with preview_source(session, REGION, rate=FAST, meter=tally, account=ACCOUNT, patience=HASTE) as preview:
        assert (await preview.describe("a")).name == "a"


async def test_profiles_credentials_sign_the_calls(
    aws: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[lab]\naws_access_key_id = AKIALAB\naws_secret_access_key = lab\n")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    aws.answers("ListHyperParameterTuningJobs", NOTHING)

    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        assert [page.last async for page in source.pages()] == [True]

    assert "Credential=AKIALAB/" in aws.authorizations[-1]


def keep(folder: Path, key: str) -> None:
    """Write the credentials file as whoever rotates keys does."""
    (folder / "credentials").write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")


@pytest.fixture
def own_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the credentials lie, and nowhere else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    keep(tmp_path, "AKIAOLD")
    return tmp_path


def keys(aws: Aws) -> list[str]:
    """What signed each request."""
    return [each.partition("Credential=")[2].partition("/")[0] for each in aws.authorizations]


async def test_keys_that_were_rotated_in_their_file_are_read_anew_within_the_call(
    aws: Aws, tally: Tally, own_file: Path
) -> None:
    aws.answers("ListHyperParameterTuningJobs", NOTHING, error("ExpiredTokenException"), NOTHING)
    session = new_session()
    one = hyperparameter_source(session, REGION, rate=FAST, meter=tally, patience=HASTE)
    other = hyperparameter_source(session, "eu-west-1", rate=FAST, meter=tally, patience=HASTE)
    async with one as source, other as elsewhere:
        assert [page.rows async for page in source.pages()] == [()]
        keep(own_file, "AKIANEW")

        assert [page.rows async for page in source.pages()] == [()]
        assert [page.rows async for page in elsewhere.pages()] == [()]

    assert keys(aws) == ["AKIAOLD", "AKIAOLD", "AKIANEW", "AKIANEW"]


async def test_several_calls_whose_key_is_refused_together_are_all_asked_again_with_the_new_one(
    aws: Aws, tally: Tally, own_file: Path
) -> None:
    aws.answers("ListHyperParameterTuningJobs", *[error("InvalidClientTokenId")] * 3, NOTHING)
    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:

        async def listed() -> int:
            return sum([len(page.rows) async for page in source.pages()])

        async with asyncio.TaskGroup() as asking:
            several = [asking.create_task(listed()) for _ in range(3)]
            await aws.heard.wait()
            keep(own_file, "AKIANEW")

    assert [each.result() for each in several] == [0, 0, 0]
    assert keys(aws)[-1] == "AKIANEW"


async def test_a_key_that_is_refused_and_was_not_rotated_is_asked_with_once(
    aws: Aws, tally: Tally, own_file: Path
) -> None:
    aws.answers("ListHyperParameterTuningJobs", error("ExpiredTokenException"))
    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        with pytest.raises(CallFailed, match="AWS does not accept the credentials"):
            [page async for page in source.pages()]

    assert keys(aws) == ["AKIAOLD"]


async def test_the_preview_has_an_endpoint_of_its_own_where_none_is_set() -> None:
    async with new_session().create_client(PREVIEW_SERVICE, "eu-west-1") as client:
        assert client.meta.endpoint_url == "https://api.sagemaker.eu-west-1.amazonaws.com"


async def test_todays_api_keeps_its_own_model_beside_the_previews() -> None:
    async with new_session().create_client("sagemaker", "eu-west-1") as client:
        assert hasattr(client, "list_hyper_parameter_tuning_jobs")
        assert not hasattr(client, "describe_tuning_job")
