"""`notifier explain`: which messages of a job go where, and why others do not."""

import re
import time

import pytest

from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import Hook, Notifier, until

PAGER = {
    "NOTIFIER_DESTINATIONS__PAGER__KIND": "console",
    "NOTIFIER_DESTINATIONS__PAGER__EVENTS": "status_changed,new_best",
    "NOTIFIER_DESTINATIONS__PAGER__STATUSES": "Failed",
    "NOTIFIER_DESTINATIONS__PAGER__ACCOUNTS": "111122223333",
    "NOTIFIER_DESTINATIONS__PAGER__MIN_IMPROVEMENT": "0.01",
    "NOTIFIER_DESTINATIONS__PAGER__QUIET_HOURS": "00:00-12:01, 12:00-23:59, Mon 23:59-00:00",
}


def answers(printed: str) -> list[list[str]]:
    """The rows of the table, cell by cell."""
    return [re.split(r"  +", line.strip()) for line in printed.splitlines() if re.search(r"  +(yes|no)", line)]


async def test_a_job_to_come_is_explained_by_the_settings_alone(notifier: Notifier) -> None:
    status, out, err = await notifier.command("explain", "xgb-1", NOTIFIER_STALL_FACTOR="0", **PAGER)

    assert status == 0
    assert "by the settings alone: there is no database" in err
    assert answers(out) == [
        ["webhook", "yes", "started, status_changed, new_best, deleted, failing, plateaued, limit_near"],
        ["webhook", "no: NOTIFIER_STALL_FACTOR is 0", "stalled"],
        ["pager", "no: left out by its EVENTS", "started, deleted, failing, plateaued, limit_near, stalled"],
        ["pager", "yes, if it is in account 111122223333, to Failed alone", "status_changed"],
        [
            "pager",
            "yes, if it is in account 111122223333, one message in 5 min at most, gains of 1 % at least",
            "new_best",
        ],
    ]
    assert "pager: quiet hours until" in out


async def test_a_job_is_explained_by_its_tags(notifier: Notifier, sagemaker: SageMaker, hook: Hook) -> None:
    vision = {"NOTIFIER_DESTINATIONS__VISION__KIND": "console", "NOTIFIER_DESTINATIONS__VISION__TAGS": "team=vis*"}
    _, out, _ = await notifier.command("explain", "xgb-1", **vision)
    assert ["vision", "yes, if its tags are team=vis*"] in [row[:2] for row in answers(out)]

    process = await notifier.start(**vision)
    await notifier.ready(process)
    sagemaker.tags["xgb-1"] = {"team": "speech"}
    sagemaker.put(Job("xgb-1", time.time()))
    await until(lambda: bool(hook.ids), "the job is told")
    _, out, _ = await notifier.command("explain", "xgb-1", **vision)

    assert ["vision", "no: left out by its TAGS"] in [row[:2] for row in answers(out)]
    assert await notifier.stop(process) == 0


async def test_a_job_that_is_known_is_explained_with_what_keeps_its_messages_back(
    notifier: Notifier, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("xgb-1", time.time()))
    process = await notifier.start(**PAGER)
    await notifier.ready(process)
    await notifier.command("silence", "add", "--job", "xgb-*", "--comment", "bad data", **PAGER)

    status, out, err = await notifier.command("explain", "XGB-1", **PAGER)

    assert (status, err) == (0, "")
    assert out.startswith("xgb-1: InProgress, in us-east-1 of account 111122223333.\n")
    assert ["pager", "no: silence 1", "status_changed, new_best"] in answers(out)
    assert re.search(r"pager: silence 1 until .* UTC \(bad data\); what comes by then is not told\.", out)
    assert "webhook: silence" not in out
    assert "no job of this name is known" in (await notifier.command("explain", "bert", **PAGER))[1]
    assert await notifier.stop(process) == 0


@pytest.mark.parametrize("name", ["xgb-*", "bad name!", ""])
async def test_what_is_no_name_is_refused(notifier: Notifier, name: str) -> None:
    status, out, err = await notifier.command("explain", name)

    assert (status, out) == (2, "") and "JOB is no tuning job's name" in err


async def test_a_misspelt_setting_is_said_before_anything_is_explained(notifier: Notifier) -> None:
    _, _, err = await notifier.command("explain", "xgb-1", NOTIFER_JOBS="bert")

    assert "did you mean NOTIFIER_JOBS?" in err


@pytest.mark.parametrize(
    ("given", "options", "why"),
    [
        pytest.param({"NOTIFIER_JOBS": "bert*"}, (), "NOTIFIER_JOBS=bert* does not name it", id="jobs"),
        pytest.param({"NOTIFIER_EXCLUDE": "xgb-*"}, (), "NOTIFIER_EXCLUDE=xgb-* leaves it out", id="exclude"),
        pytest.param(
            {"NOTIFIER_REGIONS": "us-east-1"},
            ("--region", "eu-west-1"),
            "NOTIFIER_REGIONS does not name its region",
            id="region",
        ),
        pytest.param(
            {"NOTIFIER_ACCOUNTS": "111122223333", "NOTIFIER_ROLE": "notifier"},
            ("--account", "999988887777"),
            "NOTIFIER_ACCOUNTS does not name its account",
            id="account",
        ),
    ],
)
async def test_a_job_that_is_not_watched_is_said_to_be(
    notifier: Notifier, given: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    status, out, _ = await notifier.command("explain", "xgb-1", *options, **given)

    assert (status, out) == (0, f"Nothing of xgb-1 is told: {why}.\n")
