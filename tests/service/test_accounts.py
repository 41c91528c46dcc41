"""The real process watching three accounts in two regions each, and the commands that look into all of them."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.examples import ACCOUNT
from tests.pipeline.organisation import OWN_KEY, Organisation
from tests.pipeline.sagemaker import LIST, PREVIEW, Job
from tests.service.process import Hook, Notifier, notifying, until

EAST, WEST = "us-east-1", "eu-west-1"
ONE, TWO, THREE = "222233334444", "333344445555", "444455556666"
EXTERNAL_ID = "team-7-watches"


@pytest.fixture
async def organisation() -> AsyncIterator[Organisation]:
    async with Organisation.running() as organisation:
        organisation.join(ONE, TWO, THREE, regions=(EAST, WEST), external_id=EXTERNAL_ID)
        yield organisation


@pytest.fixture
async def notifier(tmp_path: Path, organisation: Organisation, hook: Hook) -> AsyncIterator[Notifier]:
    accounts = {
        "NOTIFIER_ACCOUNTS": f"{ONE},{TWO},{THREE}",
        "NOTIFIER_REGIONS": f"{EAST},{WEST}",
        "NOTIFIER_ROLE": "notifier",
        "NOTIFIER_EXTERNAL_ID": EXTERNAL_ID,
        "NOTIFIER_OPERATOR": "webhook",
    }
    async with notifying(tmp_path, organisation.url, hook, **accounts) as service:
        yield service


def watched(hook: Hook) -> set[str]:
    """The places whose first baseline was told."""
    return {each["data"]["scope"] for each in hook.events.values() if each["type"] == "notifier.watching"}


def keys(*numbers: str, region: str) -> set[str]:
    return {f"{number}/{region}/hyperparameter" for number in numbers}


async def page(notifier: Notifier, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{notifier.port}{path}") as answer:
        return answer.status, await answer.text()


async def test_jobs_of_every_account_and_region_are_told_with_their_account(
    notifier: Notifier, organisation: Organisation, hook: Hook
) -> None:
    process = await notifier.start()
    everywhere = keys(ONE, TWO, THREE, region=EAST) | keys(ONE, TWO, THREE, region=WEST)
    await until(lambda: watched(hook) == everywhere, "every scope has its baseline")

    for service in organisation.services.values():
        service.put(Job("xgb", time.time()))
    await until(lambda: len(hook.events) == 12, "the same name is told six times")

    started = [each["data"] for each in hook.events.values() if each["type"] == "tuning_job.started"]
    assert {(each["account_id"], each["region"]) for each in started} == {
        (number, region) for number in (ONE, TWO, THREE) for region in (EAST, WEST)
    }
    assert all(f":{each['region']}:{each['account_id']}:" in each["tuning_job_arn"] for each in started)
    assert OWN_KEY not in organisation.asked(LIST) and not organisation.asked("GetCallerIdentity")
    status, out, _ = await notifier.command("jobs")
    assert status == 0 and "account" in out.splitlines()[0] + out.splitlines()[1]
    assert all(number in out for number in (ONE, TWO, THREE))
    assert await notifier.stop(process) == 0
    text = notifier.log_file.read_text()
    assert EXTERNAL_ID not in text and "secretOfARole" not in text and "tokenOfARole" not in text


async def test_an_account_whose_role_is_missing_is_named_and_troubles_no_other(
    notifier: Notifier, organisation: Organisation, hook: Hook
) -> None:
    organisation.accounts[TWO].admits = False
    process = await notifier.start(NOTIFIER_HEARTBEAT_URL=f"{organisation.url}/ping")
    await until(
        lambda: watched(hook) == keys(ONE, THREE, region=EAST) | keys(ONE, THREE, region=WEST), "others are seen"
    )
    await until(lambda: organisation.calls["AssumeRole", OWN_KEY] >= 12, "it keeps trying")

    warnings = [line for line in notifier.log() if line["level"] == "warning"]
    assert sorted((line["account"], line["region"]) for line in warnings) == [(TWO, WEST), (TWO, EAST)]
    assert all(f"arn:aws:iam::{TWO}:role/notifier" in line["error"] for line in warnings)
    status, ready = await page(notifier, "/readyz")
    assert status == 200
    await until(lambda: organisation.pings > 0, "the heartbeat goes on")
    assert sorted(json.loads(ready)["stale"]) == [
        f"{TWO}/{WEST}: not swept yet: denied",
        f"{TWO}/{EAST}: not swept yet: denied",
    ]
    _, metrics = await page(notifier, "/metrics")
    assert f'notifier_sweeps_total{{account="{TWO}",outcome="denied",region="{EAST}"}}' in metrics
    assert f'notifier_poll_age_seconds{{account="{TWO}",region="{WEST}"}}' in metrics

    organisation.accounts[TWO].admits = True
    await until(
        lambda: watched(hook) >= keys(TWO, region=EAST) | keys(TWO, region=WEST), "it is seen once it admits us"
    )
    assert await notifier.stop(process) == 0
    assert "Traceback" not in notifier.log_file.read_text()


async def test_check_tries_each_account_and_says_in_one_line_what_is_missing(
    notifier: Notifier, organisation: Organisation
) -> None:
    organisation.accounts[TWO].admits = False
    organisation.services[THREE, WEST].fails[LIST] = "AccessDeniedException"

    status, out, err = await notifier.command("check")

    bad = [line for line in out.splitlines() if line.startswith("✗")]
    assert status == 1 and err == ""
    assert [line.split(":")[0] for line in bad] == [f"✗ {TWO}/{EAST}", f"✗ {TWO}/{WEST}", f"✗ {THREE}/{WEST}"]
    assert "sts:AssumeRole" in bad[0] and "trust policy" in bad[0] and "NOTIFIER_EXTERNAL_ID" in bad[0]
    assert "allow sagemaker:ListHyperParameterTuningJobs" in bad[2]
    assert f"✓ {ONE}/{EAST}: the role arn:aws:iam::{ONE}:role/notifier can be assumed" in out
    assert f"✓ {THREE}/{EAST}: describing a tuning job is allowed" in out
    assert EXTERNAL_ID not in out


async def test_describe_says_where_the_job_was_found_and_what_could_not_be_asked(
    notifier: Notifier, organisation: Organisation
) -> None:
    organisation.accounts[ONE].admits = False
    organisation.services[TWO, WEST].put(Job("xgb", 1_700_000_000.0))

    status, out, err = await notifier.command("describe", "xgb", "--no-trials", "--region", WEST)

    assert status == 0 and json.loads(out)["TuningJobName"] == "xgb"
    refused, found = err.splitlines()
    assert refused.startswith(f"notifier: {ONE}/{WEST}: AssumeRole in {WEST} of account {ONE}: access is denied")
    assert found == f"notifier: found in {TWO}/{WEST}"


async def test_describe_of_a_name_that_two_accounts_have_asks_to_choose(
    notifier: Notifier, organisation: Organisation
) -> None:
    for number in (ONE, THREE):
        organisation.services[number, EAST].put(Job("xgb", 1_700_000_000.0, completed=int(number[0])))

    status, out, err = await notifier.command("describe", "xgb", "--no-trials")
    assert (status, out) == (1, "")
    assert err.strip() == f"notifier: xgb is in {ONE}/{EAST}, {THREE}/{EAST}; choose with --account and --region"

    status, out, err = await notifier.command("describe", "xgb", "--no-trials", "--account", THREE, "--region", EAST)
    assert (status, err) == (0, "")
    assert json.loads(out)["ResourcesStats"]["ConsumedResources"]["Jobs"]["Completed"] == 4


@pytest.mark.parametrize(
    ("account", "accounts", "says"),
    [
        pytest.param(ACCOUNT, None, f"is none that is watched: there are {ONE}, ", id="not-among-those-watched"),
        pytest.param("1111", "", "is no account: write its 12 digits", id="no-account-number"),
    ],
)
async def test_describe_in_an_account_that_is_not_watched_is_wrong_usage(
    notifier: Notifier, account: str, accounts: str | None, says: str
) -> None:
    unset = {"NOTIFIER_ACCOUNTS": "", "NOTIFIER_ROLE": "", "NOTIFIER_EXTERNAL_ID": ""} if accounts == "" else {}

    status, out, err = await notifier.command("describe", "xgb", "--account", account, **unset)

    assert (status, out) == (2, "") and err.startswith(f"notifier: --account: {says}")


async def test_describe_of_a_name_that_nobody_has_names_every_place(notifier: Notifier) -> None:
    status, _, err = await notifier.command("describe", "xgb", "--region", EAST)

    assert status == 1
    assert err.strip() == f"notifier: no tuning job named xgb in {ONE}/{EAST}, {TWO}/{EAST}, {THREE}/{EAST}"


async def test_the_preview_asks_each_account_for_its_own(
    notifier: Notifier, organisation: Organisation, hook: Hook
) -> None:
    organisation.services[TWO, EAST].put(Job("xgb", time.time()))
    process = await notifier.start(NOTIFIER_API="preview", NOTIFIER_JOBS="xgb", NOTIFIER_REGIONS=EAST)
    await until(lambda: len(watched(hook)) == 3, "every account is watched")
    organisation.services[TWO, EAST].move("xgb", status="Stopped")

    def told() -> list[tuple[str, str]]:
        jobs = [each for each in hook.events.values() if each["type"] == "tuning_job.status_changed"]
        return [(each["source"], each["data"]["change"]["to"]) for each in jobs]

    await until(lambda: told() == [(f"urn:notifier:{TWO}:{EAST}:xgb", "Stopped")], "the ending is told")
    assert organisation.asked(PREVIEW) == {organisation.accounts[number].key(1) for number in (ONE, TWO, THREE)}
    assert await notifier.stop(process) == 0


@pytest.mark.parametrize(
    ("env", "says"),
    [
        pytest.param(
            {"NOTIFIER_ACCOUNTS": "22223333444"}, "NOTIFIER_ACCOUNTS: '22223333444' is no", id="eleven-digits"
        ),
        pytest.param({"NOTIFIER_ROLE": "arn:aws-cn:iam::{account}:role/x"}, "NOTIFIER_ROLE: is an ARN", id="partition"),
    ],
)
async def test_a_wrong_account_or_role_is_named_and_nothing_is_started(
    notifier: Notifier, env: dict[str, str], says: str
) -> None:
    status, out, err = await notifier.command("run", **env)

    assert (status, out) == (2, "") and err.startswith(f"notifier: {says}")
    assert not (notifier.folder / "notifier.db").exists()
