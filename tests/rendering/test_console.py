"""The console shows plain lines, whatever a message is made of."""

import unicodedata

from hypothesis import HealthCheck, given, settings

from notifier.model import Batch, Status
from notifier.rendering import tell
from notifier.rendering.console import lines
from tests.examples import best, ended, new_best, tuning_job
from tests.rendering.hostile import batches


@given(batches())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_text_can_steer_a_terminal(batch: Batch) -> None:
    told = lines(tell(batch))

    assert told[0].strip()
    for each in told:
        assert not {unicodedata.category(sign) for sign in each if sign not in "\u200c\u200d"} & {"Cc", "Cf", "Cs"}
    assert sum(map(len, told)) < 12_000


def test_a_new_best_is_a_headline_and_what_belongs_to_it() -> None:
    story = tell(Batch((new_best(best(2, 0.9, eta="0.25"), best(1, 0.8, eta="0.3")),)))

    console = "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1"
    assert lines(story) == [
        "xgb-churn: new best 0.9",
        "  up 0.1 (12 %) from the previous best",
        "  validation:auc, higher is better",
        "  ██▒░░░░░░░ 4 of 20 trials · 2 running · 1 h so far",
        "  eta: 0.3 → 0.25",
        "  us-east-1 · 111122223333 · 31 Jan 12:00 UTC",
        f"  Tuning job: {console}#/hyper-tuning-jobs/xgb-churn",
        f"  Best training job: {console}#/jobs/xgb-002",
    ]


def test_a_failure_reason_keeps_its_lines() -> None:
    story = tell(Batch((ended(tuning_job(failure_reason="one\ntwo"), Status.FAILED),)))

    assert lines(story)[1:3] == ["  | one", "  | two"]


def test_a_digest_lists_its_jobs() -> None:
    story = tell(Batch((ended(tuning_job("a")), ended(tuning_job("b")))))

    assert lines(story)[1:3] == ["  - a: completed", "  - b: completed"]
