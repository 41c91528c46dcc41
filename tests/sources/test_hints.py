"""What messages of the queue come to: a hint, nothing of ours, or what is wrong with them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Hint
from notifier.sources.hints import SETTLE_SECONDS, TRAINING, TUNING, read_hint
from notifier.sources.members import Unreadable
from tests.examples import ACCOUNT, REGION, sample

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job"
names = st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,31}", fullmatch=True)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def event(kind: str = TUNING, **members: Any) -> dict[str, Any]:
    """An event of EventBridge, as far as it is read."""
    detail = {"HyperParameterTuningJobName": "xgb-Churn", "TuningJobArn": f"{ARN}/xgb-churn"}
    whole = {"detail-type": kind, "source": "aws.sagemaker", "account": ACCOUNT, "region": REGION, "detail": detail}
    return whole | members


def wrapped(body: str) -> str:
    """The same message as SNS sends it on."""
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x", "Message": body})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param(
            "event_docs_hpo.json",
            Hint("123456789012", "us-east-1", "016bffd3-6d71-4d3a-9710-0a332b2759fc"),
            id="a-tuning-job",
        ),
        pytest.param("event_docs_training.json", None, id="a-training-job-of-no-tuning-job"),
        pytest.param(
            "event_real_trimmed_mlspace_training.json",
            Hint("123456789000", "us-east-1", "LatestFun-hpoxgb-20231004", SETTLE_SECONDS),
            id="a-training-job-of-a-tuning-job",
        ),
    ],
)
def test_recorded_events_say_which_job_to_look_at(name: str, hint: Hint | None) -> None:
    body = json.dumps(sample(name))

    assert read_hint(body) == hint
    assert read_hint(wrapped(body)) == hint


def test_the_detail_of_a_recorded_event_is_read_whatever_its_counters_and_its_best_say() -> None:
    detail = sample("event_detail_real_stepfunctions_mldemo-dev-15853298627792.json")

    hint = read_hint(json.dumps(event(detail=detail)))

    assert hint == Hint(ACCOUNT, REGION, "mldemo-dev-15853298627792")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"detail-type": "SageMaker Model State Change"}, id="another-event-of-sagemaker"),
        pytest.param({"source": "my.own"}, id="an-event-that-only-looks-like-it"),
        pytest.param({"detail-type": TRAINING, "detail": {"TuningJobArn": None}}, id="a-lone-training-job"),
        pytest.param({"detail-type": TRAINING, "detail": {}}, id="an-old-training-job-event"),
    ],
)
def test_what_is_about_no_tuning_job_is_nothing_of_ours(changes: dict[str, Any]) -> None:
    assert read_hint(json.dumps(event(**changes))) is None
    assert read_hint(wrapped(json.dumps(event(**changes)))) is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param("hello", "it is not JSON", id="text"),
        pytest.param("", "it is not JSON", id="nothing"),
        pytest.param("[" * 100_000, "it is not JSON", id="brackets-without-end"),
        pytest.param("[1]", "it is no event of EventBridge", id="a-list"),
        pytest.param('{"Records": []}', "detail-type is missing", id="another-service"),
        pytest.param('{"Type": "SubscriptionConfirmation"}', "detail-type is missing", id="sns-asks"),
        pytest.param('{"Type": "Notification"}', "Message is missing", id="sns-with-nothing"),
        pytest.param(wrapped("ALARM!"), "it is not JSON", id="text-from-sns"),
        pytest.param(json.dumps(event(detail=None)), "detail is missing", id="no-detail"),
        pytest.param(json.dumps(event(detail=[])), "detail is no structure", id="a-list-as-detail"),
        pytest.param(json.dumps(event(detail={})), "HyperParameterTuningJobName is missing", id="no-name"),
        pytest.param(
            json.dumps(event(detail={"HyperParameterTuningJobName": "a\x1b[2Jb"})),
            "the tuning job's name is none",
            id="a-hostile-name",
        ),
        pytest.param(
            json.dumps(event(detail={"HyperParameterTuningJobName": "x" * 65})),
            "the tuning job's name is none",
            id="a-name-without-end",
        ),
        pytest.param(json.dumps(event(account="12345678901")), "account is none", id="eleven-digits"),
        pytest.param(json.dumps(event(account=111122223333)), "account is no text", id="a-number"),
        pytest.param(json.dumps(event(region="mars")), "region is none", id="no-region"),
        pytest.param(
            json.dumps(event(TRAINING, detail={"TuningJobArn": "xgb"})),
            "TuningJobArn is not the ARN of a tuning job",
            id="no-arn",
        ),
    ],
)
def test_a_malformed_message_says_what_is_wrong_and_nothing_of_itself(body: str, wrong: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_hint(body)

    assert str(caught.value) == wrong


@given(name=names, training=st.booleans(), sns=st.booleans())
def test_every_name_is_found_in_every_kind_of_event(name: str, training: bool, sns: bool) -> None:
    detail = {"TuningJobArn": f"{ARN}/{name.lower()}"} if training else {"HyperParameterTuningJobName": name}
    body = json.dumps(event(TRAINING if training else TUNING, detail=detail))

    hint = read_hint(wrapped(body) if sns else body)

    assert hint is not None
    assert hint.key == (ACCOUNT, REGION, name.lower())


@given(
    members=st.dictionaries(
        st.sampled_from(["detail-type", "source", "account", "region", "detail", "Type"]), anything
    ),
    cut=st.integers(min_value=0, max_value=60),
)
def test_whatever_comes_is_a_hint_or_nothing_or_unreadable(members: dict[str, Any], cut: int) -> None:
    for body in (json.dumps(event(**members)), json.dumps(event())[:cut], wrapped(json.dumps(members))):
        try:
            hint = read_hint(body)
        except Unreadable:
            continue
        assert hint is None or hint.account_id.isdigit()
