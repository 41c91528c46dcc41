"""Answers are those of botocore's own parser, value by value and error by error."""

import gc
import json
import time
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiobotocore.parsers import PROTOCOL_PARSERS, AioResponseParserFactory
from botocore.model import Shape
from botocore.parsers import ResponseParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.sources.mapping import tuning_job
from notifier.sources.operation import Operation
from notifier.sources.parsing import Parsers, Row
from tests.examples import REGION, SAMPLES, sample
from tests.sources.aws import parsed, wire
from tests.sources.shapes import JSON_OPERATIONS, answers, model, operation, output, peculiar

DESCRIBED = sorted(path.name for path in SAMPLES.glob("describe_*.json"))
TRIALS = sorted(path.name for path in SAMPLES.glob("trials_*.json"))
OURS, BOTOCORES = Parsers(), AioResponseParserFactory()


def exact(value: Any) -> Any:
    """A value so that only the same one is equal: types, the order of members, NaN; times by their instant."""
    if isinstance(value, dict | Row):
        return [(name, exact(each)) for name, each in value.items()]
    if isinstance(value, list):
        return tuple(map(exact, value))
    if isinstance(value, datetime):
        return datetime, value.tzinfo is None, value.astimezone(UTC)
    return type(value), repr(value)


async def outcome(parser: ResponseParser, shape: Shape | None, body: bytes, status: int = 200) -> Any:
    """What a parser makes of an answer, or the type of its error."""
    headers = {"x-amzn-requestid": "7d0c", "Date": "Sat, 31 Jan 2026 12:00:00 GMT"}
    response = {"status_code": status, "headers": headers, "body": body, "context": {}}
    try:
        return exact(await parser.parse(response, shape))  # type: ignore[arg-type]
    except Exception as error:
        return type(error)


async def assert_alike(shape: Shape | None, body: bytes, status: int = 200, protocol: str = "json") -> Any:
    """Both parsers make the same of an answer; twice, for the first time is when the shape becomes known."""
    expected = await outcome(BOTOCORES.create_parser(protocol), shape, body, status)
    for _ in range(2):
        assert await outcome(OURS.create_parser(protocol), shape, body, status) == expected
    return expected


@pytest.mark.parametrize("name", DESCRIBED)
async def test_a_recorded_answer_is_the_same(name: str) -> None:
    body = json.dumps(wire(sample(name))).encode()

    found = await assert_alike(output(Operation.DESCRIBE), body)

    assert "HyperParameterTuningJobStatus" in dict(found)


@pytest.mark.parametrize("name", [name for name in DESCRIBED if "partial" not in name])
async def test_a_recorded_answer_is_the_same_in_the_preview(name: str) -> None:
    response = tuning_job(parsed(sample(name)), REGION).to_response()
    body = json.dumps(response, default=datetime.timestamp).encode()

    found = await assert_alike(output(Operation.DESCRIBE_PREVIEW), body)

    assert dict(found).keys() == response.keys() | {"ResponseMetadata"}


@pytest.mark.parametrize("name", TRIALS)
async def test_a_recorded_list_of_trials_is_the_same(name: str) -> None:
    rows = [
        row | {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "m", "Value": row["FinalObjectiveValue"]}}
        for row in wire(sample(name))["trials"]
    ]

    found = await assert_alike(output(Operation.LIST_TRIALS), json.dumps({"TrainingJobSummaries": rows}).encode())

    assert len(dict(found)["TrainingJobSummaries"]) == len(rows)


@pytest.mark.parametrize("called", JSON_OPERATIONS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_whatever_comes_is_the_same(called: Operation, data: st.DataObject) -> None:
    answer = data.draw(answers(output(called)))

    await assert_alike(output(called), json.dumps(answer).encode())


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html><body>hello</body></html>", id="html"),
        pytest.param(b"<html>\xff", id="not-utf-8"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": [{"Hyper', id="truncated"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{}", id="no-members"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": null, "NextToken": null}', id="null-members"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": [null]}', id="null-row"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": [[]]}', id="list-for-a-structure"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": {"a": {}}}', id="structure-for-a-list"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": "ab"}', id="text-for-a-list"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": 7}', id="number-for-a-list"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": [{"CreationTime": "yesterday"}]}', id="no-time"),
        pytest.param(b'{"HyperParameterTuningJobSummaries": [{"CreationTime": NaN}]}', id="nan-for-a-time"),
        pytest.param(b'{"__type": "a.b#ThrottlingException:x", "message": "Rate exceeded"}', id="error"),
        pytest.param(b'{"__type": "ResourceNotFound", "Message": "no such job"}', id="modelled-error"),
    ],
)
async def test_what_is_no_answer_is_the_same_trouble(body: bytes, status: int) -> None:
    await assert_alike(output(Operation.LIST), body, status)
    await assert_alike(None, body, status)


async def test_the_members_of_a_modelled_error_are_the_same() -> None:
    (missing,) = operation(Operation.DESCRIBE).error_shapes

    found = await assert_alike(missing, b'{"__type": "ResourceNotFound", "Message": "no such job"}', 400)

    assert dict(found) == {"Message": (str, "'no such job'")}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"renamed": "a", "Renamed": "b"}, id="name-on-the-wire"),
        pytest.param({"Anything": {"deep": [1, {"er": None}]}}, id="document"),
        pytest.param({"Anything": [1]}, id="document-that-is-a-list"),
        pytest.param({"Documents": [{"a": 1}, None, 7]}, id="list-of-documents"),
        pytest.param({"OneOf": {"B": 1.5}}, id="union"),
        pytest.param({"OneOf": {"C": 1}}, id="union-of-an-unknown-member"),
        pytest.param({"OneOf": {"A": "a", "B": 1}}, id="union-of-two"),
        pytest.param({"OneOf": []}, id="union-that-is-a-list"),
        pytest.param({"Bytes": "YWJj"}, id="blob"),
        pytest.param({"Bytes": "a"}, id="broken-blob"),
        pytest.param({"Inside": {"Inside": {"renamed": "a", "Bytes": "YQ=="}}}, id="shape-within-itself"),
        pytest.param({"Nothing": {"a": 1}}, id="no-members"),
        pytest.param({"Nothing": []}, id="no-members-and-a-list"),
        pytest.param({"ByName": {"a": {"renamed": "b"}, "c": None}}, id="map"),
        pytest.param({"ByName": ["a"]}, id="map-that-is-a-list"),
        pytest.param({"Grid": [[1, None], None, []]}, id="list-of-lists"),
        pytest.param({"Grid": [[1, [2]]]}, id="list-too-deep"),
    ],
)
async def test_what_other_services_would_answer_is_the_same(answer: dict[str, Any]) -> None:
    await assert_alike(peculiar(), json.dumps(answer).encode())


@pytest.fixture(params=["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The local time zone of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


async def test_times_are_the_same_instants_in_utc_whatever_the_local_zone(zone: str) -> None:
    # Every half hour of the days when summer time begins and ends, with the microseconds that a float has.
    begins = datetime(2026, 3, 29, tzinfo=UTC).timestamp() + 0.123457
    ends = datetime(2026, 10, 25, tzinfo=UTC).timestamp() + 0.999_999_5
    seconds = [day + half_hour * 1800 for day in (begins, ends) for half_hour in range(48)]
    body = json.dumps({"HyperParameterTuningJobSummaries": [{"CreationTime": each} for each in seconds]}).encode()

    await assert_alike(output(Operation.LIST), body)

    response = {"status_code": 200, "headers": {}, "body": body}
    answer = await OURS.create_parser("json").parse(response, output(Operation.LIST))
    times = [row["CreationTime"] for row in answer["HyperParameterTuningJobSummaries"]]
    assert [each.tzinfo for each in times] == [UTC] * len(seconds)
    assert [each.timestamp() for each in times] == pytest.approx(seconds, abs=1e-6)


async def test_times_in_what_botocore_reads_itself_are_in_utc_too() -> None:
    response = {"status_code": 200, "headers": {}, "body": b'{"OneOf": {"B": 0}}'}

    answer = await OURS.create_parser("json").parse(response, peculiar())

    assert answer["OneOf"]["B"].tzinfo is UTC


@pytest.mark.parametrize("protocol", sorted(PROTOCOL_PARSERS.keys() - {"json"}))
def test_other_protocols_keep_botocores_parser(protocol: str) -> None:
    assert type(OURS.create_parser(protocol)) is type(BOTOCORES.create_parser(protocol))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(
            b"<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><GetCallerIdentityResult>"
            b"<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            200,
            id="answer",
        ),
        pytest.param(b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", 403, id="error"),
        pytest.param(b"{}", 200, id="json"),
    ],
)
async def test_sts_answers_as_ever(body: bytes, status: int) -> None:
    sts = model("sts")

    await assert_alike(sts.operation_model(Operation.CALLER.value).output_shape, body, status, sts.resolved_protocol)


async def test_shapes_are_forgotten_with_their_client() -> None:
    shape = peculiar()
    await outcome(OURS.create_parser("json"), shape, b'{"Inside": {"Bytes": "YQ=="}, "OneOf": {"A": "a"}}')
    known = weakref.ref(shape)

    del shape
    gc.collect()

    assert known() is None
