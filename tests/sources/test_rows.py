"""A row that says what it said in the listing before is not read again."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notifier.model import JobIdentity, Remembered, Settled, Summary
from notifier.ports import Recognise, nothing_settled
from notifier.sources.members import Unreadable
from notifier.sources.rows import reader

CREATED = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def row(**changes: Any) -> dict[str, Any]:
    given = {
        "HyperParameterTuningJobName": "xgb",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb",
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": CREATED,
        "TrainingJobStatusCounters": {"Completed": 1, "InProgress": 2},
    }
    return given | changes


def memory() -> Remembered:
    return Remembered(JobIdentity.of("111122223333", "us-east-1", "xgb", CREATED), "xgb", "InProgress")


def read(row: dict[str, Any], settled: Recognise = nothing_settled) -> Summary:
    found = reader(settled)(row)
    assert isinstance(found, Summary)
    return found


class Before:
    """What a row said in the listing before."""

    def __init__(self, row: dict[str, Any]) -> None:
        says = read(row).says
        assert says is not None
        self.name = row["HyperParameterTuningJobName"]
        self.known = Settled(says, memory(), near=False)

    def settled(self, name: str, says: int) -> Settled | None:
        """What a sweep answers."""
        return self.known if (name, says) == (self.name, self.known.says) else None


def test_what_says_the_same_is_not_read_again() -> None:
    before = Before(row())

    assert reader(before.settled)(row()) is before.known
    assert reader(before.settled)(row(LastModifiedTime=CREATED)) is before.known


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"HyperParameterTuningJobStatus": "Stopping"}, id="another-status"),
        pytest.param({"TrainingJobStatusCounters": {"Completed": 2, "InProgress": 1}}, id="other-counters"),
        pytest.param({"TrainingJobStatusCounters": {"InProgress": 1, "Stopped": 2}}, id="the-same-numbers-elsewhere"),
        pytest.param({"CreationTime": CREATED + timedelta(seconds=1)}, id="a-name-used-again"),
        pytest.param({"HyperParameterTuningJobName": "bert"}, id="another-job"),
    ],
)
def test_any_other_word_is_read_anew(changes: dict[str, Any]) -> None:
    before = Before(row())

    after = read(row(**changes), before.settled)

    assert after == read(row(**changes))
    assert after.says != before.known.says


@pytest.mark.parametrize("counters", [None, {}, [], "many", {"Completed": {}}])
def test_a_row_that_became_unreadable_is_not_taken_for_the_one_before(counters: Any) -> None:
    before = Before(row())

    with suppress(Unreadable):
        assert read(row(TrainingJobStatusCounters=counters), before.settled).says != before.known.says


def test_the_hour_that_comes_twice_when_summer_time_ends_makes_two_jobs() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(berlin)
    winter = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(berlin)
    assert summer.replace(tzinfo=None) == winter.replace(tzinfo=None)

    before = Before(row(CreationTime=summer))

    later = read(row(CreationTime=winter), before.settled).created_at
    assert later - read(row(CreationTime=summer)).created_at == timedelta(hours=1)


def test_the_time_is_in_utc_whatever_zone_it_came_in() -> None:
    zone = timezone(timedelta(hours=2))

    assert read(row(CreationTime=CREATED.astimezone(zone))).created_at == CREATED
