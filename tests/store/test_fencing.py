"""Fencing: whoever lost its lease writes nothing any more; whoever commits under one does not lose it meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from notifier.errors import LeaseLost
from notifier.leasing import DELIVER, WATCH, duty
from notifier.model import Hold, Lease, ScopeState, Told
from notifier.ports import Observed, Outcome, Postponed, Routed
from notifier.store import SqlOutboxStore, SqlWatchStore, State, Store, open_store
from notifier.store.schema import metadata
from tests.examples import tuning_job
from tests.store.looks import SCOPE, Clock, first_look, notice, remembered
from tests.store.sessions import paused, waiting

LEASE = 30.0
WATCHING, SLACK = duty(WATCH, "us-east-1"), duty(DELIVER, "slack")
HOLD = Hold(until=9.0, since=1.0, failures=3, reason="503", fingerprint="f")
OLD = 86_400.0

WatchWrite = Callable[[SqlWatchStore], Awaitable[object]]
OutboxWrite = Callable[[SqlOutboxStore, int], Awaitable[object]]

WATCH_WRITES = [
    pytest.param(lambda store: store.commit(SCOPE, [first_look(2)]), id="commit"),
    pytest.param(lambda store: store.commit(SCOPE, [Observed(first_look(1).remembered, forget=True)]), id="forget"),
    pytest.param(lambda store: store.commit(SCOPE, []), id="commit-of-nothing"),
    pytest.param(
        lambda store: store.complete(SCOPE, ScopeState(1.0, 2.0, 3.0), [Routed(notice("done"), ("slack",))]),
        id="complete",
    ),
    pytest.param(lambda store: store.announce([Routed(notice("blind"), ("slack",))]), id="announce"),
    pytest.param(lambda store: store.prune(SCOPE, Clock()() + 1), id="prune"),
]
OUTBOX_WRITES = [
    pytest.param(lambda store, seq: store.sending("slack", [seq]), id="sending"),
    pytest.param(lambda store, seq: store.finish(Outcome("slack", settled=(seq,))), id="settled"),
    pytest.param(lambda store, seq: store.proceed(Outcome("slack"), [seq]), id="proceeding"),
    pytest.param(
        lambda store, seq: store.finish(Outcome("slack", postponed=(Postponed(seq, 9.0, 1, True, "503"),))),
        id="postponed",
    ),
    pytest.param(lambda store, seq: store.finish(Outcome("slack", dead=((seq, "400"),))), id="dead"),
    pytest.param(lambda store, seq: store.finish(Outcome("slack", hold=HOLD)), id="held"),
    pytest.param(lambda store, seq: store.finish(Outcome("slack", told=(("job", Told(1.0, 0.5)),))), id="told"),
    pytest.param(
        lambda store, seq: store.finish(Outcome("slack", notices=(Routed(notice("n"), ("hook",)),))), id="notices"
    ),
]


async def lease(store: Store, wanted: str, worker: str = "a") -> Lease:
    """The lease of one duty, as the next beat of this worker has it."""
    standing = await store.leases.beat(worker, [WATCHING, SLACK], LEASE)
    (found,) = [each for each in standing.held if each.duty == wanted]
    return found


async def everything(store: Store) -> dict[str, set[str]]:
    """All rows of all tables but those of the leases."""
    tables = [table for name, table in metadata.tables.items() if name not in ("notifier_leases", "notifier_workers")]
    return await store.leases._database.read(
        lambda connection: {table.name: set(map(str, connection.execute(table.select()))) for table in tables}
    )


@pytest.fixture
async def stocked(store: Store) -> Store:
    """Something to watch, to prune and to send."""
    ended = tuning_job("old", "Completed")
    await store.watch.commit(SCOPE, [first_look(1), Observed(remembered(ended, told=True, looked_at=1.0), ended)])
    return store


async def owed(store: Store) -> int:
    (row,) = await store.outbox.owed("slack", 9)
    return row.seq


async def taken_over(store: Store, clock: Clock, held: Lease) -> None:
    """Its holder is silent for too long, and another worker takes it."""
    clock.time += LEASE + 1
    assert (await lease(store, held.duty, "b")).token > held.token


@pytest.mark.parametrize("write", WATCH_WRITES)
async def test_whoever_lost_a_scope_writes_nothing_of_it(stocked: Store, clock: Clock, write: WatchWrite) -> None:
    held = await lease(stocked, WATCHING)
    await taken_over(stocked, clock, held)
    before = await everything(stocked)

    with pytest.raises(LeaseLost, match="another worker took over: watch us-east-1"):
        await write(stocked.watch.under(held))

    assert await everything(stocked) == before


@pytest.mark.parametrize("write", OUTBOX_WRITES)
async def test_whoever_lost_a_destination_writes_nothing_of_it(
    stocked: Store, clock: Clock, write: OutboxWrite
) -> None:
    held, seq = await lease(stocked, SLACK), await owed(stocked)
    await taken_over(stocked, clock, held)
    before = await everything(stocked)

    with pytest.raises(LeaseLost, match="another worker took over: deliver slack"):
        await write(stocked.outbox.under(held), seq)

    assert await everything(stocked) == before


@pytest.mark.parametrize("way", ["released", "left", "silent-too-long"])
async def test_it_is_lost_too_where_no_other_worker_has_taken_it(stocked: Store, clock: Clock, way: str) -> None:
    held, seq = await lease(stocked, SLACK), await owed(stocked)
    if way == "released":
        await stocked.leases.release(held)
    elif way == "left":
        await stocked.leases.leave(held.worker)
    else:
        clock.time += LEASE + 1
        assert (await lease(stocked, SLACK)).token > held.token

    with pytest.raises(LeaseLost):
        await stocked.outbox.under(held).sending("slack", [seq])

    assert await owed(stocked) == seq


@pytest.mark.parametrize("write", [each for each in WATCH_WRITES if each.id != "commit-of-nothing"])
async def test_the_holder_of_a_scope_writes_all_of_this(stocked: Store, write: WatchWrite) -> None:
    before = await everything(stocked)

    await write(stocked.watch.under(await lease(stocked, WATCHING)))

    assert await everything(stocked) != before


@pytest.mark.parametrize("write", OUTBOX_WRITES)
async def test_the_holder_of_a_destination_writes_all_of_this(stocked: Store, write: OutboxWrite) -> None:
    held, seq = await lease(stocked, SLACK), await owed(stocked)
    before = await everything(stocked)

    await write(stocked.outbox.under(held), seq)

    assert await everything(stocked) != before


async def test_the_holder_writes_on_though_its_time_is_over_as_long_as_nobody_took_over(
    stocked: Store, clock: Clock
) -> None:
    held = await lease(stocked, SLACK)
    clock.time += 10 * LEASE

    await stocked.outbox.under(held).finish(Outcome("slack", settled=(await owed(stocked),)))

    assert await stocked.outbox.owed("slack", 9) == []


async def test_the_lease_of_one_duty_is_none_for_another(stocked: Store) -> None:
    held = await lease(stocked, SLACK)
    forged = Lease(WATCHING, held.worker, held.token + 7)

    with pytest.raises(LeaseLost):
        await stocked.watch.under(forged).commit(SCOPE, [first_look(3)])


# Here on: what only transactions at the same time can show.


@pytest.fixture
async def two(postgres_url: str, clock: Clock) -> AsyncIterator[tuple[Store, Store]]:
    """The stores of two workers, with a message owed to Slack; the first holds everything, and its time is over."""
    async with (
        open_store(postgres_url, exclusive=True, clock=clock) as one,
        open_store(postgres_url, exclusive=True, clock=clock) as other,
    ):
        await one.watch.commit(SCOPE, [first_look(1)])
        yield one, other


async def test_a_takeover_passes_by_a_commit_under_way_and_comes_after_it(
    two: tuple[Store, Store], clock: Clock
) -> None:
    one, other = two
    held, seq = await lease(one, SLACK), await owed(one)
    clock.time += LEASE + 1
    async with paused(one, "UPDATE notifier_outbox") as pause:
        settling = asyncio.ensure_future(one.outbox.under(held).finish(Outcome("slack", settled=(seq,))))
        await pause.come()
        # The fence has been passed, nothing is written yet.
        async with asyncio.timeout(5):
            standing = await other.leases.beat("b", [WATCHING, SLACK], LEASE)
        assert [each.duty for each in standing.held] == [WATCHING]
        pause.go()
        await settling

    assert (await lease(other, SLACK, "b")).token == held.token + 1
    assert await other.outbox.owed("slack", 9) == []


async def test_a_message_marked_under_way_at_the_last_moment_is_owed_again_by_the_takeover(
    two: tuple[Store, Store], clock: Clock
) -> None:
    one, other = two
    held, seq = await lease(one, SLACK), await owed(one)
    clock.time += LEASE + 1
    async with paused(one, "UPDATE notifier_outbox") as pause:
        marking = asyncio.ensure_future(one.outbox.under(held).sending("slack", [seq]))
        await pause.come()
        await other.leases.beat("b", [WATCHING, SLACK], LEASE)
        pause.go()
        await marking

    await lease(other, SLACK, "b")

    found = await other.desk.letter(seq)
    assert found is not None
    assert (found[0].state, found[0].repeated) == (State.PENDING, True)


async def test_a_commit_that_comes_during_a_takeover_waits_for_it_and_is_refused(
    two: tuple[Store, Store], clock: Clock, postgres_url: str
) -> None:
    one, other = two
    held, seq = await lease(one, SLACK), await owed(one)
    await other.leases.beat("b", [WATCHING, SLACK], 2 * LEASE)
    clock.time += LEASE + 1
    async with paused(other, "UPDATE notifier_leases") as pause:
        taking = asyncio.ensure_future(other.leases.beat("b", [WATCHING, SLACK], LEASE))
        await pause.come()
        # The lease is chosen, and still in the old one's name.
        settling = asyncio.ensure_future(one.outbox.under(held).finish(Outcome("slack", settled=(seq,))))
        await waiting(postgres_url)
        pause.go()
        assert len((await taking).held) == 2
        with pytest.raises(LeaseLost):
            await settling

    assert await owed(other) == seq


async def test_several_commits_under_one_lease_do_not_wait_for_each_other(two: tuple[Store, Store]) -> None:
    one, _ = two
    held, seq = await lease(one, SLACK), await owed(one)
    async with paused(one, "UPDATE notifier_outbox") as pause:
        marking = asyncio.ensure_future(one.outbox.under(held).sending("slack", [seq]))
        await pause.come()
        async with asyncio.timeout(5):
            await one.outbox.under(held).finish(Outcome("slack", told=(("job", Told(1.0, 0.5)),)))
        pause.go()
        await marking


async def test_of_many_takeovers_and_commits_at_once_every_commit_was_by_the_newest_token(
    two: tuple[Store, Store], clock: Clock
) -> None:
    """Each holder notes its token in a scope's row, as often as it can; the notes never go back."""
    one, other = two
    noted: list[tuple[int, int]] = []
    tokens: set[int] = set()

    async def write(store: Store, worker: str) -> None:
        for number in range(25):
            standing = await store.leases.beat(worker, [WATCHING], LEASE)
            for held in standing.held:
                tokens.add(held.token)
                try:
                    before = await store.watch.scope_state(SCOPE)
                    fenced = store.watch.under(held)
                    await fenced.complete(SCOPE, ScopeState(0.0, float(held.token), float(number)), [])
                    after = await store.watch.scope_state(SCOPE)
                    noted.append((held.token, int(before.complete_at or 0)))
                    assert after.complete_at is not None and after.complete_at >= held.token
                except LeaseLost:
                    pass
            # Whoever is quick makes the other one's time be over.
            clock.time += LEASE * 0.7

    await asyncio.gather(write(one, "a"), write(other, "b"))

    assert len(tokens) > 2 and len(noted) > 2
    assert all(before <= token for token, before in noted)
