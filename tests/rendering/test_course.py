"""What the trials tell: how the best came about, why trials failed, and what can be taken along."""

import json
from datetime import timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Batch, Direction, Event, EventType, Face, Status, Trial, TrialCounts
from notifier.rendering import slack, tell
from notifier.rendering.card import card_story
from notifier.rendering.course import COPYABLE, copyable
from notifier.rendering.failures import SHOWN, clusters
from notifier.rendering.history import CELLS, POINTS, History, chart_of, history_of, sparkline_of
from notifier.rendering.numbers import narrowed
from notifier.rendering.story import Tone
from notifier.simulator.slack_rules import refusal
from tests.examples import NOON, best, ended, new_best, tuning_job
from tests.rendering.hostile import TEXT

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def trial(number: int, value: float | None = None, status: str = "Completed", reason: str | None = None) -> Trial:
    """One trial; they end in the order of their numbers."""
    at = NOON + timedelta(minutes=number)
    return Trial(f"xgb-{number:03d}", status, at, at, at, value, "validation:auc", reason)


def search(*values: float) -> tuple[Trial, ...]:
    """A search that found these values, one after the other."""
    return tuple(trial(number, value) for number, value in enumerate(values, start=1))


@given(VALUES, st.sampled_from(Direction))
def test_the_best_so_far_never_gets_worse_and_ends_at_the_best(values: list[float], direction: Direction) -> None:
    history = History.of(search(*values), direction)
    better = max if direction is Direction.MAXIMIZE else min

    assert history is not None
    assert list(history.bests) == list(accumulate(values, better))
    assert values[len(values) - 1 - history.since_gain] == better(values)


@given(VALUES)
def test_a_chart_has_few_points_with_labels_of_their_own_and_both_ends(values: list[float]) -> None:
    job, trials = tuning_job(), search(*values)
    drawn, told = chart_of(job, trials), sparkline_of(job, trials)
    if len(values) < 2:
        assert (drawn, told) == (None, "")
        return
    assert drawn is not None
    values = [narrowed(each) for each in values]
    assert len(drawn.points) == min(len(values), POINTS) == len({label for label, _ in drawn.points})
    assert (drawn.points[0], drawn.points[-1]) == (("1", values[0]), (str(len(values)), max(values)))
    if max(values) == values[0]:
        assert told == ""
        return
    cells = "".join(each for each in told if each in "▁▂▃▄▅▆▇█")
    assert len(cells) == min(len(values), CELLS)
    assert list(cells) == sorted(cells)


@pytest.mark.parametrize(
    ("trials", "direction"),
    [
        pytest.param((), Direction.MAXIMIZE, id="no-trials"),
        pytest.param((trial(1), trial(2, status="Failed")), Direction.MAXIMIZE, id="no-values"),
        pytest.param(search(0.5, 0.6), None, id="no-direction"),
        pytest.param((trial(1, 0.5, "InProgress"),), Direction.MAXIMIZE, id="not-over"),
    ],
)
def test_without_values_or_a_direction_there_is_no_history(trials: tuple[Trial, ...], direction: str | None) -> None:
    assert history_of(tuning_job(direction=direction), trials) is None
    assert chart_of(tuning_job(direction=direction), trials) is None


def test_a_new_best_says_among_how_many_it_leads_and_how_long_nothing_was_gained() -> None:
    trials = search(0.5, 0.8, 0.7, 0.6, 0.9)
    story = tell(Batch((new_best(best(5, 0.9), best(2, 0.8)),), trials=trials))

    assert "best of 5 trials with a value, the first gain in 3 trials" in story.lines
    assert story.sparkline == "0.5 ▁▆▆▆█ 0.9"
    soon = tell(Batch((new_best(best(2, 0.8), best(1, 0.5)),), trials=trials[:2]))
    assert "best of 2 trials with a value, right after the gain before it" in soon.lines
    first = tell(Batch((new_best(best(1, 0.5)),), trials=trials[:1]))
    assert not [each for each in first.lines if "with a value" in each]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(
            (0.5, 0.9, 0.7, 0.6), "best found in trial 2 of 4 with a value, 2 without a gain after it", id="early"
        ),
        pytest.param((0.5, 0.7, 0.9), "best found in the last of 3 trials with a value", id="at-the-end"),
    ],
)
def test_an_ending_says_when_the_best_was_found(values: tuple[float, ...], said: str) -> None:
    job = tuning_job(best=best(values.index(max(values)) + 1, max(values)))

    assert said in tell(Batch((ended(job),), trials=search(*values))).lines


def test_without_trials_a_message_is_as_it_was() -> None:
    story = tell(Batch((new_best(best(2, 0.8), best(1, 0.5)),)))

    assert (story.sparkline, story.chart) == ("", None)
    assert not [each for each in story.lines if "with a value" in each]


MEMORY = (
    "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
    'ErrorMessage "RuntimeError: CUDA out of memory. Tried to allocate {} MiB (GPU 0; 14.76 GiB total capacity)"'
)
DENIED = (
    "ClientError: An error occurred (AccessDenied) when calling the GetObject operation: arn:aws:s3:::bucket-{}/train"
)


def test_reasons_that_differ_in_numbers_paths_and_ids_are_one_the_most_frequent_first() -> None:
    trials = [
        *(trial(number, status="Failed", reason=MEMORY.format(number * 7)) for number in range(1, 8)),
        *(trial(number, status="Failed", reason=DENIED.format(number)) for number in (8, 9)),
        trial(10, 0.5),
    ]

    memory, denied = clusters(trials)

    assert (memory.count, memory.example) == (7, "xgb-007")
    assert memory.words.startswith("RuntimeError: CUDA out of memory. Tried to allocate 49 MiB")
    assert (denied.count, denied.example) == (2, "xgb-009")
    assert "AccessDenied" in denied.words


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        pytest.param("Killed at step 10", "Killed at step 20000", True, id="numbers"),
        pytest.param("no file /opt/ml/input/a.csv", "no file /opt/ml/input/data/b.csv", True, id="paths"),
        pytest.param("lost host algo-0a1b2c3d4e", "lost host algo-99ffee1234", True, id="ids"),
        pytest.param("no s3://a/b", "no s3://c/d/e", True, id="addresses"),
        pytest.param("ValueError: a", "ValueError: b", False, id="words"),
        pytest.param("KeyError: 'x'\n", "IndexError: 'x'", False, id="errors"),
        pytest.param("", "", True, id="nothing-said"),
    ],
)
def test_what_makes_two_reasons_one(one: str, other: str, alike: bool) -> None:
    found = clusters([trial(1, status="Failed", reason=one), trial(2, status="Failed", reason=other)])

    assert len(found) == (1 if alike else 2)


@given(st.lists(TEXT, min_size=1, max_size=8))
def test_any_reasons_are_counted_once_each_and_bounded(reasons: list[str]) -> None:
    found = clusters([trial(number, status="Failed", reason=each) for number, each in enumerate(reasons)])

    assert sum(each.count for each in found) == len(reasons)
    assert all(0 < len(each.words) <= SHOWN and "\n" not in each.words for each in found)


def test_a_failed_job_says_why_its_trials_failed_and_where_to_read_on() -> None:
    trials = [trial(number, status="Failed", reason=MEMORY.format(number)) for number in range(1, 4)]
    trials += [trial(4, status="Failed", reason=DENIED.format(4))]
    story = tell(Batch((ended(tuning_job(), Status.FAILED),), trials=tuple(trials)))

    assert story.lines[-2].startswith("3 of 4 failed trials: RuntimeError: CUDA out of memory.")
    assert story.lines[-1].startswith("1 of 4 failed trials: ")
    (log,) = [each.url for each in story.links if each.label == "Log of a failed trial"]
    assert log == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dxgb-003"
    )
    assert refusal(slack.message(story)) is None


def test_trials_that_complete_without_an_objective_are_told_of() -> None:
    job = tuning_job(silent_trials=3, counts=TrialCounts(completed=3))

    assert (
        "3 completed trials send no objective metric: does its regex match the log?"
        in card_story(Face(job, NOON)).lines
    )
    few = tuning_job(silent_trials=1, counts=TrialCounts(completed=9))
    assert not [each for each in card_story(Face(few, NOON)).lines if "objective metric" in each]


def test_the_best_hyperparameters_can_be_copied_as_json() -> None:
    job = tuning_job(best=best(1, 0.9, eta="0.25", depth="6", kind='"gbtree"', huge="1e999", name="a\u202eb"))

    assert json.loads(copyable(job)) == {"depth": 6, "eta": 0.25, "huge": "1e999", "kind": "gbtree", "name": "ab"}
    assert copyable(tuning_job()) == ""
    assert copyable(tuning_job(best=best(1, 0.9, **{f"p{each}": "x" * 90 for each in range(30)}))) == ""


@given(st.dictionaries(TEXT, TEXT, max_size=6))
def test_what_can_be_copied_is_one_line_of_valid_json_or_nothing(hyperparameters: dict[str, str]) -> None:
    text = copyable(tuning_job(best=best(1, 0.9, eta="1") if not hyperparameters else best(1, 0.9, **hyperparameters)))

    assert len(text) <= COPYABLE and "\n" not in text
    assert not text or isinstance(json.loads(text), dict)


def test_a_card_draws_its_search_and_says_how_long_nothing_was_gained() -> None:
    job = tuning_job(best=best(2, 0.9))
    story = card_story(Face(job, NOON, trials=search(0.5, 0.9, 0.8, 0.7, 0.6)))

    assert story.chart is not None and story.chart.points[-1] == ("5", 0.9)
    assert "3 trials without a gain" in story.lines
    assert refusal(next(iter(slack.messages(story)))) is None


@pytest.mark.parametrize(
    ("kind", "figures", "headline", "advice"),
    [
        pytest.param(
            EventType.FAILING, {"failed": 5, "ended": 8}, "xgb-churn: 5 of 8 trials failed", "mend", id="failing"
        ),
        pytest.param(EventType.PLATEAUED, {"trials": 12}, "xgb-churn: no gain in 12 trials", "price", id="plateaued"),
        pytest.param(EventType.PLATEAUED, {"trials": 0}, "xgb-churn: converged", "price", id="converged"),
        pytest.param(
            EventType.LIMIT_NEAR,
            {"seconds": 6600, "limit_seconds": 7200},
            "xgb-churn: 10 min left of its run time",
            "stopped",
            id="limit-near",
        ),
        pytest.param(
            EventType.STALLED,
            {"seconds": 7200, "usual_seconds": 600},
            "xgb-churn: no trial has ended for 2 h",
            "one ended every 10 min before",
            id="stalled",
        ),
    ],
)
def test_an_early_word_says_by_what_it_goes_and_what_to_do(
    kind: EventType, figures: dict[str, float], headline: str, advice: str
) -> None:
    event = Event("early", kind, NOON, tuning_job(), figures=figures)
    story = tell(Batch((event,)))

    assert (story.headline, story.tone) == (headline, Tone.TROUBLE)
    assert any(advice in each for each in story.lines)
    assert refusal(slack.message(story)) is None
    assert "xgb-churn" in tell(Batch((event, ended(tuning_job("other"))))).rows[0].text


def test_failing_trials_are_told_with_their_reasons() -> None:
    event = Event("early", EventType.FAILING, NOON, tuning_job(), figures={"failed": 2, "ended": 4})
    trials = tuple(trial(number, status="Failed", reason="ValueError: bad") for number in (1, 2))

    assert "all 2 failed trials: ValueError: bad" in tell(Batch((event,), trials=trials)).lines
