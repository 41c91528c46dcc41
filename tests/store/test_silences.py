"""Silences are kept, end by themselves or by hand, and what they kept back can still be sent."""

import pytest

from notifier.ports import Outcome
from notifier.store import State, Store
from notifier.store.upkeep import DAY
from tests.store.looks import SCOPE, Clock, first_look


async def silenced(store: Store) -> int:
    """The number of a row that a silence kept back."""
    await store.watch.commit(SCOPE, [first_look(1)])
    (row,) = await store.outbox.owed("slack", 9)
    await store.outbox.finish(Outcome("slack", silenced=((row.seq, "silence 1: *"),)))
    return row.seq


async def test_a_silence_is_read_as_it_was_made(store: Store, clock: Clock) -> None:
    first = await store.silences.add("xgb-*", None, 60.0, "bad data")
    second = await store.silences.add("*", "slack", 3600.0)

    assert (first.since, first.until, first.comment) == (clock.time, clock.time + 60, "bad data")
    assert second.id > first.id
    assert await store.silences.all() == [first, second]


async def test_who_delivers_reads_them_with_what_is_owed(store: Store) -> None:
    silence = await store.silences.add("xgb-*", None, 60.0)
    idle = await store.outbox.waiting("slack", 9)

    await store.watch.commit(SCOPE, [first_look(1)])
    busy = await store.outbox.waiting("slack", 9)

    assert (idle.rows, idle.silences) == ([], ())
    assert (len(busy.rows), busy.silences) == (1, [silence])


async def test_only_one_that_lasts_can_be_ended(store: Store, clock: Clock) -> None:
    short, long = await store.silences.add("a", None, 60.0), await store.silences.add("b", None, 3600.0)
    clock.time += 61

    assert await store.silences.end([short.id, long.id, 99]) == [long.id]
    assert await store.silences.end([long.id]) == []
    assert [each.until for each in await store.silences.all()] == [short.until, clock.time]


async def test_one_that_ended_weeks_ago_is_forgotten_and_its_number_is_not_given_again(
    store: Store, clock: Clock
) -> None:
    made = await store.silences.add("a", None, 60.0)

    clock.time += 29 * DAY
    await store.upkeep.tidy(["slack"])
    assert await store.silences.all() == [made]

    clock.time += 2 * DAY
    await store.upkeep.tidy(["slack"])
    assert await store.silences.all() == []
    assert (await store.silences.add("b", None, 60.0)).id > made.id


async def test_a_silenced_row_is_owed_no_more_and_says_why(store: Store) -> None:
    seq = await silenced(store)

    (letter,) = await store.desk.letters(states=[State.SILENCED])
    assert (letter.seq, letter.error) == (seq, "silence 1: *")
    assert await store.outbox.owed("slack", 9) == []
    assert await store.desk.letters() == []


@pytest.mark.parametrize("to", [pytest.param(None, id="where-it-was"), pytest.param("webhook", id="elsewhere")])
async def test_a_silenced_row_that_is_retried_is_owed_again_whatever_is_silenced(store: Store, to: str | None) -> None:
    seq = await silenced(store)

    assert await store.desk.retry([seq], to=to) == [seq]

    (row,) = await store.outbox.owed(to or "slack", 9)
    assert row.insisted
    (letter,) = await store.desk.letters()
    assert letter.settled_at is None


async def test_to_retry_everything_does_not_mean_what_was_silenced(store: Store) -> None:
    await silenced(store)

    assert await store.desk.retry() == []


async def test_to_retry_everything_insists_on_nothing(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    (row,) = await store.outbox.owed("slack", 9)
    await store.outbox.finish(Outcome("slack", dead=((row.seq, "400"),)))

    assert await store.desk.retry() == [row.seq]
    assert not (await store.outbox.owed("slack", 9))[0].insisted


async def test_a_silenced_row_is_pruned_after_a_week(store: Store, clock: Clock) -> None:
    await silenced(store)
    clock.time += 8 * DAY
    await store.upkeep.tidy(["slack"])

    assert await store.desk.letters(states=[State.SILENCED]) == []


async def test_what_was_delivered_or_given_up_meanwhile_is_not_silenced(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    (row,) = await store.outbox.owed("slack", 9)
    await store.desk.discard([row.seq])

    await store.outbox.finish(Outcome("slack", silenced=((row.seq, "silence 1: *"),)))

    assert await store.desk.letters(states=[State.SILENCED]) == []
