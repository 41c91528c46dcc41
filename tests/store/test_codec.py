"""What was stored is what comes out, whatever AWS wrote into it."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Completion, ComputeHours, Event, MetricDefinition, Notice, ParameterRange
from notifier.store.codec import decode_body, decode_record, encode_body, encode_record, plain
from tests.examples import NOON, best, ended, new_best, started, tuning_job
from tests.store.looks import notice

FULL = tuning_job(
    modified_at=NOON,
    directions={"xgb": "Minimize"},
    best=best(1, 0.1 + 0.2),
    metric_definitions=(MetricDefinition("auc", ".*auc=([0-9.]+)"),),
    parameter_ranges=(ParameterRange("eta", "Continuous", min_value="0", max_value="1"),),
    compute_hours=ComputeHours(1.5, None),
    completion=Completion(3, NOON),
)
# Every character there is, lone surrogates and controls among them.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(started(FULL), id="started"),
        pytest.param(ended(FULL, "Archived"), id="unknown-status"),
        pytest.param(new_best(best(2, None), best(1, 0.5), FULL), id="new-best"),
        pytest.param(notice(), id="notice"),
    ],
)
def test_a_body_comes_back_equal(body: Event | Notice) -> None:
    assert decode_body(encode_body(body)) == body


def test_times_come_back_in_utc() -> None:
    record = decode_record(encode_record(FULL))

    assert record is not None
    assert record.created_at.tzname() == "UTC"
    assert record.created_at.isoformat() == FULL.created_at.isoformat()


@given(ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_is_stored_and_only_lone_surrogates_change(
    text: str, parameters: dict[str, str], value: float
) -> None:
    leader = replace(best(1, value), hyperparameters=parameters)
    record = tuning_job(failure_reason=text, best=leader)

    stored = encode_record(record)

    stored.encode()
    assert "\x00" not in stored
    read = decode_record(stored)
    assert read is not None
    assert read.best is not None
    assert read.failure_reason == whole(text)
    assert [*read.best.hyperparameters.values()] == [whole(each) for each in parameters.values()]
    # In a name, pydantic writes three replacements for one.
    assert [squeezed(name) for name in read.best.hyperparameters] == [squeezed(whole(name)) for name in parameters]


@given(ANY_TEXT)
def test_plain_text_fits_a_column_of_any_database(text: str) -> None:
    kept = plain(text)

    kept.encode()
    assert "\x00" not in kept
    assert len(kept) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"type": "tuning_job.levitated"}', id="unknown-type"),
        pytest.param("{", id="torn"),
        pytest.param(json.dumps({"id": "1", "type": "notifier.sang", "time": "now", "title": ""}), id="unknown-notice"),
    ],
)
def test_a_body_of_another_version_is_not_read(text: str) -> None:
    assert decode_body(text) is None


def squeezed(text: str) -> str:
    """The text with one replacement for each run of them."""
    return re.sub("\N{REPLACEMENT CHARACTER}+", "\N{REPLACEMENT CHARACTER}", text)


def whole(text: str) -> str:
    """The text with a replacement for each lone surrogate."""
    return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else char for char in text)
