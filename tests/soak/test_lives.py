"""The truth of a soak: the same for both who reckon it, never going back, and with something of everything in it."""

import math
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from notifier.model import FINAL
from notifier.model.status import rank
from soak.lives import OLD, Kind, Plan, standing

STARTED, BEGAN = 1_000_000.0, 1_000_020.0
SCOPES = (("111111111111", "us-east-1"), ("222222222222", "eu-west-1"))


@given(st.integers(0, 1000), st.sampled_from([30.0, 600.0]))
@example(255, 30.0)
def test_a_job_only_ever_goes_on_and_ends_with_its_best(seed: int, seconds: float) -> None:
    for life in Plan(seed, seconds, 20, SCOPES).lives(STARTED, BEGAN):
        for (before, was), (after, now) in pairwise(life.steps):
            assert before <= after
            assert (rank(was.status), was.completed) <= (rank(now.status), now.completed)
        last = life.steps[-1][1]
        assert last.status not in FINAL or life.final_best is None or last.value == life.final_best.value


@given(st.integers(0, 1000))
def test_what_is_standing_when_it_begins_is_the_same_before_and_after_and_no_news(seed: int) -> None:
    plan = Plan(seed, 600.0, 20, SCOPES)

    before = standing(plan.lives(STARTED, math.inf), BEGAN)
    lives = plan.lives(STARTED, BEGAN)

    assert before == standing(lives, BEGAN)
    assert not [life for life in lives if not life.newborn and BEGAN in life.statuses.values()]
    assert len(before) >= OLD


def test_nothing_changes_in_the_last_moments_and_every_kind_of_life_is_lived() -> None:
    lives = Plan(1, 600.0, 500, SCOPES).lives(STARTED, BEGAN)

    assert {life.kind for life in lives} == set(Kind)
    assert max(at for life in lives for at, _ in life.steps) <= BEGAN + 600.0
    assert {life.ending[1] for life in lives if life.ending} == set(FINAL)
    flapping = [life for life in lives if any(was.value > now.value for (_, was), (_, now) in pairwise(life.steps))]
    assert len(flapping) > 20


def test_a_deleted_job_is_gone_and_its_name_may_be_another_jobs() -> None:
    lives = Plan(1, 600.0, 500, SCOPES[:1]).lives(STARTED, BEGAN)
    gone = next(life for life in lives if life.kind is Kind.REBORN)
    assert gone.deleted is not None
    (again,) = [life for life in lives if life.name == gone.name and life is not gone]

    def known(at: float) -> float | None:
        job = standing(lives, at).get(gone.name.lower())
        return job.created if job else None

    assert [known(gone.deleted - 1), known(gone.deleted + 1), known(again.created + 1)] == [
        gone.created, None, again.created,
    ]  # fmt: skip


def test_a_short_soak_deletes_nothing_that_it_could_not_wait_for() -> None:
    kinds = {life.kind for life in Plan(1, 30.0, 500, SCOPES).lives(STARTED, BEGAN)}

    assert not kinds & {Kind.DELETED, Kind.REBORN}
