"""What people do to the outbox beside a running service."""

import asyncio
from dataclasses import replace

import pytest

from notifier.model import Hold
from notifier.ports import Outcome, Postponed
from notifier.store import Depth, State, Store, open_store
from tests.examples import started, tuning_job
from tests.store.looks import SCOPE, Clock, first_look, look, remembered
from tests.store.processes import child, heard

HOLD = Hold(until=None, since=1.0, failures=3, reason="410", fingerprint="f")


async def owe(store: Store, count: int, *destinations: str) -> list[int]:
    """Owe so many first looks to the destinations; the rows' numbers."""
    await store.watch.commit(SCOPE, [first_look(number, to=destinations) for number in range(count)])
    return [letter.seq for letter in await store.desk.letters()]


async def test_letters_are_listed_by_destination_and_state(store: Store) -> None:
    first, second, third, fourth = await owe(store, 2, "slack", "webhook")
    await store.outbox.finish(Outcome("slack", settled=(first,), dead=((third, "400"),)))

    async def seqs(**wanted: object) -> list[int]:
        return [letter.seq for letter in await store.desk.letters(**wanted)]  # type: ignore[arg-type]

    assert await seqs() == [second, third, fourth]
    assert await seqs(destinations=["webhook"]) == [second, fourth]
    assert await seqs(states=[State.SETTLED, State.DEAD]) == [first, third]
    assert await seqs(limit=1) == [second]


async def test_a_letter_is_shown_with_its_event(store: Store) -> None:
    job = tuning_job()
    await store.watch.commit(SCOPE, [look(job, started(job))])
    (letter,) = await store.desk.letters()

    assert await store.desk.letter(letter.seq) == (letter, started(job))
    assert await store.desk.letter(letter.seq + 1) is None


async def test_a_dead_letter_that_is_retried_starts_anew_under_its_old_id(store: Store) -> None:
    await owe(store, 1, "slack")
    (before,) = await store.outbox.owed("slack", 10)
    await store.outbox.finish(Outcome("slack", postponed=(Postponed(before.seq, 99.0, 7, False, "500", 5.0),)))
    await store.outbox.finish(Outcome("slack", dead=((before.seq, "400"),)))

    assert await store.desk.retry() == [before.seq]

    assert await store.outbox.owed("slack", 10) == [before]


async def test_retrying_a_pending_letter_lifts_its_wait_and_the_hold_of_its_destination(store: Store) -> None:
    seqs = await owe(store, 1, "slack", "webhook")
    for name, seq in zip(("slack", "webhook"), seqs, strict=True):
        await store.outbox.finish(Outcome(name, postponed=(Postponed(seq, 99.0, 1, True, "410"),), hold=HOLD))

    assert await store.desk.retry([seqs[0]]) == [seqs[0]]

    assert await store.desk.holds() == {"webhook": HOLD}
    assert (await store.outbox.owed("slack", 10))[0].next_at == 0.0
    assert (await store.outbox.owed("webhook", 10))[0].next_at == 99.0


async def test_what_is_under_way_settled_or_discarded_is_not_retried(store: Store) -> None:
    seqs = await owe(store, 3, "slack")
    await store.outbox.sending("slack", seqs[:1])
    await store.outbox.finish(Outcome("slack", settled=(seqs[1],)))
    await store.desk.discard([seqs[2]])

    assert await store.desk.retry(seqs) == []

    assert [(await store.desk.letter(seq) or pytest.fail("gone"))[0].state for seq in seqs] == [
        State.SENDING,
        State.SETTLED,
        State.DISCARDED,
    ]


async def test_letters_are_sent_to_another_destination(store: Store) -> None:
    seqs = await owe(store, 3, "old")
    await store.outbox.finish(Outcome("old", dead=((seqs[1], "400"),)))

    assert await store.desk.retry(seqs, to="new") == seqs

    assert await store.outbox.owed("old", 10) == []
    assert [row.seq for row in await store.outbox.owed("new", 10)] == seqs


async def test_a_letter_known_at_the_other_destination_stays_where_it_is(store: Store) -> None:
    old, new = await owe(store, 1, "old", "new")
    await store.outbox.finish(Outcome("new", settled=(new,)))

    assert await store.desk.retry([old], to="new") == []

    (letter,) = await store.desk.letters(destinations=["old"], states=list(State))
    assert (letter.state, letter.error) == (State.PENDING, None)
    assert await store.outbox.owed("new", 10) == []


async def test_of_two_letters_of_one_event_one_goes_to_the_other_destination(store: Store) -> None:
    seqs = await owe(store, 1, "one", "two")

    assert await store.desk.retry(seqs, to="new") == seqs[:1]

    assert [row.seq for row in await store.outbox.owed("new", 10)] == seqs[:1]
    assert [row.seq for row in await store.outbox.owed("two", 10)] == seqs[1:]


async def test_a_letter_already_there_stays_and_is_retried(store: Store) -> None:
    _, new = await owe(store, 1, "old", "new")

    assert await store.desk.retry([new], to="new") == [new]


async def test_retrying_all_takes_in_whatever_would_not_go_now(store: Store, clock: Clock) -> None:
    gone, waiting, put_off, dead, _ = await owe(store, 1, "gone", "waiting", "slow", "fine", "flowing")
    later = clock() + 99.0
    wait = replace(HOLD, until=later)
    await store.outbox.finish(Outcome("gone", postponed=(Postponed(gone, 0.0, 1, True, "410"),), hold=HOLD))
    await store.outbox.finish(Outcome("waiting", postponed=(Postponed(waiting, 0.0, 1, True, "503"),), hold=wait))
    await store.outbox.finish(Outcome("slow", postponed=(Postponed(put_off, later, 1, True, "500"),)))
    await store.outbox.finish(Outcome("fine", dead=((dead, "400"),)))

    assert await store.desk.retry() == [gone, waiting, put_off, dead]

    assert await store.desk.holds() == {}
    for name in ("gone", "waiting", "slow", "fine"):
        (row,) = await store.outbox.owed(name, 10)
        assert (row.attempts, row.next_at) == (0, 0.0)


async def test_retrying_all_lifts_a_hold_even_where_nothing_waits(store: Store) -> None:
    await store.outbox.finish(Outcome("gone", hold=HOLD))

    assert await store.desk.retry() == []

    assert await store.desk.holds() == {}


async def test_all_that_is_stuck_or_orphaned_is_sent_to_another_destination(store: Store) -> None:
    gone, orphaned, flowing, waiting = await owe(store, 1, "gone", "removed", "fine", "waiting")
    wait = replace(HOLD, until=1e12)
    await store.outbox.finish(Outcome("gone", hold=HOLD))
    await store.outbox.finish(Outcome("waiting", hold=wait))

    assert await store.desk.retry(to="new", present={"gone", "fine", "waiting", "new"}) == [gone]

    assert [row.seq for row in await store.outbox.owed("fine", 10)] == [flowing]
    assert [row.seq for row in await store.outbox.owed("waiting", 10)] == [waiting]
    assert (await store.desk.holds())["waiting"] == wait
    states = [(await store.desk.letter(seq) or pytest.fail("lost"))[0].state for seq in (gone, orphaned)]
    assert states == [State.PENDING, State.DISCARDED]  # Of one event there is one row a destination.


async def test_orphans_go_to_another_destination_with_all(store: Store) -> None:
    seqs = await owe(store, 3, "removed")

    assert await store.desk.retry(to="new", present={"new"}) == seqs

    assert [row.seq for row in await store.outbox.owed("new", 10)] == seqs


async def test_discarded_letters_are_owed_no_more(store: Store) -> None:
    seqs = await owe(store, 3, "slack")
    await store.outbox.finish(Outcome("slack", dead=((seqs[0], "400"),), settled=(seqs[2],)))

    assert await store.desk.discard([*seqs, 999]) == seqs[:2]

    assert await store.outbox.owed("slack", 10) == []


async def test_a_hold_is_released_once(store: Store) -> None:
    await store.outbox.finish(Outcome("slack", hold=HOLD))

    assert await store.desk.release("slack")
    assert not await store.desk.release("slack")
    assert await store.outbox.hold("slack") is None


async def test_the_jobs_are_listed_with_their_scope(store: Store) -> None:
    job = tuning_job()
    await store.watch.commit(SCOPE, [look(job)])

    assert await store.desk.jobs() == [(SCOPE, remembered(job))]


async def test_the_depths_count_what_is_unsettled(store: Store, clock: Clock) -> None:
    began = clock.time
    await store.watch.commit(SCOPE, [first_look(1, to=("slack", "webhook"))])
    clock.time += 60
    await store.watch.commit(SCOPE, [first_look(2), first_look(3)])
    rows = await store.outbox.owed("slack", 10)
    await store.outbox.finish(Outcome("slack", settled=(rows[0].seq,), dead=((rows[1].seq, "400"),)))

    assert await store.desk.depths() == [
        Depth("slack", State.DEAD, 1, clock.time),
        Depth("slack", State.PENDING, 1, clock.time),
        Depth("webhook", State.PENDING, 1, began),
    ]


async def test_another_process_works_on_the_outbox_while_the_service_commits(url: str) -> None:
    async with open_store(url, exclusive=True) as store, asyncio.timeout(60):
        await owe(store, 30, "slack")
        async with child("desk", url) as desk:
            discarded = 0
            number = 30
            while said := await heard(desk):
                discarded += int(said)
                await store.watch.commit(SCOPE, [first_look(number)])
                number += 1
            assert await desk.wait() == 0
        left = await store.outbox.owed("slack", 1000)

    assert discarded == 20
    assert len(left) == number - discarded
    assert len({row.event_id for row in left}) == len(left)
