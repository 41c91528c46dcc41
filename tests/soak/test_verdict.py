"""The verdict of a soak finds every kind of broken promise: a soak that would find nothing proves nothing."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from soak.harm import CRASH, KILL, STOP, Harm
from soak.lives import Kind, Life
from soak.receivers import OK, SLACK, Attempt, Told
from soak.verdict import Evidence, missing, violations
from tests.pipeline.sagemaker import Job

BEGAN, BORN, BETTER, ENDED = 1000.0, 1010.25, 1020.0, 1030.0
ACCOUNT, REGION, NAME = "111111111111", "us-east-1", "soak-001"
LEADER, EARLIER = f"{NAME}-003", f"{NAME}-001"
RUNNING = Job(NAME, BORN)
LIFE = Life(
    ACCOUNT,
    REGION,
    Kind.ORDINARY,
    (
        (BORN, RUNNING),
        (BORN + 5, Job(NAME, BORN, completed=1, best=1, value=0.2)),
        (BETTER, Job(NAME, BORN, completed=3, best=3, value=0.3)),
        (ENDED, Job(NAME, BORN, "Completed", completed=4, best=3, value=0.3, ended=ENDED)),
    ),
    BEGAN,
)
GONE = Life(ACCOUNT, REGION, Kind.DELETED, ((1005.0, Job("soak-002", 1005.0)),), BEGAN, deleted=1050.0)


def event(kind: str, identity: str, change: dict[str, Any] | None = None, life: Life = LIFE, **data: str) -> Told:
    """A CloudEvent, as far as the verdict reads it."""
    born = datetime.fromtimestamp(life.created, UTC).isoformat()
    body = {"account_id": ACCOUNT, "region": REGION, "created_at": born, "change": change or {}} | data
    return Told(life.name, f"tuning_job.{kind}", event={"id": identity, "subject": life.name, "data": body})


def best(trial: str, value: float) -> dict[str, Any]:
    return {"current": {"training_job_name": trial, "value": value}}


STARTED = event("started", "a")
FIRST = event("new_best", "b", best(EARLIER, 0.2))
FINAL = event("new_best", "c", best(LEADER, 0.3))
ENDING = event("status_changed", "d", {"to": "Completed"})
DELETED = event("deleted", "e", life=GONE)


def attempt(at: float, *told: Told, destination: str = "team1", answered: str = OK) -> Attempt:
    return Attempt(destination, at, at + 0.1, answered, True, told)


def people(at: float, what: str, value: float | None = None, *, name: str = NAME, repeated: bool = False) -> Attempt:
    return attempt(at, Told(name, what, value, repeated), destination=SLACK)


GOOD = [
    attempt(1011.0, STARTED),
    attempt(1016.0, FIRST),
    attempt(1021.0, FINAL),
    attempt(1031.0, ENDING),
    attempt(1111.0, DELETED),
    people(1011.0, "started"),
    people(1021.0, "new best", 0.3),
    people(1032.0, "completed", 0.3),
    people(1112.0, "deleted", name="soak-002"),
]


def evidence(attempts: Sequence[Attempt], harms: Sequence[Harm] = (), losses: Sequence[float] = ()) -> Evidence:
    return Evidence((LIFE, GONE), attempts, harms, losses, {"team1": ACCOUNT, "team2": "222222222222"})


def test_where_everything_is_told_once_and_in_order_nothing_is_found() -> None:
    assert violations(evidence(GOOD)) == missing(evidence(GOOD)) == []


@pytest.mark.parametrize(
    ("left_out", "found"),
    [
        pytest.param(ENDING, "not told: tuning_job.status_changed Completed", id="an-ending"),
        pytest.param(FINAL, f"not told: tuning_job.new_best {LEADER}", id="a-final-best"),
        pytest.param(DELETED, "not told: tuning_job.deleted", id="a-deletion"),
        pytest.param(GOOD[-2].told[0], "not told in Slack: soak-001 completed", id="an-ending-in-slack"),
        pytest.param(GOOD[-1].told[0], "not told in Slack: soak-002 deleted", id="a-deletion-in-slack"),
    ],
)
def test_what_was_not_told_is_missing(left_out: Told, found: str) -> None:
    (missed,) = missing(evidence([each for each in GOOD if left_out not in each.told]))

    assert missed.startswith(found)


def test_a_request_that_was_not_taken_tells_nothing() -> None:
    refused = [Attempt("team1", 1031.0, 1031.1, "500", False) if ENDING in each.told else each for each in GOOD]

    assert missing(evidence(refused)) and not violations(evidence(refused))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        pytest.param(event("status_changed", "x", {"to": "Failed"}), "false: ", id="an-ending-that-never-was"),
        pytest.param(event("new_best", "x", best(f"{NAME}-009", 0.9)), "false: ", id="a-trial-that-never-led"),
        pytest.param(event("deleted", "x"), "false: ", id="a-deletion-of-what-ended"),
        pytest.param(event("started", "x", created_at="2020-01-01T00:00:00+00:00"), "false: ", id="an-unknown-job"),
        pytest.param(event("status_changed", "x", {"to": "Completed"}), "2 ids of one event", id="another-id"),
        pytest.param(event("started", "d"), "one id of several events", id="an-id-used-twice"),
        pytest.param(event("new_best", "b", best(EARLIER, 0.2)), "told 2 times", id="a-needless-repeat"),
        pytest.param(event("new_best", "b", best(EARLIER, 0.2)), "out of order", id="a-late-repeat"),
    ],
)
def test_what_should_not_have_been_told_is_found(told: Told, found: str) -> None:
    assert [each for each in violations(evidence([*GOOD, attempt(1040.0, told)])) if each.startswith(found)]


@pytest.mark.parametrize(
    ("moved", "to"),
    [
        pytest.param(STARTED, 1017.0, id="started-after-a-best"),
        pytest.param(FIRST, 1022.0, id="a-worse-best-after-a-better"),
        pytest.param(FINAL, 1032.0, id="a-best-after-the-ending"),
    ],
)
def test_another_order_is_found(moved: Told, to: float) -> None:
    (found,) = violations(evidence([attempt(to, moved) if moved in each.told else each for each in GOOD]))

    assert found.startswith("out of order at team1")


def test_an_event_before_its_time_is_false_and_one_at_another_team_is_found() -> None:
    early = [attempt(ENDED - 1, ENDING) if ENDING in each.told else each for each in GOOD]
    astray = [attempt(1031.0, ENDING, destination="team2") if ENDING in each.told else each for each in GOOD]

    assert "it was not so" in violations(evidence(early))[0]
    assert violations(evidence(astray))[0].startswith("at team2, which hears of another account")


def test_a_best_that_is_no_better_than_the_one_told_before_is_found() -> None:
    equal = Job(NAME, BORN, completed=4, best=4, value=0.3)
    life = Life(ACCOUNT, REGION, Kind.ORDINARY, (*LIFE.steps[:3], (1025.0, equal), LIFE.steps[3]), BEGAN)
    told = [*GOOD, attempt(1026.0, event("new_best", "x", best(f"{NAME}-004", 0.3)))]

    found = violations(Evidence((life, GONE), told, (), (), {"team1": ACCOUNT}))

    assert [each for each in found if each.startswith("out of order")]


@pytest.mark.parametrize(
    ("excuse", "excused"),
    [
        pytest.param(lambda: ("500 after taking", (), ()), True, id="it-was-answered-500"),
        pytest.param(lambda: (OK, (Harm(KILL, "w", 1031.5, 1031.5),), ()), True, id="its-sender-died"),
        pytest.param(lambda: (OK, (Harm(CRASH, "", 1020.0, math.inf),), ()), True, id="the-database-was-away"),
        pytest.param(lambda: (OK, (), (1031.5,)), True, id="a-lease-was-lost"),
        pytest.param(lambda: (OK, (Harm(KILL, "w", 1034.0, 1034.0),), ()), False, id="somebody-died-later"),
        pytest.param(lambda: (OK, (Harm(STOP, "w", 1031.0, 1032.0),), ()), False, id="a-worker-was-stopped"),
    ],
)
def test_a_repeat_is_excused_only_where_the_success_before_it_may_be_unknown(
    excuse: Callable[[], tuple[str, Sequence[Harm], Sequence[float]]], excused: bool
) -> None:
    answered, harms, losses = excuse()
    told = [*GOOD, attempt(1031.05, ENDING, answered=answered), attempt(1035.0, ENDING)]
    told.remove(GOOD[3])

    assert (violations(evidence(told, harms, losses)) == []) is excused


def test_one_excuse_excuses_one_repeat() -> None:
    told = [*GOOD, attempt(1030.5, ENDING, answered="500 after taking"), attempt(1036.0, ENDING)]

    (found,) = violations(evidence(told))

    assert found.startswith("told 3 times though its success was known: tuning_job.status_changed Completed")


@pytest.mark.parametrize(
    ("told", "found"),
    [
        pytest.param(people(1033.0, "failed", 0.3), "false: Slack", id="an-ending-that-never-was"),
        pytest.param(people(1033.0, "new best", 0.25), "false: Slack", id="a-value-that-never-was"),
        pytest.param(people(1029.0, "completed", 0.3), "false: Slack", id="an-ending-before-its-time"),
        pytest.param(people(1033.0, "completed", 0.2), "false: Slack", id="an-ending-without-the-final-best"),
        pytest.param(people(1033.0, "completed", 0.3), "told again in Slack, unmarked", id="an-unmarked-repeat"),
        pytest.param(people(1033.0, "completed", 0.3, repeated=True), "told 2 times", id="a-needless-repeat"),
    ],
)
def test_what_slack_should_not_have_been_told_is_found(told: Attempt, found: str) -> None:
    assert [each for each in violations(evidence([*GOOD, told])) if each.startswith(found)]


def test_a_marked_repeat_in_slack_is_excused_by_an_answer_that_was_lost() -> None:
    harms = [Harm(KILL, "w", 1032.5, 1032.5)]

    assert violations(evidence([*GOOD, people(1040.0, "completed", 0.3, repeated=True)], harms)) == []
