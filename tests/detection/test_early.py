"""Early words: when they are due, and that each is told once for its cause."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifier.detection.early import STALL_SECONDS, Rules, stall, stalled, with_early_words
from notifier.detection.judgement import Sight, Verdict, judge
from notifier.model import Completion, EventType, Remembered, ResourceLimits, Status, TrialCounts, TuningJob
from tests.examples import NOON, best, tuning_job

RULES = Rules(failing=0.5, plateau=0.25, limit=0.9, stall=5.0)
SIGHT = Sight(NOON)
HOUR = 3600.0
FAILING = TrialCounts(completed=2, in_progress=1, non_retryable_error=2)


def seen(
    job: TuningJob, memory: Remembered | None = None, sight: Sight = SIGHT, rules: Rules = RULES
) -> tuple[Remembered, list[str]]:
    """What a look at the job leaves, and the early words that it tells."""
    verdict = with_early_words(judge(memory, None, job, None, sight), memory, sight, rules)
    assert verdict.remembered is not None
    early = {EventType.FAILING, EventType.PLATEAUED, EventType.LIMIT_NEAR}
    return verdict.remembered, [each.type.word for each in verdict.events if each.type in early]


def known(**changes: Any) -> Remembered:
    """A job that was looked at before."""
    memory, _ = seen(tuning_job(), sight=replace(SIGHT, silent=True))
    return replace(memory, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, [], id="all-is-well"),
        pytest.param({"counts": FAILING}, ["failing"], id="half-of-the-trials-failed"),
        pytest.param({"counts": TrialCounts(completed=3, non_retryable_error=2)}, [], id="fewer-than-half"),
        pytest.param({"counts": TrialCounts(non_retryable_error=3)}, [], id="too-few-to-tell"),
        pytest.param({"counts": TrialCounts(completed=1, retryable_error=3)}, ["failing"], id="tried-again"),
        pytest.param({"completion": Completion(not_improving=9)}, [], id="no-plateau-yet"),
        pytest.param({"completion": Completion(not_improving=10)}, ["plateaued"], id="plateau"),
        pytest.param(
            {"completion": Completion(not_improving=24), "limits": ResourceLimits(100)}, [], id="a-quarter-of-many"
        ),
        pytest.param(
            {"completion": Completion(not_improving=25), "limits": ResourceLimits()}, ["plateaued"], id="no-limit"
        ),
        pytest.param({"completion": Completion(converged_at=NOON)}, ["plateaued"], id="converged"),
        pytest.param({"limits": ResourceLimits(20, 2, 4000)}, ["limit_near"], id="nine-tenths-of-its-time"),
        pytest.param({"limits": ResourceLimits(20, 2, 4001)}, [], id="not-yet"),
        pytest.param({"limits": ResourceLimits(4, 2, 4000)}, [], id="no-trials-left"),
        pytest.param({"counts": FAILING, "status": Status.STOPPING}, [], id="it-is-stopping-anyway"),
        pytest.param({"counts": FAILING, "status": Status.FAILED}, [], id="over"),
    ],
)
def test_an_early_word_is_due(changes: dict[str, Any], words: list[str]) -> None:
    assert seen(replace(tuning_job(), **changes), known(counts=TrialCounts()))[1] == words
    assert seen(replace(tuning_job(), **changes), known(counts=TrialCounts()), rules=Rules())[1] == []


def test_it_is_told_once_and_survives_what_is_remembered() -> None:
    memory, words = seen(tuning_job(counts=FAILING), known(counts=TrialCounts()))
    assert (words, memory.early) == (["failing"], ("failing",))

    worse = replace(FAILING, non_retryable_error=5)
    memory, words = seen(tuning_job(counts=worse), memory)
    assert (words, memory.early) == ([], ("failing",))


def test_a_plateau_is_told_again_after_a_new_best() -> None:
    def plateau(number: int) -> TuningJob:
        return tuning_job(best=best(number, number / 10), completion=Completion(not_improving=12))

    memory, words = seen(plateau(1), known())
    assert words == ["plateaued"]
    memory, words = seen(plateau(1), memory)
    assert words == []
    memory, words = seen(plateau(2), memory)
    assert words == ["plateaued"]


@pytest.mark.parametrize(
    ("memory", "sight"),
    [
        pytest.param(None, Sight(NOON, silent=True), id="a-baseline"),
        pytest.param(known(watched=False), SIGHT, id="newly-selected"),
        pytest.param(known(described=False), SIGHT, id="described-for-the-first-time"),
    ],
)
def test_what_a_baseline_finds_is_taken_as_told(memory: Remembered | None, sight: Sight) -> None:
    after, words = seen(tuning_job(counts=FAILING), memory, sight)
    assert (words, after.early) == ([], ("failing",))

    assert seen(tuning_job(counts=FAILING), after)[1] == []


def test_a_verdict_that_changes_nothing_stays_so() -> None:
    assert with_early_words(Verdict(None, stale=True), known(), SIGHT, RULES) == Verdict(None, stale=True)


def test_when_a_trial_last_ended_is_remembered() -> None:
    first, _ = seen(tuning_job(counts=TrialCounts(completed=4)), None)
    assert first.moved_at == NOON.timestamp()

    later = Sight(NOON + timedelta(hours=1))
    same, _ = seen(tuning_job(counts=TrialCounts(completed=4, in_progress=3)), first, later)
    assert same.moved_at == NOON.timestamp()
    moved, _ = seen(tuning_job(counts=TrialCounts(completed=5)), same, later)
    assert moved.moved_at == NOON.timestamp() + HOUR


def resting(over: int = 6, **changes: Any) -> Remembered:
    """A job whose trials took ten minutes each, one after the other, until noon."""
    moved_at = NOON.timestamp()
    identity = replace(tuning_job().identity, created=int(moved_at - over * 600))
    return known(identity=identity, counts=TrialCounts(completed=over), moved_at=moved_at, **changes)


@pytest.mark.parametrize(
    ("memory", "rest", "told"),
    [
        pytest.param(resting(), 3000.0, True, id="five-times-as-long"),
        pytest.param(resting(), 2999.0, False, id="not-yet"),
        pytest.param(resting(over=3), 1e6, False, id="too-few-trials-to-learn-from"),
        pytest.param(resting(status=Status.STOPPING), 1e6, False, id="stopping"),
        pytest.param(resting(early=("stalled 6",)), 1e6, False, id="told-already"),
        pytest.param(resting(early=("stalled 5",)), 3000.0, True, id="told-of-an-earlier-stall"),
        pytest.param(replace(resting(), moved_at=0.0), 1e10, False, id="never-seen-to-move"),
        pytest.param(
            replace(resting(), moved_at=resting().identity.created + 6.0), STALL_SECONDS - 1, False, id="quick-trials"
        ),
    ],
)
def test_a_job_is_stalled_when_it_rests_longer_than_its_own_trials_let_expect(
    memory: Remembered, rest: float, told: bool
) -> None:
    sign = stalled(memory, memory.moved_at + rest, RULES)

    assert (sign is not None) is told
    assert stalled(memory, memory.moved_at + rest, Rules()) is None


def test_a_stall_is_remembered_with_its_event() -> None:
    sign = stalled(resting(), NOON.timestamp() + 3000, RULES)
    assert sign is not None

    memory, event = stall(resting(), tuning_job(), sign, NOON)

    assert (memory.early, event.type) == (("stalled 6",), EventType.STALLED)
    assert event.figures == {"seconds": 3000.0, "usual_seconds": 600.0}
    assert stalled(memory, NOON.timestamp() + 9000, RULES) is None
