"""A simulated tuning job at any moment: never backwards, and the same answer to the same question."""

from dataclasses import astuple
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Direction, Status, rank
from notifier.simulator import answers
from notifier.simulator.account import Account
from notifier.simulator.job import SimulatedJob
from notifier.simulator.runs import RECORDED, load_runs
from notifier.sources.mapping import tuning_job
from tests.simulator.wire import received

RUNS = load_runs()
CREATED = 1_800_000_000.0


def replay(key: str = "aim318", **changes: Any) -> SimulatedJob:
    """One recorded run in its own time."""
    return SimulatedJob("replayed", RUNS[key], CREATED, **changes)


jobs = st.builds(
    SimulatedJob,
    name=st.just("replayed"),
    run=st.sampled_from(RECORDED).map(RUNS.__getitem__),
    created=st.just(CREATED),
    speed=st.floats(0.5, 500),
    parallel=st.none() | st.integers(1, 12),
    failing=st.sampled_from([0, 0, 1, 5]),
    stopped_after=st.none() | st.floats(0.1, 3000),
    retried=st.frozensets(st.integers(1, 9), max_size=3),
)
moments = st.lists(st.floats(0.0, 1.1), min_size=2, max_size=12).map(sorted)


@given(jobs, moments)
def test_statuses_and_final_counters_never_go_backwards(job: SimulatedJob, shares: list[float]) -> None:
    seen = [job.at(CREATED + share * job.ends) for share in shares]

    for before, after in pairwise(seen):
        assert rank(after.status) >= rank(before.status)
        assert after.modified >= before.modified
        for name in ("completed", "retryable_error", "non_retryable_error", "stopped"):
            assert getattr(after.counts, name) >= getattr(before.counts, name)


@given(jobs, moments)
def test_each_new_leader_is_strictly_better(job: SimulatedJob, shares: list[float]) -> None:
    sign = 1 if job.run.direction is Direction.MAXIMIZE else -1
    leaders = [best for share in shares if (best := job.at(CREATED + share * job.ends).best)]

    for before, after in pairwise(leaders):
        assert before.value is not None and after.value is not None
        assert after.name == before.name or sign * after.value > sign * before.value


@given(jobs, st.floats(0.0, 1.1))
def test_no_more_trials_run_at_once_than_allowed(job: SimulatedJob, share: float) -> None:
    counts = job.at(CREATED + share * job.ends).counts

    assert counts.in_progress is not None and counts.in_progress <= job.max_parallel
    assert counts.terminal + counts.in_progress <= job.max_trials
    assert (counts.pending or 0) + (counts.running or 0) == counts.in_progress


@given(jobs, st.floats(0.0, 1.1))
def test_list_and_describe_agree_and_the_service_can_read_them(job: SimulatedJob, share: float) -> None:
    account, now = Account((job,)), CREATED + share * job.ends

    row = answers.summary(account, job, now, "us-east-1")
    described = answers.description(account, job, now, "us-east-1")

    assert {name: described[name] for name in row if name in described} == {
        name: row[name] for name in row if name in described
    }
    config = described["HyperParameterTuningJobConfig"]
    assert (config["Strategy"], config["ResourceLimits"]) == (row["Strategy"], row["ResourceLimits"])
    record = tuning_job(received(described), "us-east-1")
    assert (record.status, record.direction) == (row["HyperParameterTuningJobStatus"], job.run.direction)


@given(jobs)
def test_an_ended_job_is_not_in_progress_anywhere(job: SimulatedJob) -> None:
    # A moment after, for epoch seconds are coarser than the seconds within a job.
    last = job.at(CREATED + job.ends + 0.001)

    assert last.status is job.outcome
    assert last.ended == job.ends
    assert last.counts.in_progress == 0
    assert all(trial.status(job.ends) in (Status.COMPLETED, Status.FAILED, Status.STOPPED) for trial in job.trials)


def test_a_job_whose_trials_crash_fails_and_says_why() -> None:
    job = replay("ahrav", failing=5)

    last = job.at(CREATED + job.ends)

    assert (last.status, last.counts.non_retryable_error, last.best) == (Status.FAILED, 5, None)
    assert job.failure_reason is not None
    assert job.failure_reason.startswith("No training job succeeded after 5 attempts.")
    assert "CUDA out of memory" in job.failure_reason and "--batchsize 32" in job.failure_reason
    assert len(job.failure_reason) <= 1024


def test_a_stopped_job_winds_its_trials_down_before_it_is_stopped() -> None:
    job = replay(stopped_after=150.0)

    assert job.at(CREATED + 149).status is Status.IN_PROGRESS
    stopping, stopped = job.at(CREATED + 151), job.at(CREATED + job.ends)
    assert (stopping.status, stopped.status) == (Status.STOPPING, Status.STOPPED)
    assert stopping.counts.stopped == 0 and stopped.counts.stopped > 0
    assert stopped.counts.completed + stopped.counts.stopped == len(job.trials)


def test_a_job_that_ends_before_its_stop_is_completed() -> None:
    assert replay(stopped_after=1e9).outcome is Status.COMPLETED


def test_a_retried_trial_is_counted_once_as_retryable_and_once_as_completed() -> None:
    job = replay(retried=frozenset({2}))

    counts = job.at(CREATED + job.ends).counts

    assert (counts.retryable_error, counts.completed, counts.non_retryable_error) == (1, 9, 0)
    described = answers.training_description(Account((job,)), job, job.trials[1], CREATED + job.ends, "us-east-1")
    statuses = [each["Status"] for each in described["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Training", "Starting", "Training", "Completed"]


def test_a_faster_replay_is_the_same_story_in_less_time() -> None:
    slow, fast = replay(), replay(speed=10.0)

    assert fast.ends * 10 == pytest.approx(slow.ends)
    assert astuple(fast.at(CREATED + fast.ends / 2).counts) == astuple(slow.at(CREATED + slow.ends / 2).counts)
