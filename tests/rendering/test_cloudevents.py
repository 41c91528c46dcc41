"""The webhook's body: strict JSON that the reference library reads, complete, and never too large."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import HealthCheck, given, settings

from notifier.model import (
    Event,
    EventType,
    MetricDefinition,
    Notice,
    NoticeType,
    ParameterRange,
    Status,
    StatusChange,
    TuningJob,
)
from notifier.rendering.cloudevents import LIMIT, body
from tests.examples import NOON, best, ended, new_best, started, tuning_job
from tests.rendering.hostile import EVENTS
from tests.rendering.recorded import DESCRIBED, RUNS, described, run, told_of

CHURN = tuning_job(modified_at=NOON)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def read(event: Event | Notice) -> dict[str, Any]:
    """The body, read as strictly as JSON allows."""
    answer: dict[str, Any] = json.loads(body(event), parse_constant=no_constant)
    return answer


@pytest.mark.parametrize(
    ("event", "change"),
    [
        pytest.param(started(), {}, id="started"),
        pytest.param(Event("id", EventType.DELETED, NOON, CHURN), {}, id="deleted"),
        pytest.param(ended(), {"from": "InProgress", "to": "Completed"}, id="status-changed"),
        pytest.param(
            replace(ended(), status=StatusChange(None, "Failed")), {"from": None, "to": "Failed"}, id="first-seen-ended"
        ),
        pytest.param(
            new_best(best(2, 0.8907399773597717), best(1, 0.5, eta="1")),
            {
                "current": {
                    "training_job_name": "xgb-002",
                    "metric_name": "validation:auc",
                    "value": 0.8907399773597717,
                    "hyperparameters": {"eta": "0.3", "max_depth": "6"},
                },
                "previous": {
                    "training_job_name": "xgb-001",
                    "metric_name": "validation:auc",
                    "value": 0.5,
                    "hyperparameters": {"eta": "1"},
                },
                "objective": "Maximize",
                "improvement": 0.8907399773597717 - 0.5,
            },
            id="new-best",
        ),
        pytest.param(
            new_best(best(1, None)),
            {
                "current": {
                    "training_job_name": "xgb-001",
                    "metric_name": "validation:auc",
                    "value": None,
                    "hyperparameters": {"eta": "0.3", "max_depth": "6"},
                },
                "previous": None,
                "objective": "Maximize",
                "improvement": None,
            },
            id="first-best-without-a-value",
        ),
    ],
)
def test_a_change_is_told_as_the_contract_says(event: Event, change: dict[str, Any]) -> None:
    assert read(event)["data"]["change"] == change


def test_the_envelope_names_the_job_and_carries_its_record() -> None:
    event = ended(tuning_job(created_at=datetime(2026, 1, 31, 10, 30, 0, 123000, tzinfo=UTC)))

    told = read(event)

    record = told["data"].pop("tuning_job")
    assert told == {
        "specversion": "1.0",
        "id": event.id,
        "source": "arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn",
        "type": "tuning_job.status_changed",
        "subject": "xgb-churn",
        "time": "2026-01-31T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "account_id": "111122223333",
            "region": "us-east-1",
            "tuning_job_arn": "arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn",
            "created_at": "2026-01-31T10:30:00.123000Z",
            "console_url": "https://us-east-1.console.aws.amazon.com/sagemaker/home"
            "?region=us-east-1#/hyper-tuning-jobs/xgb-churn",
            "objective": "Maximize",
            "change": {"from": "InProgress", "to": "Completed"},
        },
    }
    assert record["TuningJobName"] == "xgb-churn"
    assert record["TuningJobStartTime"] == "2026-01-31T10:30:00.123000Z"
    assert record["TuningJobStatus"] == "Completed"


def test_a_job_without_an_arn_is_named_by_a_urn() -> None:
    told = read(started(tuning_job(arn=None, direction=None)))

    assert told["source"] == "urn:notifier:111122223333:us-east-1:xgb-churn"
    assert told["data"]["tuning_job_arn"] is None
    assert told["data"]["objective"] is None


def test_times_are_told_in_utc() -> None:
    event = replace(started(), time=datetime(2026, 1, 31, 14, 0, tzinfo=timezone(timedelta(hours=2))))

    assert read(event)["time"] == "2026-01-31T12:00:00Z"


def test_what_json_cannot_say_is_null_or_replaced() -> None:
    leader = best(1, float("nan"), eta="\ud800é")

    told = read(new_best(leader))

    assert told["data"]["change"]["current"]["value"] is None
    assert told["data"]["change"]["current"]["hyperparameters"] == {"eta": "\ufffdé"}
    assert told["data"]["tuning_job"]["BestTrainingJob"]["FinalTuningJobObjectiveMetric"]["Value"] is None


def test_a_notice_is_an_event_of_the_service_itself() -> None:
    notice = Notice("n1", NoticeType.WATCHING, NOON, "Watching 3 jobs", ("in us-east-1",), "111122223333/us-east-1")

    assert read(notice) == {
        "specversion": "1.0",
        "id": "n1",
        "source": "urn:notifier",
        "type": "notifier.watching",
        "time": "2026-01-31T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {"title": "Watching 3 jobs", "lines": ["in us-east-1"], "scope": "111122223333/us-east-1"},
    }


def large(ranges: int = 0, definitions: int = 0, reason: int = 0) -> TuningJob:
    return tuning_job(
        parameter_ranges=tuple(ParameterRange(f"p{n}", "Categorical", ("x" * 1000,)) for n in range(ranges)),
        metric_definitions=tuple(MetricDefinition(f"m{n}", "y" * 1000) for n in range(definitions)),
        failure_reason="é" * reason,
    )


@pytest.mark.parametrize(
    ("job", "truncated", "left"),
    [
        pytest.param(large(10, 10), False, {"ParameterRanges", "MetricDefinitions"}, id="small-enough"),
        pytest.param(large(70, 10), True, {"MetricDefinitions"}, id="without-the-ranges"),
        pytest.param(large(10, 70), True, set(), id="without-the-definitions-too"),
        pytest.param(large(0, 0, 80_000), True, set(), id="with-long-texts-cut"),
    ],
)
def test_a_body_too_large_leaves_out_what_is_needed_least(job: TuningJob, truncated: bool, left: set[str]) -> None:
    event = ended(job, Status.FAILED)

    told = read(event)

    assert len(body(event)) <= LIMIT
    assert told["data"].get("truncated", False) is truncated
    assert {"ParameterRanges", "MetricDefinitions"} & told["data"]["tuning_job"].keys() == left
    assert told["data"]["change"] == {"from": "InProgress", "to": "Failed"}


def test_a_name_that_no_job_can_have_is_cut_and_the_id_is_not() -> None:
    event = started(tuning_job("👩" * 10_000))

    told = read(event)

    assert len(body(event)) <= LIMIT
    assert told["id"] == event.id
    assert len(told["subject"]) == 2048


@given(EVENTS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_event_is_strict_json_within_the_limit(event: Event | Notice) -> None:
    told = read(event)

    assert len(body(event)) <= LIMIT
    assert told["id"] == event.id


def test_the_reference_library_reads_every_recorded_event() -> None:
    events = [event for name in RUNS for event in run(name)] + [told_of(described(name)) for name in DESCRIBED]

    for event in events:
        message = HTTPMessage({"content-type": "application/cloudevents+json; charset=utf-8"}, body(event))
        read_back = from_structured_event(message, JSONFormat())
        assert read_back.get_id() == event.id
        assert read_back.get_type() == event.type
        assert read_back.get_source() == event.job.source
        assert read_back.get_time() == event.time
