"""What a card shows: how the job stands, and when it will be over."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from notifier.model import Batch, Event, Face, ResourceLimits, Status, TrialCounts, TuningJob
from notifier.rendering import slack
from notifier.rendering.card import card_story, expectation
from notifier.rendering.slack_chart import ChartBlock
from notifier.rendering.story import Chart
from notifier.simulator.slack_rules import refusal
from tests.examples import NOON, best, tuning_job
from tests.rendering.hostile import TEXT, batches
from tests.rendering.recorded import DESCRIBED, described
from tests.rendering.test_slack import check_block, texts


def payload_of(face: Face) -> dict[str, Any]:
    """The card as Slack gets it, after all that must hold for any."""
    story = card_story(face)
    payload, plain = slack.message(story), slack.plain_message(story)
    for each in (payload, plain):
        assert refusal(each) is None
        assert re.findall(r"<[^>]*>", each["text"]) == []
    for block in payload["blocks"]:
        check_block(block)
    assert sum(len(text) for _, text in texts(payload["blocks"])) <= 10_000
    return payload


@given(batches())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_job_makes_a_card_that_slack_takes_and_that_mentions_nobody(batch: Batch) -> None:
    for each in batch.events:
        if isinstance(each, Event):
            payload_of(Face(each.job, NOON))
            payload_of(Face(each.job, NOON, gone=True))


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_recorded_answer_makes_a_card(name: str) -> None:
    job = described(name)

    assert job.name in payload_of(Face(job, NOON))["blocks"][0]["text"]["text"]


def test_a_card_reads_from_how_the_job_stands_to_where_to_look() -> None:
    payload = payload_of(Face(tuning_job(best=best(2, 0.9, eta="0.25")), NOON))

    header, lines, progress, fields, footer = payload["blocks"]
    assert header["text"]["text"] == "⏳ xgb-churn: in progress, best so far 0.9"
    assert lines["text"]["text"].splitlines() == [
        "validation:auc, higher is better",
        "about 4 h to go, by the pace of 4 trials",
    ]
    assert progress["elements"][0]["text"] == "██▒░░░░░░░ 4 of 20 trials · 2 running · 1 h so far"
    assert [field["text"] for field in fields["fields"]] == ["eta: 0.25"]
    assert footer["elements"][-1]["text"] == "us-east-1 · 111122223333 · as of 31 Jan 12:00 UTC"


@pytest.mark.parametrize(
    ("job", "gone", "headline"),
    [
        pytest.param(tuning_job(), False, "⏳ xgb-churn: in progress", id="without-a-best"),
        pytest.param(tuning_job(status=Status.STOPPING), False, "⏹️ xgb-churn: stopping", id="stopping"),
        pytest.param(
            tuning_job(status=Status.COMPLETED, best=best()), False, "✅ xgb-churn: completed, best 0.9", id="completed"
        ),
        pytest.param(tuning_job(status=Status.FAILED), False, "❌ xgb-churn: failed", id="failed"),
        pytest.param(tuning_job(best=best()), True, "🗑️ xgb-churn: deleted, best 0.9", id="deleted"),
        pytest.param(tuning_job(status="Pausing"), False, "📋 xgb-churn: now Pausing", id="unheard-of"),
    ],
)
def test_the_headline_says_how_the_job_stands(job: TuningJob, gone: bool, headline: str) -> None:
    assert payload_of(Face(job, NOON, gone=gone))["blocks"][0]["text"]["text"] == headline


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "about 4 h to go, by the pace of 4 trials", id="by-the-pace"),
        pytest.param({"counts": TrialCounts(completed=2)}, "", id="too-few-trials-to-tell"),
        pytest.param({"limits": ResourceLimits()}, "", id="no-limit-at-all"),
        pytest.param({"counts": TrialCounts(completed=20)}, "", id="all-trials-are-over"),
        pytest.param({"counts": TrialCounts(completed=30)}, "", id="more-than-all"),
        pytest.param(
            {"limits": ResourceLimits(max_training_jobs=20, max_runtime_seconds=7200)},
            "about 1 h to go, by its limit of run time",
            id="run-time-comes-first",
        ),
        pytest.param(
            {"limits": ResourceLimits(max_training_jobs=20, max_runtime_seconds=864_000)},
            "about 4 h to go, by the pace of 4 trials",
            id="run-time-comes-last",
        ),
        pytest.param({"limits": ResourceLimits(max_runtime_seconds=60)}, "", id="run-time-is-over"),
    ],
)
def test_the_end_is_foretold_with_what_says_so(changes: dict[str, Any], expected: str) -> None:
    assert expectation(replace(tuning_job(), **changes), NOON) == expected


def test_a_job_that_has_just_begun_is_told_as_started_with_its_plan() -> None:
    payload = payload_of(Face(tuning_job(), NOON, began=True))

    assert payload["text"] == "🚀 xgb-churn: started · validation:auc, higher is better"
    assert "Bayesian search · 2 at a time · 1 h so far" in json.dumps(payload["blocks"], ensure_ascii=False)
    over = Face(tuning_job(status=Status.STOPPED, ended_at=NOON), NOON, began=True)
    assert payload_of(over)["blocks"][0]["text"]["text"] == "⏹️ xgb-churn: stopped"


def test_of_a_job_that_is_over_nothing_is_foretold() -> None:
    job = tuning_job(status=Status.STOPPED, ended_at=NOON)

    assert "to go" not in json.dumps(payload_of(Face(job, NOON + timedelta(days=1))))


@given(TEXT, TEXT, TEXT)
def test_a_chart_of_any_words_and_many_points_is_within_slacks_limits(title: str, x_label: str, y_label: str) -> None:
    points = tuple((f"{number} {y_label}", number / 7) for number in range(40))
    block = ChartBlock(Chart(title or "t", x_label, y_label or "y", points)).to_dict()

    assert refusal({"text": "chart", "blocks": [block]}) is None
    assert block["chart"]["series"][0]["data"][-1]["value"] == 39 / 7


def test_a_chart_comes_first_then_a_line_of_text_then_no_blocks() -> None:
    chart = Chart("best so far", "trials", "auc", (("1", 0.5), ("2", 0.75)))
    story = replace(card_story(Face(tuning_job(), NOON)), chart=chart, sparkline="▁█ 0.5 → 0.75", copyable='{"eta":1}')

    with_chart, with_line, plain = slack.messages(story)

    assert [block["type"] for block in with_chart["blocks"]].count("data_visualization") == 1
    assert "▁█" not in json.dumps(with_chart, ensure_ascii=False)
    assert "▁█ 0.5 → 0.75" in json.dumps(with_line, ensure_ascii=False)
    assert "blocks" not in plain
    assert refusal(with_chart) is refusal(with_line) is None
    assert any(text == '{"eta":1}' for _, text in texts(with_line["blocks"]))
