"""What is told of a change, and in which order."""

import operator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.detection.changes import detect, improved, keep_best
from notifier.model import BestTrainingJob, Direction, Event, EventType, Metric, Status, TuningJob
from tests.examples import NOON, best, tuning_job


def told(before: TuningJob | None, now: TuningJob) -> list[Event]:
    return list(detect(before, now, first_value=None, seen_at=NOON))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(None, "InProgress", ["started"], id="first-seen-in-progress"),
        pytest.param(None, "Stopping", ["started"], id="first-seen-stopping"),
        pytest.param(None, "Completed", ["status_changed"], id="first-seen-ended-has-no-start"),
        pytest.param(None, "Frozen", ["status_changed"], id="first-seen-in-a-status-nobody-knows"),
        pytest.param(None, "Deleting", [], id="first-seen-in-deletion"),
        pytest.param("InProgress", "InProgress", [], id="nothing-moved"),
        pytest.param("InProgress", "Stopping", ["status_changed"], id="being-stopped"),
        pytest.param("Stopping", "Stopped", ["status_changed"], id="stopped"),
        pytest.param("InProgress", "Frozen", ["status_changed"], id="a-status-nobody-knows"),
        pytest.param("Frozen", "Failed", ["status_changed"], id="failed-after-it"),
        pytest.param("Completed", "Deleting", [], id="the-deletion-of-an-ended-job-is-silent"),
        pytest.param("Failed", "DeleteFailed", [], id="so-is-its-failure"),
    ],
)
def test_tells_each_change_of_status_once(before: str | None, after: str, expected: list[str]) -> None:
    events = told(tuning_job(status=before) if before else None, tuning_job(status=after))

    assert [each.type.word for each in events] == expected
    for event in events:
        if event.status is not None:
            assert (event.status.before, event.status.after) == (before, after)


def test_tells_start_then_best_then_ending() -> None:
    running = told(None, tuning_job(best=best()))
    ended = told(tuning_job(), tuning_job(status=Status.COMPLETED, best=best()))

    assert [each.type.word for each in running] == ["started", "new_best"]
    assert [each.type.word for each in ended] == ["new_best", "status_changed"]


def test_takes_the_time_from_aws_where_it_is_known() -> None:
    earlier = NOON - timedelta(minutes=5)
    job = tuning_job(status=Status.COMPLETED, ended_at=earlier, best=replace(best(), ended_at=earlier))

    assert {each.time for each in told(tuning_job(), job)} == {earlier}
    assert told(tuning_job(), tuning_job(status=Status.STOPPING))[0].time == NOON


def test_the_id_depends_neither_on_what_was_known_before_nor_on_when_it_is_seen() -> None:
    ended = tuning_job(status=Status.STOPPED)
    ways = [told(tuning_job(), ended), told(tuning_job(status=Status.STOPPING), ended), told(None, ended)]
    again = list(detect(tuning_job(), replace(ended), first_value=0.5, seen_at=NOON + timedelta(days=1)))

    assert len({events[-1].id for events in [*ways, again]}) == 1


def test_an_id_is_the_same_in_every_version() -> None:
    job = tuning_job("xgb", status=Status.STOPPED, best=best(2, 0.5), created_at=NOON)
    key = f"111122223333/us-east-1/xgb/{NOON.timestamp():.0f}"
    hashed = [f"{key}\0tuning_job.new_best\0xgb-002", f"{key}\0tuning_job.status_changed\0Stopped"]

    assert [each.id for each in told(None, job)] == [sha256(each.encode()).hexdigest() for each in hashed]


def test_a_name_used_again_is_another_job_with_other_ids() -> None:
    again = tuning_job(created_at=NOON)

    assert told(None, tuning_job())[0].id != told(None, again)[0].id


@pytest.mark.parametrize(
    ("direction", "was", "now", "better"),
    [
        pytest.param("Maximize", 0.5, 0.6, True, id="more-is-better"),
        pytest.param("Maximize", 0.5, 0.4, False, id="less-is-not"),
        pytest.param("Minimize", 0.5, 0.4, True, id="less-is-better"),
        pytest.param("Minimize", 0.5, 0.6, False, id="more-is-not"),
        pytest.param("Maximize", 0.5, 0.5, False, id="equal-is-not-better"),
        pytest.param("Minimize", 0.5, 0.5, False, id="nor-where-less-is"),
        pytest.param("Maximize", 0.5, None, False, id="absent-is-never-better"),
        pytest.param("Maximize", None, 0.1, True, id="any-value-beats-an-absent-one"),
        pytest.param(None, 0.5, 0.4, True, id="without-a-direction-the-service-decides"),
        pytest.param(None, 0.5, None, True, id="even-without-a-value"),
    ],
)
def test_only_strictly_better_is_a_new_best(
    direction: str | None, was: float | None, now: float | None, better: bool
) -> None:
    before = tuning_job(best=best(1, was), direction=direction)
    after = tuning_job(best=best(2, now), direction=direction)

    assert improved(before, after) is better
    assert [each.type for each in told(before, after)] == ([EventType.NEW_BEST] if better else [])


def test_the_same_training_job_is_no_new_best_whatever_its_value() -> None:
    assert not improved(tuning_job(best=best(1, 0.5)), tuning_job(best=best(1, 0.9)))


def test_the_first_leader_is_told_when_its_value_comes() -> None:
    valueless = tuning_job(best=best(1, None))
    assert told(tuning_job(), valueless) == []
    known = replace(valueless, best=keep_best(tuning_job(), valueless))

    (event,) = told(known, tuning_job(best=best(1, 0.5)))
    assert event.best is not None and (event.best.current.value, event.best.previous) == (0.5, None)


def test_a_leader_whose_value_is_missing_in_an_answer_keeps_it() -> None:
    led, valueless = tuning_job(best=best(1, 0.5)), tuning_job(best=best(1, None))

    known = replace(valueless, best=keep_best(led, valueless))

    assert known.best == led.best
    assert told(known, tuning_job(best=best(2, 0.4))) == []
    assert len(told(known, tuning_job(best=best(2, 0.6)))) == 1


def test_a_multi_algorithm_job_goes_by_the_direction_of_the_definition() -> None:
    directions = {"forest": Direction.MAXIMIZE, "linear": Direction.MINIMIZE}

    def leads(number: int, value: float, definition: str, metric: str) -> TuningJob:
        trial = BestTrainingJob(f"t-{number}", metric=Metric(metric, value), definition_name=definition)
        return tuning_job(best=trial, direction=None, directions=directions)

    assert improved(leads(1, 5.0, "linear", "mse"), leads(2, 4.0, "linear", "mse"))
    assert not improved(leads(1, 5.0, "linear", "mse"), leads(2, 6.0, "linear", "mse"))
    assert improved(leads(1, 5.0, "linear", "mse"), leads(2, 0.1, "forest", "auc"))  # Not comparable: its word counts.


def test_a_new_best_tells_what_led_before_and_by_how_much_it_is_better() -> None:
    (event,) = told(tuning_job(best=best(1, 0.5, eta="0.1")), tuning_job(best=best(2, 0.75, eta="0.3")))

    assert event.best is not None and event.best.previous is not None
    assert event.best.improvement == 0.25
    assert event.best.current.hyperparameters == {"eta": "0.3"}
    assert event.best.previous.hyperparameters == {"eta": "0.1"}
    assert event.best.objective == "Maximize"


values = st.one_of(st.none(), st.floats(-10, 10), st.just(0.5))


@given(
    st.lists(st.integers(0, 30), max_size=30).flatmap(
        lambda numbers: st.fixed_dictionaries(dict.fromkeys(numbers, values)).map(
            lambda known: [(number, known[number]) for number in numbers]  # Each training job keeps its value.
        )
    ),
    st.sampled_from(["Maximize", "Minimize"]),
)
def test_told_bests_only_ever_get_better(leaders: list[tuple[int, float | None]], direction: str) -> None:
    better = operator.gt if direction == "Minimize" else operator.lt
    known: TuningJob | None = None
    heard: list[float] = []
    for number, value in leaders:
        now = tuning_job(best=best(number, value), direction=direction)
        changes = [event.best for event in told(known, now) if event.best is not None]
        heard += [change.current.value for change in changes if change.current.value is not None]
        known = replace(now, best=keep_best(known, now))

    assert all(better(a, b) for a, b in pairwise(heard))
