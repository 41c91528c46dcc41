"""The rows that the deliver loop works off, and what becomes of them."""

from dataclasses import replace

import pytest

from notifier.model import Direction, Hold, Owed, Told
from notifier.ports import Outcome, Postponed, Routed
from notifier.store import State, Store, open_store
from tests.examples import best, ended, new_best, started, tuning_job
from tests.store.looks import SCOPE, Clock, first_look, look, notice

HOLD = Hold(until=9.0, since=1.0, failures=3, reason="503", fingerprint="f", probing=True)


async def one_owed(store: Store) -> Owed:
    """The only row owed to Slack."""
    (row,) = await store.outbox.owed("slack", 10)
    return row


async def state_of(store: Store, seq: int) -> State:
    """Where a row stands."""
    found = await store.desk.letter(seq)
    assert found is not None
    return found[0].state


async def test_a_row_says_what_the_deliver_loop_decides_by(store: Store, clock: Clock) -> None:
    job = tuning_job()
    events = (started(job), new_best(best(1, 0.9), job=job), ended(job))
    await store.watch.commit(SCOPE, [look(job, *events)])

    first, second, third = await store.outbox.owed("slack", 10)

    key = job.identity.key
    assert first == Owed(first.seq, events[0].id, key, "tuning_job.started", clock.time)
    assert (second.best_value, second.direction, second.final) == (0.9, Direction.MAXIMIZE, False)
    assert (third.best_value, third.direction, third.final) == (None, None, True)
    assert first.seq < second.seq < third.seq


async def test_the_limit_gives_the_oldest(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(5)])

    rows = await store.outbox.owed("slack", 2)

    assert [row.event_id for row in rows] == [first_look(number).events[0].event.id for number in range(2)]


async def test_the_newest_row_is_another_whenever_something_new_is_owed_to_anybody(store: Store) -> None:
    found = [await store.outbox.newest()]
    for number, destination in enumerate(("slack", "webhook")):
        await store.watch.commit(SCOPE, [first_look(number, to=(destination,))])
        found.append(await store.outbox.newest())

    assert found[0] is None
    assert len(set(found)) == 3


async def test_a_settled_row_is_owed_no_more(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1, to=("slack", "webhook"))])
    row = await one_owed(store)
    await store.outbox.sending("slack", [row.seq])

    await store.outbox.finish(Outcome("slack", settled=(row.seq,)))

    assert await store.outbox.owed("slack", 10) == []
    assert len(await store.outbox.owed("webhook", 10)) == 1


async def test_a_postponed_row_waits_as_it_was_told(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    row = await one_owed(store)
    await store.outbox.sending("slack", [row.seq])

    later = Postponed(row.seq, next_at=99.0, attempts=2, repeated=True, error="timeout", alone_since=5.0)
    await store.outbox.finish(Outcome("slack", postponed=(later,), hold=HOLD))

    waiting = await one_owed(store)
    assert (waiting.next_at, waiting.attempts, waiting.repeated, waiting.alone_since) == (99.0, 2, True, 5.0)
    assert await state_of(store, row.seq) == State.PENDING


async def test_a_dead_letter_is_not_owed_but_kept_with_its_reason(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    row = await one_owed(store)

    await store.outbox.finish(Outcome("slack", dead=((row.seq, "400 no_text\ud800"),)))

    assert await store.outbox.owed("slack", 10) == []
    (letter,) = await store.desk.letters()
    assert (letter.state, letter.error) == (State.DEAD, "400 no_text\N{REPLACEMENT CHARACTER}")


async def test_a_send_that_a_crash_interrupted_may_be_repeated(url: str) -> None:
    async with open_store(url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [first_look(1), first_look(2)])
        first, _ = await store.outbox.owed("slack", 10)
        await store.outbox.sending("slack", [first.seq])

    async with open_store(url, exclusive=False) as guest:
        assert await state_of(guest, first.seq) == State.SENDING

    async with open_store(url, exclusive=True) as store:
        assert [row.repeated for row in await store.outbox.owed("slack", 10)] == [True, False]
        assert await state_of(store, first.seq) == State.PENDING


async def test_a_row_under_way_that_nobody_finished_may_be_repeated(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])

    await store.outbox.sending("slack", [(await one_owed(store)).seq])

    assert (await one_owed(store)).repeated


async def test_a_hold_is_set_replaced_and_lifted(store: Store) -> None:
    assert await store.outbox.hold("slack") is None
    await store.outbox.finish(Outcome("slack", hold=HOLD))
    assert await store.outbox.hold("slack") == HOLD

    forever = Hold(None, 1.0, 4, "410\x00", "f")
    await store.outbox.finish(Outcome("slack", hold=forever, found=HOLD))
    stored = Hold(None, 1.0, 4, "410\N{REPLACEMENT CHARACTER}", "f")
    assert await store.outbox.hold("slack") == stored
    assert await store.outbox.hold("webhook") is None

    await store.outbox.finish(Outcome("slack", found=stored))
    assert await store.outbox.hold("slack") is None


async def test_a_hold_and_a_wait_outlive_a_restart(url: str, clock: Clock) -> None:
    async with open_store(url, exclusive=True, clock=clock) as store:
        await store.watch.commit(SCOPE, [first_look(1)])
        (row,) = await store.outbox.owed("slack", 10)
        await store.outbox.sending("slack", [row.seq])
        later = Postponed(row.seq, next_at=clock() + 600, attempts=2, repeated=False, error="503", alone_since=clock())
        await store.outbox.finish(Outcome("slack", postponed=(later,), hold=HOLD))
        before = await store.outbox.owed("slack", 10)

    async with open_store(url, exclusive=True, clock=clock) as store:
        assert await store.outbox.hold("slack") == HOLD
        assert await store.outbox.owed("slack", 10) == before
        assert (before[0].next_at, before[0].attempts) == (clock() + 600, 2)


async def test_what_was_decided_on_a_hold_that_somebody_lifted_meanwhile_is_not_written(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    row = await one_owed(store)
    await store.outbox.finish(Outcome("slack", hold=HOLD))
    await store.desk.release("slack")

    longer = Outcome("slack", postponed=(Postponed(row.seq, 99.0, 1, False, "503"),), hold=HOLD, found=HOLD)
    assert not await store.outbox.finish(longer)

    assert await store.outbox.hold("slack") is None
    assert (await one_owed(store)).attempts == 0
    assert await store.outbox.finish(replace(longer, found=None))
    assert (await one_owed(store)).attempts == 1


async def test_what_was_sent_is_settled_with_the_mark_of_what_goes_next(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(3)])
    sent, given_up, follows = [row.seq for row in await store.outbox.owed("slack", 10)]
    await store.outbox.sending("slack", [sent])
    await store.desk.discard([given_up])

    # What is settled in the same breath is not sent again, though somebody asks for it.
    assert await store.outbox.proceed(Outcome("slack", settled=(sent,)), [sent, given_up, follows]) == frozenset(
        [follows]
    )

    (row,) = await store.outbox.owed("slack", 10)
    assert (row.seq, row.repeated) == (follows, True)


async def test_nothing_proceeds_where_the_hold_is_another_than_was_found(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(2)])
    sent, follows = [row.seq for row in await store.outbox.owed("slack", 10)]
    await store.outbox.finish(Outcome("slack", hold=HOLD))

    assert await store.outbox.proceed(Outcome("slack", settled=(sent,)), [follows]) is None

    assert [(row.seq, row.repeated) for row in await store.outbox.owed("slack", 10)] == [
        (sent, False),
        (follows, False),
    ]


async def test_only_what_is_still_owed_to_the_destination_may_be_sent(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(4)])
    stays, moved, given_up, marked = [row.seq for row in await store.outbox.owed("slack", 10)]
    await store.desk.retry([moved], to="webhook")
    await store.desk.discard([given_up])
    # A mark whose answer was lost: the row must come back, or nobody ever sends it.
    await store.outbox.sending("slack", [marked])

    assert await store.outbox.sending("slack", [stays, moved, given_up, marked]) == {stays, marked}

    (elsewhere,) = await store.outbox.owed("webhook", 10)
    assert not elsewhere.repeated


async def test_what_people_were_told_is_kept_by_destination_and_job(store: Store) -> None:
    await store.outbox.finish(Outcome("slack", told=(("a", Told(1.0, 0.5)), ("b", Told(2.0, None)))))
    await store.outbox.finish(Outcome("slack", told=(("a", Told(3.0, 0.6)), ("a", Told(4.0, 0.7)))))

    assert await store.outbox.told("slack", ["a", "b", "c"]) == {"a": Told(4.0, 0.7), "b": Told(2.0, None)}
    assert await store.outbox.told("webhook", ["a", "b", "c"]) == {}


async def test_an_outcome_brings_its_notices(store: Store) -> None:
    await store.outbox.finish(Outcome("slack", hold=HOLD, notices=(Routed(notice("held"), ("webhook",)),)))

    (row,) = await store.outbox.owed("webhook", 10)
    assert row.event_id == "held"


async def test_an_outcome_is_written_whole_or_not_at_all(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    row = await one_owed(store)
    torn = Routed(notice("torn"), (None,))  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r"(?i)not.null"):
        await store.outbox.finish(Outcome("slack", settled=(row.seq,), hold=HOLD, notices=(torn,)))

    assert await one_owed(store) == row
    assert await store.outbox.hold("slack") is None


async def test_what_was_discarded_under_way_does_not_come_back_but_counts_as_sent_if_it_was(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1), first_look(2)])
    seqs = [row.seq for row in await store.outbox.owed("slack", 10)]
    await store.outbox.sending("slack", seqs)
    await store.desk.discard(seqs)

    late = Postponed(seqs[0], next_at=1.0, attempts=1, repeated=True, error="timeout")
    await store.outbox.finish(Outcome("slack", postponed=(late,), settled=(seqs[1],)))

    assert await store.outbox.owed("slack", 10) == []
    assert [await state_of(store, seq) for seq in seqs] == [State.DISCARDED, State.SETTLED]


async def test_the_clock_is_the_stores(store: Store, clock: Clock) -> None:
    clock.time = 5.0

    assert await store.outbox.now() == 5.0


async def test_unknown_events_are_left_out(store: Store) -> None:
    assert await store.outbox.events(["nothing"]) == {}


async def test_what_became_of_several_rows_is_written_at_once(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(6)])
    one, two, three, four, five, six = [row.seq for row in await store.outbox.owed("slack", 10)]
    waits = tuple(Postponed(seq, 60.0, 1, False, "503") for seq in (three, four))

    await store.outbox.finish(Outcome("slack", (five, six), waits, ((one, "400"), (two, "413"))))

    states = [await state_of(store, seq) for seq in (one, two, three, four, five, six)]
    assert states == [State.DEAD] * 2 + [State.PENDING] * 2 + [State.SETTLED] * 2
    assert [row.attempts for row in await store.outbox.owed("slack", 10)] == [1, 1]
