"""The demo's story, and the tally that judges how it was told."""

from collections.abc import Sequence
from typing import Any

import pytest

from notifier.model import FINAL, Status
from notifier.simulator import answers
from notifier.simulator.account import Account, history, quiet
from notifier.simulator.job import SimulatedJob
from notifier.simulator.story import SCENES, background, story
from notifier.simulator.tally import compare, describe_each_calls

NOW = 1_800_000_000.0
JOBS = story(NOW, 50.0, jobs=8, seed=1)
OVER = NOW + 51.0


def told(jobs: Sequence[SimulatedJob]) -> list[dict[str, Any]]:
    """The CloudEvents of a service that tells every ending once."""
    return [ending(job.name, job.outcome) for job in jobs]


def ending(name: str, status: str) -> dict[str, Any]:
    return {
        "type": "tuning_job.status_changed",
        "subject": name,
        "data": {"change": {"from": "InProgress", "to": status}},
    }


def test_the_story_has_every_kind_of_ending_and_ends_in_time() -> None:
    assert {job.outcome for job in JOBS} == {Status.COMPLETED, Status.FAILED, Status.STOPPED}
    assert max(job.created + job.ends for job in JOBS) <= NOW + 50.0
    assert min(job.ends for job in JOBS) < 0.5, "one begins and ends between two sweeps"
    assert len({job.name for job in JOBS}) == len(JOBS) == len(SCENES)


def test_the_same_seed_tells_the_same_story() -> None:
    assert story(NOW, 50.0, jobs=20, seed=7) == story(NOW, 50.0, jobs=20, seed=7)
    assert story(NOW, 50.0, jobs=20, seed=7) != story(NOW, 50.0, jobs=20, seed=8)
    assert background(NOW, 7) == background(NOW, 7) != background(NOW, 8)


def test_a_speed_gives_every_run_the_same_pace() -> None:
    assert {job.speed for job in story(NOW, 50.0, jobs=8, seed=1, speed=90.0)} == {90.0}


def test_old_jobs_have_ended_and_quiet_ones_say_nothing() -> None:
    ended, silent = list(history(300, NOW)), list(quiet(40, NOW))

    assert all(job.created + job.ends < NOW - 3600 for job in ended)
    assert {job.outcome for job in ended} == FINAL
    for job in silent:
        now, later = (answers.summary(Account((job,)), job, at, "us-east-1") for at in (NOW, NOW + 3600))
        assert now["HyperParameterTuningJobStatus"] == later["HyperParameterTuningJobStatus"] == Status.IN_PROGRESS
        assert now["TrainingJobStatusCounters"] == later["TrainingJobStatusCounters"]
    assert all(len(job.name) <= 32 for job in (*ended, *silent))


def test_every_ending_told_once_is_right() -> None:
    tally = compare(JOBS, told(JOBS), OVER)

    assert tally.right
    assert len(tally.once) == 8


@pytest.mark.parametrize(
    ("events", "field"),
    [
        pytest.param(told(JOBS[1:]), "missed", id="one-was-not-told"),
        pytest.param([*told(JOBS), *told(JOBS[:1])], "repeated", id="one-was-told-twice"),
        pytest.param([*told(JOBS), ending("nobody", "Failed")], "invented", id="one-never-happened"),
        pytest.param([*told(JOBS), ending(JOBS[0].name, "Failed")], "invented", id="one-ended-otherwise"),
    ],
)
def test_anything_else_is_wrong(events: list[dict[str, Any]], field: str) -> None:
    tally = compare(JOBS, events, OVER)

    assert not tally.right
    assert len(getattr(tally, field)) == 1


def test_other_events_are_not_endings() -> None:
    others = [ending(JOBS[0].name, "Stopping"), {"type": "tuning_job.started", "subject": JOBS[0].name, "data": {}}]

    assert compare(JOBS, [*told(JOBS), *others], OVER).right


def test_a_young_ending_may_still_be_on_its_way() -> None:
    job = JOBS[0]
    ended = job.created + job.ends

    assert compare([job], [], ended + 2.0, grace=5.0).right
    assert not compare([job], [], ended + 6.0, grace=5.0).right


def test_the_naive_loop_lists_all_pages_and_describes_the_unfinished() -> None:
    account = Account((*history(350, NOW), *quiet(40, NOW)))

    assert describe_each_calls(account, [NOW, NOW + 30.0]) == 2 * (4 + 40)
