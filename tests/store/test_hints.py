"""Hints in the store: the soonest counts, a later one outlives the deletion of an earlier one, and fences hold."""

from collections.abc import Awaitable, Callable

import pytest

from notifier.errors import LeaseLost
from notifier.leasing import HEAR, duty
from notifier.model import Hint, Lease, Noted, Place, Scope
from notifier.store import SqlHintStore, Store
from notifier.store.upkeep import HINTED_FOR
from tests.examples import ACCOUNT, REGION
from tests.store.looks import SCOPE, Clock

HEARING = duty(HEAR, "us-east-1/queue")
ELSEWHERE = Scope(ACCOUNT, "eu-west-1")


def hint(name: str = "xgb", wait: float = 0.0, region: str = REGION) -> Hint:
    return Hint(ACCOUNT, region, name, wait)


async def test_hints_wait_for_their_scope_the_soonest_first(store: Store, clock: Clock) -> None:
    await store.hints.note([hint("later", 10.0), hint("now"), hint("theirs", region="eu-west-1")])
    clock.time += 4

    assert [(each.name, each.due, each.prompt) for each in await store.hints.noted(SCOPE)] == [
        ("now", -4.0, True),
        ("later", 6.0, False),
    ]
    assert [each.name for each in await store.hints.noted(ELSEWHERE)] == ["theirs"]
    assert await store.hints.newest() == {Place(place.region, ACCOUNT): clock.time - 4 for place in (SCOPE, ELSEWHERE)}


@pytest.mark.parametrize("together", [True, False], ids=["in-one-batch", "one-after-the-other"])
@pytest.mark.parametrize("first", ["prompt", "waiting"])
async def test_of_several_hints_for_a_job_the_soonest_counts_and_names_it_as_it_is_written(
    store: Store, together: bool, first: str
) -> None:
    both = [hint("XGB-Churn"), hint("xgb-churn", 10.0)]
    if first == "waiting":
        both.reverse()
    for batch in [both] if together else [[each] for each in both]:
        await store.hints.note(batch)

    (noted,) = await store.hints.noted(SCOPE)
    assert (noted.name, noted.due) == ("XGB-Churn", 0.0)


async def test_more_hints_with_a_wait_do_not_put_the_look_off(store: Store, clock: Clock) -> None:
    for _ in range(5):
        await store.hints.note([hint(wait=10.0)])
        clock.time += 3

    (noted,) = await store.hints.noted(SCOPE)
    assert noted.due == 10.0 - 15.0


async def test_what_was_followed_is_deleted_unless_it_was_noted_anew_meanwhile(store: Store, clock: Clock) -> None:
    await store.hints.note([hint("one"), hint("Two"), hint("three")])
    one, two, _ = sorted(await store.hints.noted(SCOPE), key=lambda each: ["one", "Two", "three"].index(each.name))
    clock.time += 1
    await store.hints.note([hint("two")])

    await store.hints.heeded(SCOPE, [one, two])

    assert {(each.name, each.at) for each in await store.hints.noted(SCOPE)} == {
        ("two", clock.time),
        ("three", clock.time - 1),
    }
    await store.hints.heeded(ELSEWHERE, await store.hints.noted(SCOPE))
    assert len(await store.hints.noted(SCOPE)) == 2


async def test_a_hint_that_nobody_follows_is_dropped_in_time(store: Store, clock: Clock) -> None:
    await store.hints.note([hint("old")])
    clock.time += HINTED_FOR + 1
    await store.hints.note([hint("new")])

    await store.upkeep.tidy(())

    assert [each.name for each in await store.hints.noted(SCOPE)] == ["new"]


NOTED = Noted("old", 0.0, True, 0.0)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda hints: hints.note([hint()]), id="note"),
        pytest.param(lambda hints: hints.note([]), id="note-nothing"),
        pytest.param(lambda hints: hints.heeded(SCOPE, [NOTED]), id="heeded"),
    ],
)
async def test_whoever_lost_its_lease_changes_no_hint(
    store: Store, clock: Clock, write: Callable[[SqlHintStore], Awaitable[None]]
) -> None:
    clock.time = 0.0
    await store.hints.note([hint("old")])
    (held,) = (await store.leases.beat("a", [HEARING], 30.0)).held
    clock.time = 31.0
    (taken,) = (await store.leases.beat("b", [HEARING], 30.0)).held
    await write(store.hints.under(taken))
    before = await store.hints.noted(SCOPE)

    with pytest.raises(LeaseLost, match="another worker took over: hear us-east-1/queue"):
        await write(store.hints.under(Lease(HEARING, "a", held.token)))

    assert await store.hints.noted(SCOPE) == before
