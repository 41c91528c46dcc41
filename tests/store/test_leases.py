"""Leases: one holder each, growing tokens, the store's clock, and beats of several workers at the same time."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from itertools import chain, pairwise

import pytest
from sqlalchemy import select

from notifier.leasing import DELIVER, WATCH, duty
from notifier.model import Lease
from notifier.ports import Standing
from notifier.store import State, Store, open_store
from notifier.store.schema import workers
from tests.store.looks import SCOPE, Clock, first_look
from tests.store.sessions import lock, paused, session, waiting

LEASE = 30.0
EAST, WEST = duty(WATCH, "us-east-1"), duty(WATCH, "us-west-1")
SLACK, WEBHOOK = duty(DELIVER, "slack"), duty(DELIVER, "webhook")
DUTIES = (EAST, WEST, SLACK, WEBHOOK)


async def beat(store: Store, worker: str, duties: Collection[str] = DUTIES, seconds: float = LEASE) -> Standing:
    return await store.leases.beat(worker, duties, seconds)


def duties_of(standing: Standing) -> set[str]:
    return {lease.duty for lease in standing.held}


def tokens_of(standing: Standing) -> dict[str, int]:
    return {lease.duty: lease.token for lease in standing.held}


def lease_of(standing: Standing, wanted: str) -> Lease:
    (found,) = [lease for lease in standing.held if lease.duty == wanted]
    return found


async def spread(store: Store, *names: str) -> dict[str, Standing]:
    """These workers, with all duties spread among them."""
    for name in names + names:
        for given_up in (standing := await beat(store, name)).surplus:
            await store.leases.release(lease_of(standing, given_up))
    return {name: await beat(store, name) for name in names}


async def living(store: Store) -> dict[str, float]:
    """The workers that stand in the store, and until when they live."""
    query = select(workers.c.id, workers.c.expires_at)
    rows = await store.leases._database.read(lambda connection: connection.execute(query).all())
    return {row.id: row.expires_at for row in rows}


async def test_a_worker_alone_has_everything(store: Store) -> None:
    standing = await beat(store, "a")

    assert duties_of(standing) == set(DUTIES)
    assert (standing.surplus, standing.workers) == (frozenset(), 1)


async def test_a_lease_stays_under_its_token_as_long_as_it_is_renewed(store: Store, clock: Clock) -> None:
    first = await beat(store, "a")
    for _ in range(5):
        clock.time += LEASE
        assert (await beat(store, "a")).held == first.held


async def test_a_lease_is_one_workers_alone(store: Store) -> None:
    await beat(store, "a")

    standing = await beat(store, "b")

    assert (standing.held, standing.workers) == ((), 2)


async def test_a_worker_that_joins_gets_what_the_other_gives_up_under_new_tokens(store: Store) -> None:
    alone = await beat(store, "a")
    await beat(store, "b")

    both = await beat(store, "a")
    assert both.held == alone.held
    assert len(both.surplus) == 2
    for given_up in both.surplus:
        await store.leases.release(lease_of(both, given_up))

    joined = await beat(store, "b")
    assert duties_of(joined) == both.surplus
    assert all(lease.token == lease_of(alone, lease.duty).token + 1 for lease in joined.held)
    assert duties_of(await beat(store, "a")) == set(DUTIES) - both.surplus


async def test_what_a_dead_worker_held_goes_to_the_living_when_its_time_is_over_and_not_before(
    store: Store, clock: Clock
) -> None:
    died = await beat(store, "a")
    await beat(store, "b")

    clock.time += LEASE
    assert (await beat(store, "b")).held == ()
    clock.time += 0.001
    heir = await beat(store, "b")

    assert tokens_of(heir) == {each: token + 1 for each, token in tokens_of(died).items()}
    assert heir.workers == 1


async def test_a_worker_that_was_silent_too_long_begins_anew_under_new_tokens(store: Store, clock: Clock) -> None:
    before = await beat(store, "a")

    clock.time += LEASE + 1

    assert tokens_of(await beat(store, "a")) == {each: token + 1 for each, token in tokens_of(before).items()}


async def test_a_worker_that_comes_back_finds_its_leases_with_the_others(store: Store, clock: Clock) -> None:
    await beat(store, "a")
    clock.time += LEASE + 1
    assert duties_of(await beat(store, "b")) == set(DUTIES)

    back = await beat(store, "a")

    assert (back.held, back.workers) == ((), 2)
    assert len((await beat(store, "b")).surplus) == 2


async def test_a_released_lease_is_free_at_once(store: Store) -> None:
    first = await spread(store, "a", "b")
    lease = first["a"].held[0]

    await store.leases.release(lease)

    assert lease_of(await beat(store, "a"), lease.duty).token == lease.token + 1


async def test_who_gives_up_a_lease_that_it_lost_takes_nothing_from_the_new_holder(store: Store, clock: Clock) -> None:
    lost = (await beat(store, "a")).held
    clock.time += LEASE + 1
    won = await beat(store, "b")

    for lease in lost:
        await store.leases.release(lease)

    assert (await beat(store, "b")).held == won.held


async def test_who_gives_up_a_lease_late_takes_nothing_from_itself_under_a_newer_token(
    store: Store, clock: Clock
) -> None:
    lost = (await beat(store, "a")).held
    clock.time += LEASE + 1
    won = await beat(store, "a")

    for lease in lost:
        await store.leases.release(lease)

    assert (await beat(store, "a")).held == won.held


async def test_a_worker_that_leaves_hands_all_of_it_over_at_once(store: Store) -> None:
    await spread(store, "a", "b")

    await store.leases.leave("a")

    assert duties_of(await beat(store, "b")) == set(DUTIES)
    assert set(await living(store)) == {"b"}


async def test_a_worker_whose_settings_name_other_duties_does_those_and_no_others(store: Store) -> None:
    old, new = (EAST, SLACK), (EAST, WEST, SLACK, WEBHOOK)
    await beat(store, "a", old)

    found = await beat(store, "b", new)

    assert duties_of(found) == {WEST, WEBHOOK}
    assert duties_of(await beat(store, "a", old)) == set(old)


async def test_a_worker_that_ends_keeps_what_it_is_finishing_and_others_may_have_the_rest(store: Store) -> None:
    ending = await beat(store, "a")
    assert (await beat(store, "a", ())).held == ending.held
    await beat(store, "b")
    await store.leases.release(lease_of(ending, EAST))

    assert duties_of(await beat(store, "b")) == {EAST}
    assert (await beat(store, "a", ())).surplus == frozenset()


async def test_a_lease_without_an_end_is_one(store: Store, clock: Clock) -> None:
    for_ever = await beat(store, "a", seconds=math.inf)
    clock.time += 1e9

    assert (await beat(store, "a", seconds=math.inf)).held == for_ever.held
    assert (await beat(store, "b")).held == ()


async def test_the_dead_are_buried_by_whoever_finds_them(store: Store, clock: Clock) -> None:
    await beat(store, "a")
    clock.time += LEASE + 1

    await beat(store, "b")

    assert await living(store) == {"b": clock.time + LEASE}


async def test_a_clock_that_is_set_back_keeps_no_dead_worker_alive(store: Store, clock: Clock) -> None:
    await beat(store, "a")
    clock.time -= 3600
    assert (await beat(store, "b")).held == ()

    clock.time += LEASE + 1

    assert duties_of(await beat(store, "b")) == set(DUTIES)


async def test_a_clock_that_is_set_back_takes_nothing_from_a_worker_that_lives(store: Store, clock: Clock) -> None:
    before = await beat(store, "a", seconds=100 * LEASE)
    clock.time -= 3600

    for _ in range(3):
        await beat(store, "b")
        clock.time += LEASE + 1

    assert (await beat(store, "a", seconds=100 * LEASE)).held == before.held


async def test_a_worker_with_a_long_lease_is_dead_when_that_is_over(store: Store, clock: Clock) -> None:
    await beat(store, "a", seconds=10 * LEASE)
    for _ in range(10):
        assert (await beat(store, "b")).held == ()
        clock.time += LEASE

    clock.time += 1

    assert duties_of(await beat(store, "b")) == set(DUTIES)


async def test_many_duties_are_taken_in_one_beat(store: Store) -> None:
    many = [duty(WATCH, f"region-{number:04d}") for number in range(1200)]

    assert len((await beat(store, "a", many)).held) == 1200
    assert len((await beat(store, "b", many)).held) == 0
    assert len((await beat(store, "a", many)).surplus) == 600


async def sent_by(store: Store, destination: str, standing: Standing) -> int:
    """A row to this destination that is under way, by the holder of its lease."""
    row, *_ = await store.outbox.owed(destination, 1)
    await store.outbox.under(lease_of(standing, duty(DELIVER, destination))).sending(destination, [row.seq])
    return row.seq


async def states(store: Store) -> dict[tuple[str, int], tuple[State, bool]]:
    """Where each row stands, and whether it may be repeated."""
    letters = await store.desk.letters(states=list(State))
    return {(letter.destination, letter.seq): (letter.state, letter.repeated) for letter in letters}


async def test_what_was_under_way_is_owed_again_where_its_sender_died_and_only_there(
    store: Store, clock: Clock
) -> None:
    await store.watch.commit(SCOPE, [first_look(1, to=("slack", "webhook")), first_look(2, to=("slack", "webhook"))])
    both = await spread(store, "a", "b")
    place = {lease.duty: name for name, standing in both.items() for lease in standing.held}
    mine, other = ("slack", "webhook") if place[SLACK] == "a" else ("webhook", "slack")
    interrupted, going_on = await sent_by(store, mine, both["a"]), await sent_by(store, other, both["b"])

    clock.time += LEASE
    await beat(store, "b")
    clock.time += 0.001
    await beat(store, "b")

    expected = dict.fromkeys(await states(store), (State.PENDING, False))
    expected |= {(mine, interrupted): (State.PENDING, True), (other, going_on): (State.SENDING, False)}
    assert await states(store) == expected


async def test_a_worker_that_begins_anew_owes_again_what_it_had_under_way(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    seq = await sent_by(store, "slack", await beat(store, "a"))
    clock.time += LEASE + 1

    await beat(store, "a")

    assert await states(store) == {("slack", seq): (State.PENDING, True)}


async def test_what_was_sent_before_a_handover_is_not_owed_again(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    standing = await beat(store, "a")
    await store.leases.leave("a")

    again = await beat(store, "b")

    assert duties_of(again) == duties_of(standing)
    assert [(row.repeated, row.attempts) for row in await store.outbox.owed("slack", 9)] == [(False, 0)]


# Here on: what only several sessions at the same time can show.


@pytest.fixture
async def two(postgres_url: str, clock: Clock) -> AsyncIterator[tuple[Store, Store]]:
    """The stores of two workers, each with connections of its own."""
    async with (
        open_store(postgres_url, exclusive=True, clock=clock) as one,
        open_store(postgres_url, exclusive=True, clock=clock) as other,
    ):
        yield one, other


async def test_without_a_clock_of_ours_it_is_the_servers_that_decides(postgres_url: str) -> None:
    async with open_store(postgres_url, exclusive=True) as store:
        await beat(store, "a")

        until = (await living(store))["a"]

        with session(postgres_url) as other:
            row = other.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
    assert row is not None
    assert LEASE - 15 < until - row[0] <= LEASE


async def test_a_lease_whose_holder_hangs_in_its_commit_is_passed_by_and_holds_up_nobodys_beat(
    two: tuple[Store, Store], postgres_url: str, clock: Clock
) -> None:
    one, other = two
    await beat(one, "a")
    await beat(other, "b")
    with session(postgres_url) as hanging:
        lock(hanging, SLACK)
        clock.time += LEASE + 1
        async with asyncio.timeout(5):
            assert duties_of(await beat(other, "b")) == set(DUTIES) - {SLACK}
            assert duties_of(await beat(other, "b")) == set(DUTIES) - {SLACK}
        hanging.rollback()

        assert duties_of(await beat(other, "b")) == set(DUTIES)


async def test_a_beat_does_not_queue_behind_commits_that_hang(two: tuple[Store, Store], postgres_url: str) -> None:
    one, _ = two
    before = await beat(one, "a")
    with session(postgres_url) as hanging:
        hanging.execute("LOCK TABLE notifier_events IN EXCLUSIVE MODE")
        async with asyncio.TaskGroup() as tasks:
            for number in range(10):
                tasks.create_task(one.watch.commit(SCOPE, [first_look(number)]))
            await waiting(postgres_url)
            async with asyncio.timeout(5):
                assert (await beat(one, "a")).held == before.held
            hanging.rollback()


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("SELECT notifier_leases.duty, notifier_leases.worker", id="before-it-looks"),
        pytest.param("SELECT notifier_workers.id, notifier_workers.duties", id="before-it-counts"),
        pytest.param("SELECT notifier_leases.duty \nFROM notifier_leases", id="before-it-takes"),
    ],
)
async def test_nothing_is_taken_from_a_worker_that_joined_meanwhile(two: tuple[Store, Store], before: str) -> None:
    one, other = two
    await beat(one, "a")
    await one.leases.leave("a")
    async with paused(one, before) as pause:
        looking = asyncio.ensure_future(beat(one, "a"))
        await pause.come()
        joined = await beat(other, "b")
        pause.go()
        found = await looking

    assert duties_of(joined) == set(DUTIES)
    assert found.held == ()
    assert (await beat(other, "b")).held == joined.held


async def test_nothing_is_taken_from_a_worker_that_comes_back_at_the_last_moment(
    two: tuple[Store, Store], clock: Clock
) -> None:
    one, other = two
    await beat(one, "a")
    await beat(other, "b")
    clock.time += LEASE
    async with paused(one, "SELECT notifier_leases") as pause:
        # Its beat has begun in time, and is slow.
        renewing = asyncio.ensure_future(beat(one, "a"))
        await pause.come()
        clock.time += LEASE / 10
        async with asyncio.timeout(5):
            found = await beat(other, "b")
        pause.go()
        renewed = await renewing

    assert found.held == ()
    assert duties_of(renewed) == set(DUTIES)


async def test_who_is_being_declared_dead_learns_of_it_before_it_believes_to_live(
    two: tuple[Store, Store], postgres_url: str, clock: Clock
) -> None:
    one, other = two
    await beat(one, "a")
    await beat(other, "b")
    clock.time += LEASE
    await beat(other, "b")
    async with paused(one, "UPDATE notifier_workers") as pause:
        # It read the clock in time, but its word has not arrived yet.
        late = asyncio.ensure_future(beat(one, "a"))
        await pause.come()
        clock.time += 1
        async with paused(other, "UPDATE notifier_leases") as taking:
            heir = asyncio.ensure_future(beat(other, "b"))
            await taking.come()
            pause.go()
            await waiting(postgres_url)
            taking.go()
            took = await heir
        came = await late

    assert duties_of(took) == set(DUTIES)
    assert came.held == ()


async def test_workers_that_start_at_the_same_moment_share_without_a_quarrel(postgres_url: str, clock: Clock) -> None:
    many = [duty(WATCH, f"region-{number}") for number in range(23)]
    tales: dict[str, list[Standing]] = {name: [] for name in "abcde"}

    async def work(name: str, store: Store, beats: int) -> None:
        for _ in range(beats):
            tales[name].append(standing := await beat(store, name, many))
            for given_up in standing.surplus:
                await store.leases.release(lease_of(standing, given_up))

    async with AsyncExitStack() as stack:
        stores = {
            name: await stack.enter_async_context(open_store(postgres_url, exclusive=True, clock=clock))
            for name in tales
        }
        await asyncio.gather(*(work(name, store, 15) for name, store in stores.items()))
        for name, store in [*stores.items()] * 2:
            await work(name, store, 1)

    shares = [len(tale[-1].held) for tale in tales.values()]
    assert (sum(shares), max(shares) - min(shares)) == (23, 1)
    # A token is one worker's alone, and who had a lease has it until it gives it up.
    had = [{(lease.duty, lease.token) for standing in tale for lease in standing.held} for tale in tales.values()]
    assert sum(map(len, had)) == len(set().union(*had))
    for before, after in chain.from_iterable(map(pairwise, tales.values())):
        assert {lease for lease in before.held if lease.duty not in before.surplus} <= set(after.held)
