"""What a message says, whatever destination it goes to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.model import (
    Batch,
    BestTrainingJob,
    Completion,
    ComputeHours,
    Event,
    EventType,
    Metric,
    Notice,
    NoticeType,
    ParameterRange,
    ResourceLimits,
    Status,
    TrialCounts,
)
from notifier.rendering import DIGEST_JOBS, Story, tell
from notifier.rendering.story import Parameter, Row, Tone, Trials
from tests.examples import NOON, best, ended, new_best, started, tuning_job

FIRST = best(1, 0.8766, eta="0.5", max_depth="8")
SECOND = best(7, 0.8888900279998779, eta="0.455118", max_depth="2.0")
THIRD = best(45, 0.8907399773597717, eta="0.44398234513742507", max_depth="2", optimizer='"sgd"')


def improved(current: BestTrainingJob, previous: BestTrainingJob | None, first: float) -> Event:
    event = new_best(current, previous)
    assert event.best
    return replace(event, best=replace(event.best, first_value=first))


def told(*events: Event | Notice, repeated: bool = False) -> Story:
    return tell(Batch(events, repeated))


def test_a_new_best_says_how_far_it_came_and_what_changed() -> None:
    story = told(improved(THIRD, SECOND, 0.8766))

    assert story.tone is Tone.BETTER
    assert story.headline == "xgb-churn: new best 0.8907"
    assert story.lines == (
        "up 0.00185 (0.21 %) from the previous best, up 0.0141 (1.6 %) from the first",
        "validation:auc, higher is better",
    )
    assert story.parameters == (
        Parameter("eta", "0.4551 → 0.444", changed=True),
        Parameter("max_depth", "2"),
        Parameter("optimizer", "sgd (new)", changed=True),
    )
    assert story.progress == "██▒░░░░░░░ 4 of 20 trials · 2 running · 1 h so far"
    assert [(link.label, link.url.rpartition("#")[2]) for link in story.links] == [
        ("Tuning job", "/hyper-tuning-jobs/xgb-churn"),
        ("Best training job", "/jobs/xgb-045"),
    ]
    assert story.place == ("us-east-1", "111122223333", "31 Jan 12:00 UTC")
    assert not story.alarming


def test_the_first_best_compares_with_nothing() -> None:
    story = told(improved(FIRST, None, 0.8766))

    assert story.headline == "xgb-churn: new best 0.8766"
    assert story.lines == ("validation:auc, higher is better",)
    assert not any(each.changed for each in story.parameters)


def test_values_too_close_for_few_digits_get_more() -> None:
    story = told(improved(best(2, 0.994541), best(1, 0.994539), 0.994539))

    assert story.headline == "xgb-churn: new best 0.994541"


def test_a_best_without_a_value_is_told_without_one() -> None:
    assert told(new_best(best(2, None), best(1, 0.9))).headline == "xgb-churn: new best"


def test_folded_new_bests_are_one_step_from_the_leader_before_them() -> None:
    story = told(improved(SECOND, FIRST, 0.8766), improved(THIRD, SECOND, 0.8766))

    assert story.headline == "xgb-churn: new best 0.8907"
    assert story.lines[0] == "up 0.0141 (1.6 %) from the previous best"
    assert "2 new bests since the last message" in story.lines
    assert Parameter("eta", "0.5 → 0.444", changed=True) in story.parameters


def test_a_final_status_takes_pending_bests_with_it() -> None:
    final = ended(tuning_job(best=THIRD, counts=TrialCounts(completed=20)))
    story = told(improved(SECOND, FIRST, 0.8766), improved(THIRD, SECOND, 0.8766), final)

    assert story.tone is Tone.GOOD
    assert story.headline == "xgb-churn: completed, best 0.8907"
    assert story.lines[0] == "up 0.0141 (1.6 %) from the previous best"
    assert "2 new bests since the last message" in story.lines
    assert story.progress == "██████████ 20 of 20 trials · took 1 h"


def test_a_failed_job_quotes_its_reason_and_is_alarming() -> None:
    story = told(ended(tuning_job(failure_reason="AlgorithmError: <b>\r\nexit code 1\x00"), Status.FAILED))

    assert story.headline == "xgb-churn: failed"
    assert story.quote == "AlgorithmError: <b>\nexit code 1"
    assert story.alarming
    assert story.lines == ()


@pytest.mark.parametrize(
    ("status", "headline", "tone"),
    [
        pytest.param("Stopping", "xgb-churn: stopping, best so far 0.9", Tone.CALM, id="stopping"),
        pytest.param("Stopped", "xgb-churn: stopped, best 0.9", Tone.CALM, id="stopped"),
        pytest.param("Deleting", "xgb-churn: being deleted, best 0.9", Tone.GONE, id="deleting"),
        pytest.param("DeleteFailed", "xgb-churn: could not be deleted, best 0.9", Tone.TROUBLE, id="delete-failed"),
        pytest.param("Paused", "xgb-churn: now Paused, best so far 0.9", Tone.NEWS, id="unknown"),
    ],
)
def test_every_status_has_its_words(status: str, headline: str, tone: Tone) -> None:
    story = told(ended(tuning_job(best=best()), status))

    assert (story.headline, story.tone, story.alarming) == (headline, tone, False)


def test_a_start_says_what_will_be_searched_and_how() -> None:
    job = tuning_job(
        counts=TrialCounts(),
        created_at=NOON,
        limits=ResourceLimits(20, 2, 86400),
        parameter_ranges=(
            ParameterRange("eta", "Continuous", (), "0.05", "0.5"),
            ParameterRange("optimizer", "Categorical", ('"sgd"', '"adam"')),
        ),
    )
    story = told(started(job))

    assert story.headline == "xgb-churn: started"
    assert story.lines == ("validation:auc, higher is better",)
    assert story.progress == "░░░░░░░░░░ 0 of 20 trials · Bayesian search · 2 at a time · at most 1 d"
    assert [str(each) for each in story.parameters] == ["eta: 0.05 … 0.5", "optimizer: sgd, adam"]


def test_a_deletion_tells_what_was_last_known() -> None:
    job = tuning_job(best=best())
    story = told(Event("id", EventType.DELETED, NOON, job))

    assert (story.headline, story.tone) == ("xgb-churn: deleted, best 0.9", Tone.GONE)
    assert "last known status: in progress" in story.lines


def test_a_failure_folded_under_a_later_event_is_still_told() -> None:
    failure = ended(status=Status.FAILED)
    story = told(failure, Event("id", EventType.DELETED, NOON, failure.job))

    assert story.alarming
    assert "failed before that" in story.lines


def test_more_is_told_where_it_is_known() -> None:
    job = tuning_job(
        best=best(3, 0.9),
        overall_best=replace(best(1, 0.95), training_job_name="parent-001"),
        compute_hours=ComputeHours(1.3, 0.2),
        completion=Completion(not_improving=12, converged_at=NOON),
    )
    story = told(ended(job))

    assert "best with its parent jobs: 0.95" in story.lines
    assert story.facts == ("took 1 h", "1 h 30 min of compute", "converged", "12 trials without improvement")


def test_a_message_that_may_come_twice_says_so() -> None:
    assert told(ended(), repeated=True).progress.endswith("(may be repeated)")
    assert "repeated" not in told(ended()).progress


def test_a_partition_without_a_console_has_no_links() -> None:
    assert told(ended(tuning_job(region="us-iso-east-1"))).links == ()


def test_a_name_cannot_leave_the_address_of_its_link() -> None:
    story = told(ended(tuning_job(name="a|b> <!channel>\ud800\n")))

    assert story.links[0].url.endswith("#/hyper-tuning-jobs/a%7Cb%3E%20%3C%21channel%3E?%0A")


@pytest.mark.parametrize(
    ("trials", "bar"),
    [
        pytest.param(Trials(4, 0, 0, 2, 20), "██▒░░░░░░░", id="running"),
        pytest.param(Trials(20, 0, 0, 0, 20), "██████████", id="full"),
        pytest.param(Trials(199, 0, 0, 0, 200), "█████████░", id="nearly-full-is-not-full"),
        pytest.param(Trials(20, 1, 0, 0, 20), "█████████×", id="a-retried-trial-more-than-the-maximum"),
        pytest.param(Trials(2, 4, 4, 0, 10), "██××××××××", id="failed-and-stopped"),
        pytest.param(Trials(0, 0, 0, 0, 10), "░░░░░░░░░░", id="nothing-yet"),
        pytest.param(Trials(3, 0, 0, 0, None), "", id="no-maximum"),
    ],
)
def test_the_bar_shows_what_is_done_lost_running_and_left(trials: Trials, bar: str) -> None:
    assert trials.bar() == bar


def test_trials_without_a_maximum_are_counted() -> None:
    assert Trials(3, 1, 0, 2, None).words == ("3 trials", "1 failed", "2 running")


def test_hyperparameters_that_changed_are_shown_before_others_when_not_all_can_be() -> None:
    many = tuple(Parameter(f"p{number}", "1", changed=number >= 8) for number in range(10))

    shown, hidden = Story(Tone.BETTER, "x", parameters=many).shown(4)

    assert [each.name for each in shown] == ["p0", "p1", "p8", "p9"]
    assert hidden == 6


def test_a_digest_names_every_job_and_first_what_ended_then_what_has_a_new_best() -> None:
    failure = tuning_job("broken", failure_reason="AlgorithmError:\nexit 1")
    story = told(
        ended(tuning_job("good", best=best())),
        started(tuning_job("fresh")),
        improved(SECOND, FIRST, 0.8766),
        ended(failure, Status.FAILED),
        ended(tuning_job("stopped"), Status.STOPPED),
    )

    assert story.headline == "3 tuning jobs ended: 1 failed, 1 completed, 1 stopped"
    assert [row.text for row in story.rows] == [
        "broken: failed, AlgorithmError: exit 1",
        "good: completed, best 0.9 validation:auc",
        "stopped: stopped",
        "xgb-churn: new best 0.8889 validation:auc",
        "fresh: started",
    ]
    assert story.facts == ()
    assert (story.tone, story.alarming) == (Tone.BAD, True)
    assert story.place == ("up to 31 Jan 12:00 UTC",)


def test_a_digest_gives_an_ending_with_the_best_that_came_before_it() -> None:
    story = told(improved(SECOND, FIRST, 0.8766), ended(tuning_job(best=SECOND)), ended(tuning_job("other")))

    assert story.rows[0].text == "xgb-churn: completed, best 0.8889 validation:auc"


def test_a_digest_gives_the_first_sentence_of_a_reason() -> None:
    reason = "No training job succeeded after 5 attempts. Please take a look at the training job failures."
    story = told(ended(tuning_job("a", failure_reason=reason), Status.FAILED), ended(tuning_job("b")))

    assert story.rows[0].text == "a: failed, No training job succeeded after 5 attempts"


def test_endings_come_before_new_bests_where_not_all_can_be_shown() -> None:
    bests = [new_best(SECOND, FIRST, tuning_job(f"best-{number}")) for number in range(3)]
    story = told(*bests, *(ended(tuning_job(f"job-{number}")) for number in range(DIGEST_JOBS)))

    assert all(row.text.startswith("job-") for row in story.rows)
    assert "+3 more" in story.facts


def test_a_digest_without_an_ending_is_news() -> None:
    story = told(started(tuning_job("a")), started(tuning_job("b")))

    assert (story.headline, story.tone) == ("News of 2 tuning jobs: 2 started", Tone.NEWS)
    assert story.rows == (Row(Tone.STARTED, "a: started"), Row(Tone.STARTED, "b: started"))


def test_a_digest_never_shows_more_jobs_than_fit() -> None:
    story = told(*(ended(tuning_job(f"job-{number}")) for number in range(DIGEST_JOBS + 3)))

    assert len(story.rows) == DIGEST_JOBS
    assert "+3 more" in story.facts


def notice(kind: NoticeType = NoticeType.WATCHING, title: str = "Watching 3 tuning jobs", *lines: str) -> Notice:
    return Notice("n", kind, NOON + timedelta(minutes=5), title, lines)


@pytest.mark.parametrize(
    ("kind", "tone"),
    [
        pytest.param(NoticeType.WATCHING, Tone.NEWS, id="news"),
        pytest.param(NoticeType.SCOPE_BLIND, Tone.TROUBLE, id="trouble"),
        pytest.param(NoticeType.DESTINATION_RECOVERED, Tone.GOOD, id="over"),
    ],
)
def test_a_notice_speaks_in_its_own_words(kind: NoticeType, tone: Tone) -> None:
    story = told(notice(kind, "Watching 3 tuning jobs", "one\nline", "another"))

    assert (story.tone, story.headline, story.lines) == (tone, "Watching 3 tuning jobs", ("one line", "another"))


def test_notices_among_jobs_are_rows_of_the_digest() -> None:
    story = told(ended(), notice(NoticeType.SCOPE_BLIND, "Cannot see us-east-1"))

    assert [row.text for row in story.rows] == ["Cannot see us-east-1", "xgb-churn: completed"]
    assert told(notice(NoticeType.WATCHING), notice(NoticeType.CAUGHT_UP)).headline == "2 notices"


@pytest.mark.parametrize(
    ("scopes", "headline"),
    [
        pytest.param(["1/us-east-1/h", "1/eu-west-1/h"], "Watching tuning jobs in 2 regions", id="one-account"),
        pytest.param(
            ["1/us-east-1/h", "1/eu-west-1/h", "2/us-east-1/h"],
            "Watching tuning jobs in 3 regions of 2 accounts",
            id="several-accounts",
        ),
    ],
)
def test_a_word_on_each_of_many_scopes_makes_one_message(scopes: list[str], headline: str) -> None:
    said = [replace(notice(NoticeType.WATCHING, f"Watching {scope}"), scope=scope) for scope in scopes]

    story = told(*said)

    assert (story.headline, [row.text for row in story.rows]) == (headline, [f"Watching {scope}" for scope in scopes])


def test_a_trial_of_another_metric_is_told_by_its_own() -> None:
    job = tuning_job(best=BestTrainingJob("t", metric=Metric("loss", 0.2)), objective_metric=None, direction=None)

    assert told(ended(job)).lines == ("loss",)
