"""What is pruned, when, and what stays."""

from notifier.model import Hold
from notifier.ports import Observed, Outcome, Routed
from notifier.store import State, Store
from notifier.store.upkeep import DAY
from tests.examples import started, tuning_job
from tests.store.looks import SCOPE, Clock, first_look, look, notice, remembered

JOB = tuning_job()
HOLD = Hold(until=None, since=1.0, failures=3, reason="410", fingerprint="f")


async def settle(store: Store, destination: str) -> None:
    """Settle everything owed to a destination."""
    rows = await store.outbox.owed(destination, 10_000)
    await store.outbox.finish(Outcome(destination, settled=tuple(row.seq for row in rows)))


async def rows_left(store: Store) -> int:
    """All rows of the outbox, settled ones included."""
    return len(await store.desk.letters(states=list(State)))


async def test_settled_rows_can_be_looked_at_for_a_week(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [look(JOB, started(JOB))])
    await settle(store, "slack")

    clock.time += 6 * DAY
    await store.upkeep.tidy(["slack"])
    assert await store.outbox.events([started(JOB).id]) == {started(JOB).id: started(JOB)}

    clock.time += 2 * DAY
    await store.upkeep.tidy(["slack"])
    assert await rows_left(store) == 0
    assert await store.outbox.events([started(JOB).id]) == {}


async def test_the_id_of_a_pruned_event_still_stops_a_second_telling(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [look(JOB, started(JOB))])
    await settle(store, "slack")
    clock.time += 8 * DAY
    await store.upkeep.tidy(["slack"])

    await store.watch.commit(SCOPE, [look(JOB, started(JOB))])

    assert await store.outbox.owed("slack", 10) == []


async def test_the_body_stays_while_another_destination_needs_it(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [look(JOB, started(JOB), to=("slack", "webhook"))])
    await settle(store, "slack")

    clock.time += 8 * DAY
    await store.upkeep.tidy(["slack", "webhook"])

    assert await rows_left(store) == 1
    assert await store.outbox.events([started(JOB).id]) == {started(JOB).id: started(JOB)}


async def test_discarded_rows_go_dead_and_pending_ones_stay(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(3)])
    discarded, dead, _ = [row.seq for row in await store.outbox.owed("slack", 10)]
    await store.desk.discard([discarded])
    await store.outbox.finish(Outcome("slack", dead=((dead, "400"),)))

    clock.time += 8 * DAY
    await store.upkeep.tidy(["slack"])

    assert [letter.state for letter in await store.desk.letters(states=list(State))] == [State.DEAD, State.PENDING]


async def test_the_ids_of_forgotten_jobs_and_of_notices_go_with_their_rows(store: Store, clock: Clock) -> None:
    told = Routed(notice(), ("slack",))
    gone = Observed(remembered(JOB), events=(Routed(started(JOB), ("slack",)), told), forget=True)
    await store.watch.commit(SCOPE, [gone])
    await settle(store, "slack")
    clock.time += 8 * DAY
    await store.upkeep.tidy(["slack"])

    await store.watch.commit(SCOPE, [gone])

    assert len(await store.outbox.owed("slack", 10)) == 2


async def test_much_is_pruned_in_bites(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [first_look(number) for number in range(1200)])
    await settle(store, "slack")
    clock.time += 1

    assert await store.upkeep.prune_settled(clock.time) == 1200
    assert await rows_left(store) == 0


async def test_orphaned_rows_expire_thirty_days_after_their_destination_went(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [first_look(number, to=("old", "slack")) for number in range(600)])
    clock.time += 100 * DAY
    await store.upkeep.tidy(["slack"])
    assert await store.desk.orphans() == {"old": clock.time}

    clock.time += 29 * DAY
    await store.upkeep.tidy(["slack"])
    assert len(await store.outbox.owed("old", 1000)) == 600

    clock.time += 2 * DAY
    await store.upkeep.tidy(["slack"])
    assert await store.outbox.owed("old", 1000) == []
    assert len(await store.outbox.owed("slack", 1000)) == 600
    assert {letter.state for letter in await store.desk.letters(["old"], list(State))} == {State.DISCARDED}

    await store.upkeep.tidy(["slack"])
    assert await store.desk.orphans() == {}


async def test_orphaned_rows_resume_when_their_name_returns(store: Store, clock: Clock) -> None:
    await store.watch.commit(SCOPE, [first_look(1, to=("old",))])
    await store.upkeep.tidy(["slack"])
    clock.time += 20 * DAY
    await store.upkeep.tidy(["slack", "old"])
    clock.time += 20 * DAY
    await store.upkeep.tidy(["slack"])

    assert len(await store.outbox.owed("old", 10)) == 1


async def test_a_hold_goes_with_its_destination_but_waits_for_orphaned_rows(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1, to=("old",))])
    for name in ("slack", "old", "older"):
        await store.outbox.finish(Outcome(name, hold=HOLD))

    await store.upkeep.tidy(["slack"])

    assert set(await store.desk.holds()) == {"slack", "old"}
