"""Slack's limits hold, and nobody is mentioned who was not meant to be, whatever a message is made of."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from notifier.model import Batch, Event, Notice, NoticeType, Status
from notifier.rendering import DIGEST_JOBS, slack, tell
from tests.examples import NOON, best, ended, new_best, started, tuning_job
from tests.rendering.hostile import batches
from tests.rendering.recorded import DESCRIBED, RUNS, described, run, told_of

OURS = re.compile(r"<!here> please have a look\.|(<https://[^<>|\s]+\|(Tuning job|Best training job)>( · )?)+")
"""Everything that may stand where Slack reads markup."""


def check(batch: Batch) -> dict[str, Any]:
    """The payload, after all that must hold for any."""
    story = tell(batch)
    payload, plain = slack.message(story, "here"), slack.plain_message(story, "here")
    for each in (payload, plain):
        json.dumps(each, ensure_ascii=False, allow_nan=False).encode()
        assert 0 < len(each["text"]) <= 4000
        assert re.findall(r"<[^>]*>", each["text"]) in ([], ["<!here>"])
        assert ("<!here>" in each["text"]) <= story.alarming
        assert not {"channel", "username", "icon_emoji", "icon_url", "link_names"} & each.keys()
    blocks = payload["blocks"]
    assert 1 <= len(blocks) <= 50
    assert sum(len(text) for _, text in texts(blocks)) <= 10_000
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 13_200
    for block in blocks:
        check_block(block)
    for kind, text in texts(blocks):
        assert text.strip()
        assert kind != "mrkdwn" or OURS.fullmatch(text.replace("&amp;", "&"))
    called = any(text.startswith("<!here>") for kind, text in texts(blocks) if kind == "mrkdwn")
    assert called == story.alarming
    return payload


def check_block(block: dict[str, Any]) -> None:
    match block["type"]:
        case "header":
            assert block["text"]["type"] == "plain_text"
            assert len(block["text"]["text"]) <= 150
        case "section" if "fields" in block:
            assert len(block["fields"]) <= 10
            assert all(len(field["text"]) <= 2000 for field in block["fields"])
        case "section":
            assert len(block["text"]["text"]) <= 3000
        case "context":
            assert 1 <= len(block["elements"]) <= 10
        case "rich_text":
            assert [each["type"] for each in block["elements"]] == ["rich_text_preformatted"]
        case other:
            pytest.fail(f"a block that nobody expects: {other}")


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text of a payload, with what Slack takes it for."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            assert value["type"] in {"plain_text", "mrkdwn", "text"}
            assert value["type"] != "plain_text" or value["emoji"] is False
            yield value["type"], value["text"]
        else:
            yield from (each for part in value.values() for each in texts(part))
    elif isinstance(value, list):
        yield from (each for part in value for each in texts(part))


@given(batches())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_stays_text_within_the_limits(batch: Batch) -> None:
    check(batch)


@pytest.mark.parametrize("name", RUNS)
def test_every_recorded_run_makes_messages_within_the_limits(name: str) -> None:
    events = run(name)

    for each in events:
        check(Batch((each,)))
    check(Batch(tuple(events)))


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_recorded_answer_makes_a_message_within_the_limits(name: str) -> None:
    job = described(name)

    payload = check(Batch((told_of(job),)))

    assert job.name in payload["blocks"][0]["text"]["text"]


def test_the_longest_digest_fits() -> None:
    reason = "<!channel> & " * 800
    events: list[Event | Notice] = [
        ended(tuning_job(f"{'x' * 60}{number}", best=best(), failure_reason=reason), Status.FAILED)
        for number in range(DIGEST_JOBS)
    ]

    payload = check(Batch(tuple(events)))

    told = "".join(text for _, text in texts(payload["blocks"]))
    assert all(f"{'x' * 60}{number}: failed" in told for number in range(DIGEST_JOBS))


def test_hundreds_of_hyperparameters_are_cut_to_ten_fields_that_count_the_rest() -> None:
    many = {f"parameter_{number:03d}": str(number) for number in range(300)}
    payload = check(Batch((new_best(best(1, 0.9, **many)),)))

    (fields,) = [block["fields"] for block in payload["blocks"] if "fields" in block]
    assert len(fields) == 10
    assert fields[-1]["text"] == "+291 more"


def test_ten_hyperparameters_are_all_shown() -> None:
    payload = check(Batch((new_best(best(1, 0.9, **{f"p{number}": "1" for number in range(10)})),)))

    (fields,) = [block["fields"] for block in payload["blocks"] if "fields" in block]
    assert [field["text"] for field in fields] == [f"p{number}: 1" for number in range(10)]


def test_a_new_best_reads_from_what_happened_to_where_to_look() -> None:
    payload = check(Batch((new_best(best(2, 0.9, eta="0.25"), best(1, 0.8, eta="0.3")),)))

    assert payload["text"] == "🏆 xgb-churn: new best 0.9 · up 0.1 (12 %) from the previous best"
    header, lines, progress, fields, copyable, footer = payload["blocks"]
    assert header["text"]["text"] == "🏆 xgb-churn: new best 0.9"
    assert lines["text"]["text"].splitlines()[0] == "up 0.1 (12 %) from the previous best"
    assert progress["elements"][0]["text"].startswith("██▒░")
    assert [field["text"] for field in fields["fields"]] == ["eta: 0.3 → 0.25"]
    assert [text for _, text in texts(copyable)] == ['{"eta": 0.25}']
    assert [each["type"] for each in footer["elements"]] == ["mrkdwn", "plain_text"]


@pytest.mark.parametrize(
    ("who", "markup"),
    [
        pytest.param("", "", id="nobody"),
        pytest.param("here", "<!here>", id="here"),
        pytest.param("channel", "<!channel>", id="channel"),
        pytest.param("U012ABCDEF", "<@U012ABCDEF>", id="user"),
        pytest.param("W012ABCDEF", "<@W012ABCDEF>", id="enterprise-user"),
        pytest.param("S012ABCDEF", "<!subteam^S012ABCDEF>", id="group"),
    ],
)
def test_only_who_is_set_is_mentioned_when_a_job_failed(who: str, markup: str) -> None:
    failed, fine = tell(Batch((ended(status=Status.FAILED),))), tell(Batch((started(),)))

    assert slack.mention_markup(who) == markup
    assert (markup in json.dumps(slack.message(failed, who))) and slack.plain_message(failed, who)["text"].startswith(
        markup
    )
    assert "please have a look" not in json.dumps(slack.message(fine, who))
    assert not who or markup not in slack.plain_message(fine, who)["text"]


@pytest.mark.parametrize("who", ["everybody", "@here", "<!here>", "u012", "U012 here", "here\n"])
def test_who_cannot_be_mentioned_is_refused(who: str) -> None:
    with pytest.raises(ValueError, match="write here, channel, a user id"):
        slack.mention_markup(who)


def test_a_line_of_which_nothing_is_left_makes_no_empty_block() -> None:
    notice = Notice("n", NoticeType.WATCHING, NOON, "Watching", ("\ud800", "\x00"))

    check(Batch((notice,)))


def test_the_notification_of_a_failure_says_why() -> None:
    reason = "No training job succeeded after 5 attempts.\nTraceback <!channel>"
    payload = check(Batch((ended(tuning_job(best=best(), failure_reason=reason), Status.FAILED),)))

    assert payload["text"] == "❌ xgb-churn: failed, best 0.9 · No training job succeeded after 5 attempts."


def test_slack_reads_no_markup_in_the_text_of_a_notification() -> None:
    # Nothing else keeps `*`, `_` and backticks of AWS's text from being read as markup there.
    payload = check(Batch((ended(tuning_job(failure_reason="*bold* `code`"), Status.FAILED),)))

    assert payload["mrkdwn"] is slack.plain_message(tell(Batch((started(),))))["mrkdwn"] is False
    assert payload["unfurl_links"] is payload["unfurl_media"] is False


def test_a_field_is_cut_to_what_a_phone_shows_in_a_few_lines() -> None:
    payload = check(Batch((new_best(best(2, 0.9, **{"n" * 300: "1" * 300}), best(1, 0.8, other="1")),)))

    (fields,) = [block["fields"] for block in payload["blocks"] if "fields" in block]
    assert [len(field["text"]) for field in fields] == [160]
