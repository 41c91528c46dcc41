"""Cards are kept with their jobs, and those that show less than is known are found."""

from dataclasses import replace

import pytest

from notifier.errors import LeaseLost
from notifier.model import Card, Posted, Scope, Status
from notifier.store import Store
from tests.examples import tuning_job
from tests.store.looks import SCOPE, Clock, first_look, look
from tests.store.test_leases import beat

DESTINATION, HOME = "slack", "here"


def card(number: int, seen_at: float = 0.0, edited_at: float = 0.0, home: str = HOME) -> Card:
    """The card of one of many jobs."""
    key = tuning_job(f"job-{number:05d}").identity.key
    return Card(key, home, Posted("C1", f"{number}.1"), "look", seen_at, edited_at)


async def behind(store: Store, now: float = 1000.0, rested: float = 900.0, limit: int = 9) -> list[str]:
    """The messages that are to be edited."""
    return [each.posted.ts for each, _, _ in await store.cards.outrun(DESTINATION, HOME, now, rested, limit)]


async def test_a_card_is_found_by_its_job_and_replaced(store: Store) -> None:
    await store.cards.put(DESTINATION, card(1))
    await store.cards.put(DESTINATION, moved := card(1, seen_at=5.0))
    await store.cards.put("another", card(1))

    keys = [moved.job_key, "no such job"]
    assert await store.cards.cards(DESTINATION, keys) == {moved.job_key: moved}
    await store.cards.drop(DESTINATION, moved.job_key)
    assert await store.cards.cards(DESTINATION, keys) == {}
    assert len(await store.cards.cards("another", keys)) == 1


async def test_only_what_was_looked_at_since_is_behind_the_longest_unchanged_first(store: Store) -> None:
    for number, looked_at in ((1, 10.0), (2, 20.0), (3, 30.0)):
        await store.watch.commit(SCOPE, [look(tuning_job(f"job-{number:05d}"), looked_at=looked_at)])
    await store.cards.put(DESTINATION, card(1, seen_at=10.0))
    await store.cards.put(DESTINATION, card(2, seen_at=19.0, edited_at=800.0))
    await store.cards.put(DESTINATION, card(3, seen_at=0.0, edited_at=700.0))

    assert await behind(store) == ["3.1", "2.1"]
    assert await behind(store, limit=1) == ["3.1"]
    ((_, job, looked_at), *_) = await store.cards.outrun(DESTINATION, HOME, 1000.0, 900.0, 1)
    assert (job, looked_at) == (tuning_job("job-00003"), 30.0)


@pytest.mark.parametrize(
    ("edited_at", "status", "found"),
    [
        pytest.param(900.0, Status.IN_PROGRESS, True, id="rested-long-enough"),
        pytest.param(901.0, Status.IN_PROGRESS, False, id="edited-just-now"),
        pytest.param(999.0, Status.COMPLETED, True, id="its-job-has-ended"),
        pytest.param(5000.0, Status.IN_PROGRESS, True, id="edited-in-the-future"),
    ],
)
async def test_a_card_rests_after_an_edit_unless_its_job_has_ended(
    store: Store, edited_at: float, status: str, found: bool
) -> None:
    await store.watch.commit(SCOPE, [look(tuning_job("job-00001", status=status), looked_at=10.0)])
    await store.cards.put(DESTINATION, card(1, edited_at=edited_at))

    assert await behind(store) == (["1.1"] if found else [])


async def test_a_card_of_another_home_is_nobodys(store: Store) -> None:
    await store.watch.commit(SCOPE, [look(tuning_job("job-00001"), looked_at=10.0)])
    await store.cards.put(DESTINATION, card(1, home="there"))

    assert await behind(store) == []


async def test_of_a_job_that_both_dialects_have_seen_the_later_look_counts(store: Store) -> None:
    early, late = tuning_job("job-00001"), tuning_job("job-00001", status=Status.STOPPING)
    await store.watch.commit(SCOPE, [look(late, looked_at=20.0)])
    await store.watch.commit(Scope(SCOPE.account_id, SCOPE.region, "preview"), [look(early, looked_at=10.0)])
    await store.cards.put(DESTINATION, card(1))

    ((_, job, looked_at),) = await store.cards.outrun(DESTINATION, HOME, 1000.0, 900.0, 9)
    assert (job.status, looked_at) == (Status.STOPPING, 20.0)


async def test_a_card_is_forgotten_with_its_job_but_not_before_what_is_owed_in_its_thread(store: Store) -> None:
    for number in (1, 2):
        await store.cards.put(DESTINATION, card(number))
    owed, quiet = first_look(1), first_look(2, to=())
    await store.watch.commit(SCOPE, [owed, quiet])
    await store.watch.commit(SCOPE, [replace(each, events=(), forget=True) for each in (owed, quiet)])

    found = await store.cards.cards(DESTINATION, [card(1).job_key, card(2).job_key])
    assert list(found) == [card(1).job_key]


async def test_who_lost_the_lease_changes_no_card(store: Store, clock: Clock) -> None:
    (lease, *_) = (await beat(store, "a")).held
    cards = store.cards.under(lease)
    await cards.put(DESTINATION, card(1))
    clock.time += 1000
    await beat(store, "b")

    with pytest.raises(LeaseLost):
        await cards.put(DESTINATION, card(1, seen_at=9.0))
    with pytest.raises(LeaseLost):
        await cards.drop(DESTINATION, card(1).job_key)
    assert (await store.cards.cards(DESTINATION, [card(1).job_key]))[card(1).job_key].seen_at == 0.0
