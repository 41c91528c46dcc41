"""What goes to a destination now."""

from collections.abc import Sequence
from dataclasses import replace

from notifier.dispatch.folding import Message
from notifier.dispatch.queue import Look, plan
from notifier.model import Hold, Owed, Policy, Told
from tests.dispatch.rows import NOW, PEOPLE, PROGRAM, best, end_of_hold, ended, notice, started, stopping

JOBS = "abcdefghijklmnopqrstuvwxyz"


def batches(policy: Policy, rows: Sequence[Owed], room: int = 4, **known: object) -> tuple[Message, ...]:
    look = replace(Look(NOW, sorted(rows, key=lambda row: row.seq)), **known)  # type: ignore[arg-type]
    return plan(policy, look, digest_jobs=10, room=room).batches


def held(until: float | None, fingerprint: str = "f1") -> Hold:
    return Hold(until, NOW - 100, 5, "HTTP 500", fingerprint)


def test_four_jobs_at_once_and_one_message_of_each() -> None:
    rows = [row for job in "abcdef" for row in (started(job), ended(job))]

    assert batches(PROGRAM, rows) == tuple((row,) for row in rows[:8:2])


def test_what_is_under_way_counts_and_keeps_its_job_waiting() -> None:
    first, second, other = started("a"), ended("a"), started("b")

    assert batches(PROGRAM, [first, second, other], flying=[(first,)]) == ((other,),)
    assert batches(PROGRAM, [other], flying=[(started(job),) for job in "wxyz"]) == ()


def test_the_pace_allows_fewer() -> None:
    rows = [started(job) for job in "abc"]

    assert batches(PROGRAM, rows, room=1) == ((rows[0],),)


def test_a_held_destination_is_left_alone_until_its_time() -> None:
    look = Look(NOW, [started("a")], hold=held(NOW + 5))

    assert plan(PROGRAM, look, digest_jobs=10).batches == ()
    assert plan(PROGRAM, look, digest_jobs=10).wake_at == NOW + 5


def test_a_destination_that_is_gone_is_left_alone_for_ever_unless_its_settings_change() -> None:
    row = started("a")

    assert batches(PROGRAM, [row], hold=held(None)) == ()
    assert batches(PROGRAM, [row], hold=held(None, fingerprint="before")) == ((row,),)


def test_after_a_hold_one_message_shows_whether_it_is_over() -> None:
    rows = [started(job) for job in "abc"]

    assert batches(PROGRAM, rows, hold=held(NOW)) == ((rows[0],),)
    assert batches(PROGRAM, rows, hold=held(NOW), flying=[(rows[0],)]) == ()


def test_after_five_failures_of_one_message_the_next_job_is_tried() -> None:
    failing, alone, other = started("a", attempts=5), started("b", alone_since=NOW - 9), started("c")

    assert batches(PROGRAM, [failing, alone, other], hold=held(NOW)) == ((other,),)
    assert batches(PROGRAM, [failing, alone], hold=held(NOW)) == ((failing,),)


def test_where_every_message_has_failed_its_fill_the_one_that_failed_least_is_tried() -> None:
    bad, other, alone = started("a", attempts=6), started("b", attempts=5), started("c", alone_since=NOW - 9)

    assert batches(PROGRAM, [bad, other, alone], hold=held(NOW)) == ((other,),)


def test_after_a_wait_that_was_asked_for_another_message_is_tried() -> None:
    first, second, third = rows = [started(job) for job in "abc"]

    assert batches(PROGRAM, rows, hold=held(NOW), deferred={first.seq: 1}) == ((second,),)
    assert batches(PROGRAM, rows, hold=held(NOW), deferred={row.seq: 1 for row in rows}) == ((first,),)
    assert batches(PROGRAM, rows, hold=held(NOW), deferred={first.seq: 2, second.seq: 2}) == ((third,),)


def test_a_job_that_fails_alone_delays_no_other() -> None:
    waiting, later, other = started("a", alone_since=NOW - 9, next_at=NOW + 60), ended("a"), started("b")

    assert batches(PROGRAM, [waiting, later, other]) == ((other,),)


def test_a_crowd_is_folded_into_digests_that_leave_nothing_out() -> None:
    rows = [row for job in JOBS for row in (started(job), best(job), ended(job))]

    digests = batches(PEOPLE, rows)

    assert [len({row.job_key for row in digest}) for digest in digests] == [9, 9, 8]
    assert sorted(row.seq for digest in digests for row in digest) == [row.seq for row in rows]


def test_few_messages_stay_themselves() -> None:
    rows = [ended(job) for job in JOBS[:10]]

    assert batches(PEOPLE, rows) == tuple((row,) for row in rows[:4])


def test_programs_get_no_digest() -> None:
    rows = [ended(job) for job in JOBS]

    assert batches(PROGRAM, rows) == tuple((row,) for row in rows[:4])


def test_notices_and_suspects_stay_out_of_a_digest() -> None:
    word, suspect, lonely = notice(), ended("suspect"), ended("lonely", alone_since=NOW - 5)
    rows = [ended(job) for job in JOBS]

    chosen = batches(PEOPLE, [word, suspect, lonely, *rows], apart={suspect.seq: 0})

    assert chosen[:3] == ((word,), (suspect,), (lonely,))
    assert {row.job_key for row in chosen[3]} == set(JOBS[:9])


def test_suspects_share_a_message_with_fewer_jobs_and_with_suspects_alone() -> None:
    suspects, others = [ended(job) for job in "abcdefghi"], [ended(job) for job in "jklmn"]

    chosen = batches(PEOPLE, [*suspects, *others], apart={row.seq: 4 for row in suspects})

    assert ["".join(row.job_key for row in message) for message in chosen] == ["abc", "def", "ghi", "jklmn"]


def test_an_ending_in_a_digest_brings_what_its_job_still_owes_and_bests_within_their_pace_stay_out() -> None:
    paced = best("paced", 0.95)
    rows = [row for job in JOBS[:11] for row in (stopping(job), ended(job))]
    look = Look(NOW, [paced, *rows], told={"paced": Told(NOW - 1, 0.9)})

    decided = plan(PEOPLE, look, digest_jobs=25)

    assert decided.batches == (tuple(rows),)
    assert decided.wake_at == NOW + 299


def test_a_digest_is_not_what_a_hold_is_probed_with() -> None:
    rows = [ended(job) for job in JOBS]

    assert batches(PEOPLE, rows, hold=held(NOW)) == ((rows[0],),)


def test_people_do_not_hear_of_a_hold_that_is_over_but_of_its_end() -> None:
    over, lasts = notice(repeated=True), notice()
    end = end_of_hold(over)

    decided = plan(PEOPLE, Look(NOW, [over, lasts, end]), digest_jobs=10)

    assert (decided.silent, decided.batches) == ((over,), ((lasts,),))
    assert plan(PEOPLE, Look(NOW, [over, end]), digest_jobs=10).batches == ((end,),)


def test_programs_hear_of_a_hold_before_they_hear_of_its_end() -> None:
    held = notice()
    end = end_of_hold(held)

    decided = plan(PROGRAM, Look(NOW, [held, end]), digest_jobs=10)

    assert (decided.silent, decided.batches) == ((), ((held,),))


def test_the_end_of_a_hold_waits_for_word_of_the_hold_that_is_under_way() -> None:
    held = notice()
    end = end_of_hold(held)

    for policy in (PEOPLE, PROGRAM):
        decided = plan(policy, Look(NOW, [end], flying=[(held,)]), digest_jobs=10)
        assert (decided.silent, decided.batches) == ((), ())
        assert batches(policy, [end]) == ((end,),)
