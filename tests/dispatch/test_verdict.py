"""What answers change."""

from dataclasses import replace
from typing import Any

import pytest

from notifier.dispatch.folding import Message
from notifier.dispatch.notices import end_of
from notifier.dispatch.verdict import ALONE_FOR, Answer, Circumstances, deferred, doubted, judge, suspects
from notifier.errors import DeliveryError, Fault
from notifier.model import Hold, Notice, NoticeType, Told
from tests.dispatch.rows import NOW, PEOPLE, PROGRAM, best, ended, started

HOUR = 3600.0


def around(**known: Any) -> Circumstances:
    return replace(Circumstances(NOW, 0.5), **known)


def failed(*rows: Any, fault: Fault = Fault.DESTINATION, probe: bool = False, **more: Any) -> Answer:
    return Answer(tuple(rows), DeliveryError("HTTP 500", fault, **more), probe)


def hold(until: float | None = NOW, failures: int = 3, since: float = NOW - 60, **changes: Any) -> Hold:
    return replace(Hold(until, since, failures, "HTTP 500", "f1"), **changes)


def test_a_message_taken_settles_its_rows_and_lifts_the_hold_it_probed() -> None:
    rows: Message = (best("a"), ended("a"))

    outcome = judge(PROGRAM, [Answer(rows, probe=True)], around(hold=hold()))

    assert (outcome.settled, outcome.hold) == (tuple(row.seq for row in rows), None)


def test_a_message_from_before_the_hold_does_not_cut_a_wait_short() -> None:
    asked = hold(NOW + 60, failures=0)

    outcome = judge(PROGRAM, [Answer((started("a"),))], around(hold=asked))

    assert (len(outcome.settled), outcome.hold) == (1, asked)


def test_the_last_best_that_people_were_told_is_remembered_by_job() -> None:
    rows = (best("a", 0.8), best("b", 0.5), best("a", 0.9), ended("a"))

    assert judge(PEOPLE, [Answer(rows)], around()).told == (("a", Told(NOW, 0.9)), ("b", Told(NOW, 0.5)))
    assert judge(PROGRAM, [Answer(rows)], around()).told == ()


def test_a_refused_message_is_a_dead_letter_and_holds_nothing() -> None:
    row = started("a")

    outcome = judge(PROGRAM, [failed(row, fault=Fault.MESSAGE)], around())

    assert (outcome.dead, outcome.postponed, outcome.hold) == (((row.seq, "HTTP 500"),), (), None)


def test_of_rows_refused_together_none_dies_before_each_was_tried_alone() -> None:
    rows = (ended("a", attempts=2), ended("b"))
    answer = failed(*rows, fault=Fault.MESSAGE)

    outcome = judge(PEOPLE, [answer], around())

    assert outcome.dead == ()
    assert [(each.next_at, each.attempts) for each in outcome.postponed] == [(0, 2), (0, 0)]
    assert suspects([answer]) == {row.seq: 1 for row in rows}


@pytest.mark.parametrize(
    ("jobs", "left"),
    [
        pytest.param("abcdefgh", 4, id="half of many"),
        pytest.param("abc", 1, id="a job by itself"),
        pytest.param("aaa", 0, id="a row by itself"),
    ],
)
def test_suspects_share_a_message_with_half_as_many_jobs(jobs: str, left: int) -> None:
    rows = [ended(job) for job in jobs]

    assert suspects([failed(*rows, fault=Fault.MESSAGE)]) == {row.seq: left for row in rows}
    assert suspects([failed(*rows), Answer(tuple(rows)), failed(rows[0], fault=Fault.MESSAGE)]) == {}


def test_the_destinations_failure_holds_it_and_counts_an_attempt() -> None:
    row = started("a", attempts=1)

    outcome = judge(PROGRAM, [failed(row, ambiguous=True)], around())

    (postponed,) = outcome.postponed
    assert outcome.hold is not None
    assert (outcome.hold.until, outcome.hold.failures, outcome.hold.probing) == (NOW + 1, 1, False)
    assert (postponed.next_at, postponed.attempts, postponed.repeated) == (0, 2, True)


def test_what_may_have_arrived_once_stays_so() -> None:
    outcome = judge(PROGRAM, [failed(started("a", repeated=True))], around())

    assert outcome.postponed[0].repeated


def test_a_job_that_fails_alone_is_not_tried_sooner_than_asked() -> None:
    row = started("a", attempts=9, alone_since=NOW - 60)

    outcome = judge(PROGRAM, [failed(row, after=900.0)], around(dice=0.0))

    assert (outcome.hold, outcome.postponed[0].next_at) == (None, NOW + 900)


def test_being_asked_to_wait_counts_no_attempt() -> None:
    row = started("a", attempts=1)

    outcome = judge(PROGRAM, [failed(row, fault=Fault.NOBODY, after=7.0)], around(dice=0.0))

    assert outcome.hold is not None
    assert (outcome.hold.until, outcome.postponed[0].attempts) == (NOW + 7, 1)


def test_how_often_a_row_was_asked_to_wait_is_counted_besides() -> None:
    first, second = started("a"), started("b")
    answers = [failed(first, fault=Fault.NOBODY), failed(second), Answer((second,)), failed(first, fault=Fault.NOBODY)]

    assert deferred({first.seq: 1}, answers) == {first.seq: 3}


def test_sends_that_fail_together_settle_as_one_failure() -> None:
    answers = [failed(started(job)) for job in "abcd"]

    outcome = judge(PROGRAM, answers, around())

    assert outcome.hold is not None and outcome.hold.failures == 1
    assert [each.attempts for each in outcome.postponed] == [1, 1, 1, 1]


def test_the_fifth_failure_of_a_message_lets_the_next_job_be_tried() -> None:
    outcome = judge(PROGRAM, [failed(started("a", attempts=4), probe=True)], around(hold=hold(failures=4)))

    assert outcome.hold is not None
    assert (outcome.hold.probing, outcome.postponed[0].alone_since) == (True, None)


def test_what_fails_again_while_nothing_is_held_waits_alone() -> None:
    outcome = judge(PROGRAM, [failed(started("a", attempts=5))], around())

    assert outcome.hold is None
    assert (outcome.postponed[0].alone_since, outcome.postponed[0].next_at) == (NOW, NOW + 32)


def test_a_second_job_that_fails_again_shows_that_the_destination_is_down() -> None:
    answers = [failed(started(job, attempts=40)) for job in "ab"]

    together = judge(PROGRAM, answers, around())
    apart = judge(PROGRAM, answers[1:], around(doubted=doubted(frozenset(), answers[:1])))

    assert [each.alone_since for each in together.postponed] == [NOW, None]
    assert together.hold == apart.hold is not None
    assert together.postponed[1:] == apart.postponed


def test_a_message_that_went_through_in_between_shows_that_the_second_job_fails_alone_too() -> None:
    first, second = (failed(started(job, attempts=40)) for job in "ab")

    outcome = judge(PROGRAM, [first, Answer((started("c"),)), second], around())

    assert [each.alone_since for each in outcome.postponed] == [NOW, NOW]
    assert outcome.hold is None


def test_a_digest_that_fails_after_an_outage_is_no_jobs_own_failure() -> None:
    outcome = judge(PEOPLE, [failed(ended("a", attempts=40), ended("b", attempts=40))], around())

    assert outcome.hold is not None
    assert [each.alone_since for each in outcome.postponed] == [None, None]


@pytest.mark.parametrize(
    ("known", "since", "dies"),
    [
        pytest.param({"worked_at": NOW - 60}, NOW - ALONE_FOR, True, id="three days, and others went through"),
        pytest.param({"worked_at": NOW - 60}, NOW - ALONE_FOR + 60, False, id="not yet three days"),
        pytest.param({"worked_at": NOW - 2 * HOUR}, NOW - ALONE_FOR, False, id="nothing else was tried of late"),
        pytest.param({}, NOW - ALONE_FOR, False, id="nothing is known of others"),
        pytest.param({"worked_at": NOW - 60, "hold": hold()}, NOW - ALONE_FOR, False, id="the destination is down"),
    ],
)
def test_a_message_that_fails_alone_dies_only_while_the_destination_works(
    known: dict[str, Any], since: float, dies: bool
) -> None:
    row = started("a", attempts=400, alone_since=since)

    outcome = judge(PROGRAM, [failed(row)], around(**known))

    assert ([seq for seq, _ in outcome.dead] == [row.seq]) is dies
    assert bool(outcome.postponed) is not dies


def test_in_an_outage_of_days_nothing_dies() -> None:
    row = started("a", attempts=900)

    outcome = judge(PROGRAM, [failed(row, probe=True)], around(hold=hold(failures=900, since=NOW - 9 * 86400)))

    assert (outcome.dead, outcome.postponed[0].alone_since) == ((), None)


OPERATOR = ("webhook", "slack", "console")


def test_the_operator_hears_once_of_a_hold_through_another_destination() -> None:
    sixth = judge(PROGRAM, [failed(started("b"), probe=True)], around(hold=hold(failures=5), operator=OPERATOR))
    seventh = judge(
        PROGRAM,
        [failed(started("b"), probe=True)],
        around(hold=sixth.hold, alarmed=sixth.hold, operator=OPERATOR),
    )

    (routed,) = sixth.notices
    assert (routed.event.type, routed.destinations) == (NoticeType.DESTINATION_HELD, ("slack", "console"))
    assert seventh.notices == ()


def test_nobody_hears_of_a_hold_where_there_is_no_other_destination() -> None:
    outcome = judge(PROGRAM, [failed(started("a"), fault=Fault.GONE)], around(operator=("webhook",)))

    assert outcome.notices == ()


def test_the_operator_hears_of_a_recovery_if_it_heard_of_the_hold() -> None:
    answers = [Answer((started("a"),), probe=True)]
    brief, long = hold(failures=2), hold(failures=9)

    after_brief = judge(PROGRAM, answers, around(hold=brief, operator=OPERATOR))
    after_long = judge(PROGRAM, answers, around(hold=long, alarmed=long, operator=OPERATOR))
    after_retry = judge(PROGRAM, answers, around(hold=None, alarmed=long, operator=OPERATOR))

    assert after_brief.notices == ()
    assert [each.event.type for each in after_long.notices] == [NoticeType.DESTINATION_RECOVERED]
    assert after_retry.notices == after_long.notices


def test_a_recovery_says_how_long_it_was_held_there_too_and_its_id_follows_from_the_holds() -> None:
    since = hold(until=None, since=NOW - 2 * HOUR)
    gone = judge(PROGRAM, [failed(started("a"), fault=Fault.GONE)], around(now=since.since, operator=OPERATOR))

    works = judge(PROGRAM, [Answer((started("a"),))], around(alarmed=since, operator=OPERATOR))

    (held,), (recovered,) = gone.notices, works.notices
    assert recovered.destinations == OPERATOR and "webhook" not in held.destinations
    assert isinstance(recovered.event, Notice) and recovered.event.id == end_of(held.event.id)
    assert recovered.event.lines == (
        "It was held from 2023-11-14 20:13 to 2023-11-14 22:13 UTC; what waited comes now, and late.",
    )


def test_an_operator_with_no_other_destination_hears_of_a_hold_once_it_is_over() -> None:
    works = judge(
        PROGRAM, [Answer((started("a"),), probe=True)], around(alarmed=hold(failures=9), operator=("webhook",))
    )

    assert [each.destinations for each in works.notices] == [("webhook",)]


def test_a_refusal_after_a_retry_is_no_recovery() -> None:
    outcome = judge(
        PROGRAM,
        [failed(started("a"), fault=Fault.MESSAGE)],
        around(hold=None, alarmed=hold(failures=9), operator=OPERATOR),
    )

    assert outcome.notices == ()


def test_a_hold_has_one_id_however_often_it_is_told() -> None:
    gone = [failed(started("a"), fault=Fault.GONE)]

    first, again, later = (
        judge(PROGRAM, gone, around(now=now, operator=OPERATOR)).notices[0].event.id for now in (NOW, NOW, NOW + 1)
    )

    assert first == again != later
