"""Filters of a destination that can never match are refused."""

import pytest

from tests.settings.environment import HOOK_URL, loaded, refused

OPS = {"DESTINATIONS__OPS__KIND": "webhook", "DESTINATIONS__OPS__URL": HOOK_URL}

NEVER = {
    "statuses-of-no-status-change": (
        {"DESTINATIONS__OPS__EVENTS": "new_best", "DESTINATIONS__OPS__STATUSES": "Failed"},
        "STATUSES",
        "it looks at status_changed alone, and the events are new_best",
    ),
    "statuses-where-all-events-are-others": (
        {"EVENTS": "new_best,started", "DESTINATIONS__OPS__STATUSES": "Failed"},
        "STATUSES",
        "the events are new_best, started",
    ),
    "jobs-that-are-not-watched": ({"JOBS": "xgb-*", "DESTINATIONS__OPS__JOBS": "bert-*"}, "JOBS", "NOTIFIER_JOBS"),
    "a-job-that-is-left-out": ({"EXCLUDE": "*-test", "DESTINATIONS__OPS__JOBS": "a-test"}, "JOBS", "NOTIFIER_EXCLUDE"),
    "a-glob-that-is-left-out": ({"EXCLUDE": "a-*", "DESTINATIONS__OPS__JOBS": "a-*"}, "JOBS", "NOTIFIER_EXCLUDE"),
    "globs-among-those-that-are-left-out": (
        {"EXCLUDE": "xgb*", "DESTINATIONS__OPS__JOBS": "XGB-*"},
        "JOBS",
        "NOTIFIER_EXCLUDE",
    ),
    "a-status-that-nothing-comes-to": ({"DESTINATIONS__OPS__STATUSES": "InProgress"}, "STATUSES", "is `started`"),
    "two-values-of-a-tag": (
        {"DESTINATIONS__OPS__TAGS": "team=vision,team=audio"},
        "TAGS",
        "'team' is to have two values at once",
    ),
    "a-region-that-is-not-watched": (
        {"REGIONS": "us-east-1", "DESTINATIONS__OPS__REGIONS": "eu-west-1"},
        "REGIONS",
        "NOTIFIER_REGIONS names us-east-1",
    ),
    "an-account-that-is-not-watched": (
        {"ACCOUNTS": "111122223333", "ROLE": "notifier", "DESTINATIONS__OPS__ACCOUNTS": "999988887777"},
        "ACCOUNTS",
        "NOTIFIER_ACCOUNTS names 111122223333",
    ),
    "an-event-that-is-off": (
        {"STALL_FACTOR": "0", "DESTINATIONS__OPS__EVENTS": "stalled"},
        "EVENTS",
        "NOTIFIER_STALL_FACTOR is 0",
    ),
}


@pytest.mark.parametrize(("given", "field", "says"), NEVER.values(), ids=NEVER)
def test_a_filter_that_can_never_match_is_refused(given: dict[str, str], field: str, says: str) -> None:
    told = refused(**OPS, **given)

    assert list(told) == [f"NOTIFIER_DESTINATIONS__OPS__{field}"]
    assert told[f"NOTIFIER_DESTINATIONS__OPS__{field}"].startswith("can never match")
    assert says in told[f"NOTIFIER_DESTINATIONS__OPS__{field}"]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"JOBS": "xgb-*", "DESTINATIONS__OPS__JOBS": "*-prod"}, id="globs-that-may-meet"),
        pytest.param({"JOBS": "a,b", "DESTINATIONS__OPS__JOBS": "c,b"}, id="one-of-several-names"),
        pytest.param({"EXCLUDE": "*-test", "DESTINATIONS__OPS__JOBS": "a-*"}, id="some-are-left-out"),
        pytest.param({"EXCLUDE": "xgb-*", "DESTINATIONS__OPS__JOBS": "xgb*"}, id="globs-beyond-those-left-out"),
        pytest.param({"DESTINATIONS__OPS__TAGS": "team=v*,team=*n"}, id="two-globs-for-a-tag"),
        pytest.param({"DESTINATIONS__OPS__STATUSES": "InProgress,Failed"}, id="one-of-several-statuses"),
        pytest.param({"DESTINATIONS__OPS__STATUSES": "Failed"}, id="statuses-of-all-events"),
        pytest.param(
            {
                "EVENTS": "new_best",
                "DESTINATIONS__OPS__EVENTS": "status_changed",
                "DESTINATIONS__OPS__STATUSES": "Failed",
            },
            id="its-own-events",
        ),
        pytest.param({"DESTINATIONS__OPS__REGIONS": "eu-west-1"}, id="regions-that-no-setting-names"),
        pytest.param({"STALL_FACTOR": "0", "DESTINATIONS__OPS__EVENTS": "stalled,deleted"}, id="one-of-several-events"),
    ],
)
def test_a_filter_that_may_match_is_not(given: dict[str, str]) -> None:
    assert "ops" in loaded(**OPS, **given).destinations


@pytest.mark.parametrize("tags", [pytest.param("team", id="no-value"), pytest.param("=vision", id="no-key")])
def test_a_tag_without_key_or_value_is_refused(tags: str) -> None:
    told = refused(**OPS, DESTINATIONS__OPS__TAGS=tags)

    assert "is no tag with its value: write for example" in told["NOTIFIER_DESTINATIONS__OPS__TAGS"]


def test_to_leave_every_job_out_is_refused() -> None:
    assert "leaves every job out" in refused(EXCLUDE="a-*,*")["NOTIFIER_EXCLUDE"]


def test_the_preview_has_no_tags() -> None:
    told = refused(**OPS, API="preview", JOBS="xgb", DESTINATIONS__OPS__TAGS="team=vision")

    assert "have no tags" in told["NOTIFIER_DESTINATIONS__OPS__TAGS"]
