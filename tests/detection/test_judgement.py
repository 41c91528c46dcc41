"""What one look at a job changes, by what was known before it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.detection.judgement import (
    Sight,
    believe,
    best_unchanged,
    from_row,
    gone,
    judge,
    missing,
    row_alone,
    unanswered,
)
from notifier.detection.staleness import doubt, stale
from notifier.model import FINAL, BestTrainingJob, Remembered, Status, Summary, TrialCounts, TuningJob, rank
from tests.examples import ACCOUNT, NOON, REGION, best, tuning_job

SEEN = Sight(NOON)
BASELINE = Sight(NOON, silent=True)


def summary(job: TuningJob) -> Summary:
    return Summary(job.name, job.arn, job.status, job.created_at, ended_at=job.ended_at, counts=job.counts)


def remembered(job: TuningJob) -> Remembered:
    verdict = judge(None, None, job, None, BASELINE)
    assert verdict.remembered is not None
    return verdict.remembered


def words(job: TuningJob, memory: Remembered | None = None, before: TuningJob | None = None, **how: Sight) -> list[str]:
    return [each.type.word for each in judge(memory, before, job, None, how.get("sight", SEEN)).events]


def test_the_baseline_is_silent_and_remembers_the_best() -> None:
    verdict = judge(None, None, tuning_job(best=best(3, 0.8)), None, BASELINE)

    assert verdict.events == ()
    assert verdict.remembered is not None
    assert (verdict.remembered.best_name, verdict.remembered.first_value) == ("xgb-003", 0.8)


@pytest.mark.parametrize(
    ("status", "created", "expected"),
    [
        pytest.param("InProgress", -2, ["started"], id="an-old-job-unseen-so-far-is-in-progress"),
        pytest.param("Completed", -2, [], id="ended-and-older-than-the-last-sweep-is-history"),
        pytest.param("Completed", +2, ["status_changed"], id="born-and-ended-unseen"),
        pytest.param("Failed", +2, ["status_changed"], id="born-and-failed-unseen"),
    ],
)
def test_a_job_not_seen_before_is_told_by_its_age(status: str, created: int, expected: list[str]) -> None:
    previous_sweep = NOON.timestamp()
    job = tuning_job(status=status, created_at=NOON + timedelta(hours=created))

    assert words(job, sight=Sight(NOON, history_before=previous_sweep)) == expected


def test_a_describe_that_has_not_caught_up_with_its_row_changes_nothing() -> None:
    before = tuning_job()
    row = summary(tuning_job(status=Status.COMPLETED))

    verdict = judge(remembered(before), before, before, row, SEEN)

    assert verdict.remembered is None and verdict.events == ()


def test_a_describe_that_tells_another_ending_than_its_row_has_not_caught_up() -> None:
    before, row = tuning_job(), summary(tuning_job(status=Status.STOPPED))

    assert judge(remembered(before), before, tuning_job(status=Status.COMPLETED), row, SEEN).remembered is None
    assert judge(remembered(before), before, tuning_job(status=Status.DELETING), row, SEEN).remembered is not None


def test_a_new_job_whose_describe_failed_is_told_when_it_answers_though_it_ended_meanwhile() -> None:
    noted = unanswered(None, summary(tuning_job()), ACCOUNT, REGION, SEEN).remembered
    assert noted is not None and not noted.told and noted.unfinished

    assert words(tuning_job(best=best()), noted) == ["started", "new_best"]
    assert words(tuning_job(status=Status.FAILED), noted) == ["status_changed"]


def test_a_baseline_row_without_a_describe_tells_its_ending_but_no_best_of_unknown_age() -> None:
    noted = unanswered(None, summary(tuning_job()), ACCOUNT, REGION, BASELINE).remembered
    assert noted is not None and noted.told and not noted.described

    ended = tuning_job(status=Status.COMPLETED, best=best())
    verdict = judge(noted, None, ended, None, SEEN)

    assert [(each.type.word, each.status and each.status.before) for each in verdict.events] == [
        ("status_changed", "InProgress")
    ]
    assert verdict.remembered is not None and verdict.remembered.best_name == "xgb-001"


def test_a_newly_selected_job_starts_from_a_silent_baseline() -> None:
    left_out = row_alone(None, summary(tuning_job()), ACCOUNT, REGION, watched=False).remembered
    assert left_out is not None

    verdict = judge(left_out, None, tuning_job(status=Status.STOPPING, best=best()), None, SEEN)
    assert verdict.events == () and verdict.remembered is not None and verdict.remembered.watched

    after = judge(verdict.remembered, verdict.record, tuning_job(status=Status.STOPPED, best=best(2, 0.95)), None, SEEN)
    assert [each.type.word for each in after.events] == ["new_best", "status_changed"]


@pytest.mark.parametrize(
    ("was", "now", "older"),
    [
        pytest.param(("Stopping", 4), ("InProgress", 9), True, id="the-status-went-back"),
        pytest.param(("InProgress", 4), ("InProgress", 3), True, id="fewer-trials-are-done"),
        pytest.param(("InProgress", 4), ("InProgress", 4), False, id="nothing-new"),
        pytest.param(("InProgress", 4), ("Stopping", 3), False, id="further-on-with-fewer-done"),
        pytest.param(("Completed", 4), ("InProgress", 4), True, id="ended-stays-ended"),
        pytest.param(("Completed", 4), ("Failed", 5), True, id="an-ending-is-an-ending"),
        pytest.param(("Frozen", 4), ("Stopping", 4), True, id="the-unknown-stands-after-stopping"),
        pytest.param(("Frozen", 4), ("Completed", 4), False, id="and-before-the-ends"),
    ],
)
def test_an_older_answer_is_known_by_its_rank_and_trials(
    was: tuple[str, int], now: tuple[str, int], older: bool
) -> None:
    memory = remembered(tuning_job(status=was[0], counts=TrialCounts(completed=was[1])))
    answer = tuning_job(status=now[0], counts=TrialCounts(completed=now[1]))

    assert stale(memory, answer) is older
    verdict = judge(memory, None, answer, None, SEEN)
    assert verdict.stale is older and (verdict.remembered is None) is older


def test_other_counters_move_both_ways() -> None:
    memory = remembered(tuning_job(counts=TrialCounts(completed=4, in_progress=5, retryable_error=3)))

    assert not stale(memory, tuning_job(counts=TrialCounts(completed=4, in_progress=1, retryable_error=0)))


def test_three_agreeing_answers_over_two_minutes_are_believed_silently() -> None:
    memory = remembered(tuning_job(counts=TrialCounts(completed=9), best=best(9, 0.99)))
    answer = tuning_job(counts=TrialCounts(completed=3), best=best(3, 0.7))

    first = doubt(None, answer, 0.0)
    second = doubt(first, answer, 60.0)
    early = doubt(second, answer, 119.0)
    third = doubt(second, answer, 120.0)
    other = doubt(second, replace(answer, status=Status.STOPPING), 120.0)

    assert [each.believable(each.since + 0) for each in (first, second)] == [False, False]
    assert not second.believable(500.0)
    assert not early.believable(119.0) and third.believable(120.0) and not other.believable(500.0)
    verdict = believe(memory, answer, SEEN)
    assert verdict.events == () and verdict.remembered is not None
    assert (verdict.remembered.counts.completed, verdict.remembered.best_name) == (3, "xgb-003")


def test_an_ended_status_is_never_replaced() -> None:
    memory = remembered(tuning_job(status=Status.COMPLETED, counts=TrialCounts(completed=9)))

    verdict = believe(memory, tuning_job(counts=TrialCounts(completed=3)), SEEN)

    assert verdict.remembered is not None and verdict.remembered.status == Status.COMPLETED
    assert verdict.record is not None and verdict.record.status == Status.COMPLETED


def test_deleted_needs_two_misses_a_minute_apart() -> None:
    job = tuning_job()
    first = missing(remembered(job), job, SEEN)
    assert first is not None and first.remembered is not None and first.events == ()
    assert first.remembered.missing_since == NOON.timestamp()

    soon = missing(first.remembered, job, Sight(NOON + timedelta(seconds=59)))
    assert soon is not None and soon.events == () and soon.remembered is not None
    assert soon.remembered.missing_since == NOON.timestamp()

    later = missing(first.remembered, job, Sight(NOON + timedelta(seconds=60)))
    assert later is not None and [each.type.word for each in later.events] == ["deleted"]


def test_a_sighting_between_two_misses_begins_anew() -> None:
    job = tuning_job()
    first = missing(remembered(job), job, SEEN)
    assert first is not None and first.remembered is not None

    seen = judge(first.remembered, job, job, None, SEEN)

    assert seen.remembered is not None and seen.remembered.missing_since is None


def test_the_deletion_of_an_ended_job_is_silent() -> None:
    memory = replace(remembered(tuning_job(status=Status.COMPLETED)), missing_since=0.0)

    assert missing(memory, tuning_job(status=Status.COMPLETED), SEEN) is None


def test_a_deletion_tells_the_last_known_record() -> None:
    job = tuning_job(best=best())
    verdict = gone(remembered(job), job, SEEN)

    assert verdict.events[0].job == job and verdict.events[0].time == NOON


statuses = st.sampled_from([*Status, "Frozen"])


@st.composite
def answers(draw: st.DrawFn) -> TuningJob:
    number = draw(st.integers(0, 6))
    return tuning_job(
        status=draw(statuses),
        counts=TrialCounts(completed=draw(st.integers(0, 6)), in_progress=draw(st.integers(0, 3))),
        best=best(number, number / 10) if number else None,
    )


@given(st.lists(st.tuples(answers(), st.booleans()), max_size=25), st.booleans())
def test_whatever_is_answered_a_job_never_goes_backwards_and_nothing_is_told_twice(
    looks: list[tuple[TuningJob, bool]], baseline: bool
) -> None:
    memory: Remembered | None = None
    record: TuningJob | None = None
    ids: list[str] = []
    endings = 0
    for answer, crash in looks:
        sight = BASELINE if baseline and memory is None else SEEN
        verdict = judge(memory, record, answer, None, sight)
        ids += [each.id for each in verdict.events]
        endings += sum(each.status is not None and each.status.after in FINAL for each in verdict.events)
        if verdict.remembered is None or crash:
            continue  # A crash before the commit: the same is seen again.
        if memory is not None:
            assert rank(verdict.remembered.status) >= rank(memory.status)
            if memory.status == verdict.remembered.status:
                assert verdict.remembered.counts.terminal >= memory.counts.terminal
            if memory.status in FINAL and verdict.remembered.status in FINAL:
                assert verdict.remembered.status == memory.status
        memory, record = verdict.remembered, verdict.record

    if not any(crash for _, crash in looks):
        assert len(ids) == len(set(ids))
        assert endings <= 1


def test_memory_of_a_row_says_when_it_ended() -> None:
    ended = tuning_job(status=Status.COMPLETED, ended_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert from_row(ended, told=True).ended_at == datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("known", "answered", "unchanged"),
    [
        pytest.param(None, None, True, id="no-best-yet"),
        pytest.param(best(3, 0.8), best(3, 0.8), True, id="the-same"),
        pytest.param(best(3, 0.8), best(4, 0.9), False, id="another-leads"),
        pytest.param(None, best(1, 0.5), False, id="the-first"),
        pytest.param(best(3, 0.8), None, False, id="the-answer-has-none"),
        pytest.param(best(3, 0.8), best(3, None), False, id="its-value-is-gone"),
    ],
)
def test_the_last_record_is_needed_only_where_the_best_may_have_changed(
    known: BestTrainingJob | None, answered: BestTrainingJob | None, unchanged: bool
) -> None:
    assert best_unchanged(remembered(tuning_job(best=known)), tuning_job(best=answered)) is unchanged
