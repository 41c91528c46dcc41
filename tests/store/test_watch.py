"""What is known and what is owed, committed together."""

from dataclasses import replace

import pytest

from notifier.model import Api, Remembered, Scope, ScopeState, Status, Told, TrialCounts
from notifier.ports import Observed, Outcome, Routed
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, REGION, best, ended, new_best, started, tuning_job
from tests.store.looks import SCOPE, Clock, first_look, look, notice, remembered

HOUR = 3600.0


async def owed_ids(store: Store, destination: str = "slack") -> list[str]:
    """The events owed to a destination, in order."""
    return [each.event_id for each in await store.outbox.owed(destination, 1000)]


async def test_everything_remembered_comes_back_as_it_was(store: Store) -> None:
    job = tuning_job("XGB-Churn")
    everything = Remembered(
        identity=job.identity,
        name=job.name,
        status="Archived",
        counts=TrialCounts(1, 2, 3, 4, 5, 6, 7),
        best_name="xgb-001",
        best_value=0.1 + 0.2,
        first_value=-1e300,
        told=False,
        described=False,
        watched=False,
        looked_at=1.5,
        missing_since=2.5,
        ended_at=3.5,
    )
    least = remembered(tuning_job("least"))

    await store.watch.commit(SCOPE, [Observed(everything), Observed(least)])

    assert await store.watch.remembered(SCOPE) == {everything.identity: everything, least.identity: least}


async def test_a_later_look_replaces_an_earlier_one(store: Store) -> None:
    job = tuning_job()
    await store.watch.commit(SCOPE, [look(job, best_name="xgb-001", missing_since=1.0)])

    now = remembered(job, status=Status.COMPLETED, ended_at=5.0)
    await store.watch.commit(SCOPE, [Observed(now)])

    assert await store.watch.remembered(SCOPE) == {job.identity: now}


async def test_of_two_looks_in_one_commit_the_later_counts_and_the_record_stays(store: Store) -> None:
    job = tuning_job()

    await store.watch.commit(SCOPE, [look(job), Observed(remembered(job, status=Status.STOPPED))])

    (only,) = (await store.watch.remembered(SCOPE)).values()
    assert only.status == Status.STOPPED
    assert await store.watch.records([job.identity]) == {job.identity: job}


async def test_a_look_without_a_record_keeps_the_last_record(store: Store) -> None:
    job = tuning_job(best=best(1))
    await store.watch.commit(SCOPE, [look(job)])

    await store.watch.commit(SCOPE, [Observed(remembered(job))])

    assert await store.watch.records([job.identity, tuning_job("other").identity]) == {job.identity: job}


async def test_scopes_do_not_see_each_other(store: Store) -> None:
    preview = Scope(ACCOUNT, REGION, Api.PREVIEW)
    job = tuning_job()
    await store.watch.commit(SCOPE, [look(job)])
    await store.watch.commit(preview, [look(job, watched=False)])
    await store.watch.complete(SCOPE, ScopeState(1.0, 2.0, None), [])

    await store.watch.commit(preview, [Observed(remembered(job), forget=True)])

    assert await store.watch.remembered(preview) == {}
    assert list(await store.watch.remembered(SCOPE)) == [job.identity]
    assert await store.watch.scope_state(SCOPE) == ScopeState(1.0, 2.0, None)
    assert await store.watch.scope_state(preview) == ScopeState()


async def test_a_known_event_is_never_owed_again(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1)])
    (row,) = await store.outbox.owed("slack", 10)
    await store.outbox.finish(Outcome("slack", settled=(row.seq,)))

    await store.watch.commit(SCOPE, [first_look(1, to=("slack", "webhook")), first_look(2)])

    assert len(await owed_ids(store)) == 1
    assert await owed_ids(store, "webhook") == []


async def test_an_event_detected_twice_in_one_commit_is_owed_once(store: Store) -> None:
    job = tuning_job()

    await store.watch.commit(SCOPE, [look(job, started(job), started(job), to=("slack", "slack"))])

    assert await owed_ids(store) == [started(job).id]


async def test_events_are_owed_in_the_order_of_the_commit(store: Store) -> None:
    jobs = [tuning_job(f"job-{number}") for number in (3, 1, 2)]
    events = [event for job in jobs for event in (started(job), new_best(best(1), job=job), ended(job))]

    await store.watch.commit(SCOPE, [look(event.job, event) for event in events])

    assert await owed_ids(store) == [event.id for event in events]


async def test_an_event_without_destinations_is_known_but_not_owed(store: Store) -> None:
    await store.watch.commit(SCOPE, [first_look(1, to=())])
    await store.watch.commit(SCOPE, [first_look(1)])

    assert await owed_ids(store) == []


async def test_a_commit_that_fails_half_way_leaves_no_trace(store: Store) -> None:
    torn = Routed(started(tuning_job("torn")), (None,))  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r"(?i)not.null"):
        await store.watch.commit(SCOPE, [first_look(1), Observed(remembered(tuning_job("torn")), events=(torn,))])

    assert await store.watch.remembered(SCOPE) == {}
    assert await owed_ids(store) == []


async def test_completing_a_sweep_brings_its_notices(store: Store) -> None:
    await store.watch.complete(SCOPE, ScopeState(10.0, 10.0, 10.0), [Routed(notice(), ("slack",))])
    await store.watch.complete(SCOPE, ScopeState(10.0, 20.0, None), [])

    assert await store.watch.scope_state(SCOPE) == ScopeState(10.0, 20.0, None)
    (row,) = await store.outbox.owed("slack", 10)
    assert row.job_key == "notifier.watching"
    assert await store.outbox.events([row.event_id]) == {"n1": notice()}


async def test_what_is_owed_of_a_forgotten_job_stays_owed(store: Store) -> None:
    job = tuning_job()
    await store.watch.commit(SCOPE, [look(job, started(job))])

    await store.watch.commit(SCOPE, [Observed(remembered(job), forget=True)])

    assert await store.watch.remembered(SCOPE) == {}
    assert await store.outbox.events(await owed_ids(store)) == {started(job).id: started(job)}


async def test_what_is_owed_outlives_a_restart(url: str) -> None:
    job = tuning_job()
    async with open_store(url, exclusive=True) as store:
        await store.watch.commit(SCOPE, [look(job, started(job))])

    async with open_store(url, exclusive=True) as store:
        assert list(await store.watch.remembered(SCOPE)) == [job.identity]
        (row,) = await store.outbox.owed("slack", 10)
        assert not row.repeated
        assert await store.outbox.events([row.event_id]) == {started(job).id: started(job)}


async def test_pruning_forgets_old_ended_jobs_that_nothing_unsettled_speaks_of(store: Store) -> None:
    jobs = {
        "over": look(tuning_job("over", Status.COMPLETED)),
        "running": look(tuning_job("running")),
        "untold": look(tuning_job("untold", Status.FAILED), told=False),
        "owed": look(job := tuning_job("owed", Status.COMPLETED), ended(job)),
        "dead": look(job := tuning_job("dead", Status.COMPLETED), ended(job)),
    }
    young = tuning_job("young", Status.COMPLETED)
    young = replace(young, created_at=young.created_at.replace(hour=12))
    await store.watch.commit(SCOPE, [*jobs.values(), look(young)])
    dead = (await store.outbox.owed("slack", 10))[1]
    await store.outbox.finish(Outcome("slack", dead=((dead.seq, "refused"),)))

    pruned = await store.watch.prune(SCOPE, young.created_at.timestamp())

    assert pruned == [jobs["over"].remembered.identity]
    left = {each.name for each in (await store.watch.remembered(SCOPE)).values()}
    assert left == {"running", "untold", "owed", "dead", "young"}


async def test_pruning_takes_what_was_told_and_the_event_ids_along(store: Store, clock: Clock) -> None:
    job = tuning_job(status=Status.COMPLETED)
    await store.watch.commit(SCOPE, [look(job, ended(job))])
    (row,) = await store.outbox.owed("slack", 10)
    await store.outbox.finish(Outcome("slack", settled=(row.seq,), told=((row.job_key, Told(1.0, 0.9)),)))
    clock.time += HOUR
    await store.upkeep.prune_settled(clock.time)
    await store.watch.commit(SCOPE, [look(job, ended(job))])
    assert await owed_ids(store) == []

    await store.watch.prune(SCOPE, clock.time)

    assert await store.outbox.told("slack", [row.job_key]) == {}
    await store.watch.commit(SCOPE, [look(job, ended(job))])
    assert await owed_ids(store) == [ended(job).id]


async def test_ten_thousand_jobs_are_remembered_and_pruned_in_bites(store: Store) -> None:
    jobs = [tuning_job(f"job-{number:05d}", Status.COMPLETED) for number in range(10_000)]
    for start in range(0, len(jobs), 100):
        await store.watch.commit(SCOPE, [look(job) for job in jobs[start : start + 100]])

    assert set(await store.watch.remembered(SCOPE)) == {job.identity for job in jobs}
    assert len(await store.watch.records([job.identity for job in jobs])) == len(jobs)
    assert set(await store.watch.prune(SCOPE, jobs[0].created_at.timestamp() + 1)) == {job.identity for job in jobs}
    assert await store.watch.remembered(SCOPE) == {}


async def test_names_that_no_database_takes_are_kept_with_replacements(store: Store) -> None:
    job = tuning_job("odd\ud800\x00name", failure_reason="\ud800\x00\x1b")

    await store.watch.commit(SCOPE, [look(job, started(job))])

    (kept,) = (await store.watch.remembered(SCOPE)).values()
    assert kept.name == "odd\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}name"
    (event,) = (await store.outbox.events(await owed_ids(store))).values()
    assert getattr(event, "job").failure_reason == "\N{REPLACEMENT CHARACTER}\x00\x1b"  # noqa: B009
    assert list(await store.watch.records([job.identity])) == [job.identity]
