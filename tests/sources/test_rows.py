"""A row that says what it said in the listing before is not read again."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notifier.sources.members import Unreadable
from notifier.sources.rows import Rows

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


def test_the_same_words_give_the_same_object() -> None:
    rows = Rows()

    first, again, later = (rows.listing()(row()) for _ in range(3))

    assert first is again is later


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
    rows = Rows()
    before = rows.listing()(row())

    after = rows.listing()(row(**changes))

    assert after is not before
    assert after == Rows().listing()(row(**changes))


def test_a_row_that_became_unreadable_is_not_taken_for_the_one_before() -> None:
    rows = Rows()
    rows.listing()(row())

    with pytest.raises(Unreadable):
        rows.listing()(row(TrainingJobStatusCounters=None))


def test_only_the_listing_before_is_remembered() -> None:
    rows = Rows()
    first = rows.listing()(row())
    rows.listing()

    assert rows.listing()(row()) is not first


def test_the_hour_that_comes_twice_when_summer_time_ends_makes_two_jobs() -> None:
    berlin, rows = ZoneInfo("Europe/Berlin"), Rows()
    summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(berlin)
    winter = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(berlin)
    assert summer.replace(tzinfo=None) == winter.replace(tzinfo=None)

    before = rows.listing()(row(CreationTime=summer))

    assert rows.listing()(row(CreationTime=winter)).created_at - before.created_at == timedelta(hours=1)


def test_the_time_is_in_utc_whatever_zone_it_came_in() -> None:
    zone = timezone(timedelta(hours=2))

    assert Rows().listing()(row(CreationTime=CREATED.astimezone(zone))).created_at == CREATED
