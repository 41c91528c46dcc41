"""What is not told because somebody silenced it."""

from dataclasses import replace

import pytest

from notifier.dispatch.queue import Look, Plan, plan
from notifier.model import Owed, Policy, Silence
from tests.dispatch.rows import NOW, PEOPLE, PROGRAM, best, ended, notice, started

XGB, BERT = "111122223333/us-east-1/xgb-1/1", "111122223333/us-east-1/bert/1"
LASTING = Silence(7, "XGB-*", None, NOW - 60, NOW + 60)


def decided(policy: Policy, rows: list[Owed], *silences: Silence, now: float = NOW) -> Plan:
    return plan(policy, Look(now, rows, silences=silences), digest_jobs=10)


def test_a_silenced_job_is_not_told_and_others_are() -> None:
    first, second, other = started(XGB), ended(XGB), started(BERT)

    silenced = decided(PEOPLE, [first, second, other], LASTING)

    assert silenced.batches == ((other,),)
    assert silenced.silenced == {first.seq: LASTING, second.seq: LASTING}


@pytest.mark.parametrize(
    ("row", "silence", "policy"),
    [
        pytest.param(started(BERT), LASTING, PEOPLE, id="another-job"),
        pytest.param(started(XGB), LASTING, PROGRAM, id="a-program"),
        pytest.param(started(XGB), replace(LASTING, destination="pager"), PEOPLE, id="another-destination"),
        pytest.param(started(XGB), replace(LASTING, until=NOW - 20), PEOPLE, id="over-before"),
        pytest.param(started(XGB), replace(LASTING, since=NOW + 1), PEOPLE, id="not-begun"),
        pytest.param(notice(), replace(LASTING, jobs="*"), PEOPLE, id="the-service-of-itself"),
        pytest.param(started(XGB, insisted=True), LASTING, PEOPLE, id="somebody-insists"),
    ],
)
def test_what_no_silence_concerns_is_told(row: Owed, silence: Silence, policy: Policy) -> None:
    assert decided(policy, [row], silence).batches == ((row,),)
    assert decided(policy, [row], silence).silenced == {}


def test_a_program_is_silenced_where_it_is_named() -> None:
    row = started(XGB)

    assert list(decided(PROGRAM, [row], replace(LASTING, destination="webhook")).silenced) == [row.seq]


def test_what_came_during_a_silence_is_not_told_after_it() -> None:
    row = started(XGB)

    assert list(decided(PEOPLE, [row], LASTING, now=NOW + 9999).silenced) == [row.seq]


def test_what_came_before_a_silence_is_not_told_in_it() -> None:
    row = best(XGB)

    assert list(decided(PEOPLE, [row], replace(LASTING, since=NOW - 1)).silenced) == [row.seq]


def test_what_is_under_way_is_left_alone() -> None:
    row = started(XGB)
    look = Look(NOW, [row], [(row,)], silences=[LASTING])

    assert plan(PEOPLE, look, digest_jobs=10).silenced == {}
