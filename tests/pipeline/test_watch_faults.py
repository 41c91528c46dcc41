"""The watch loop where answers lag, contradict each other or get lost: nothing false, nothing twice, nothing missed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.model import Event, Notice, Scope
from notifier.ports import Observed
from notifier.store import SqlWatchStore
from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.deliver_stage import until
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0
DAY = 86400.0


async def bodies(service: Service) -> list[Event | Notice]:
    rows = await service.store.outbox.owed("hook", 10_000)
    found = await service.store.outbox.events([each.event_id for each in rows])
    return [found[each.event_id] for each in rows]


async def test_an_empty_first_page_is_no_empty_account(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("running", T0 - DAY), Job("brief", T0 - 60, "Completed"))
    sagemaker.fails["sts"] = "denied"
    sagemaker.empty_pages = 1
    await service.start()

    assert await service.sweeps(2) == ["watching"]


async def test_an_empty_page_before_a_broken_one_is_no_empty_account(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("running", T0 - 60))
    sagemaker.fails["sts"] = "denied"
    sagemaker.empty_pages, sagemaker.breaks_at_page = 1, 0
    await service.start()
    assert await service.sweep() == []

    sagemaker.empty_pages, sagemaker.breaks_at_page = 0, None
    assert await service.sweeps(2) == ["watching"]


async def test_late_endings_are_counted_once_though_the_first_sweep_after_the_outage_broke(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n) for n in range(150)))
    await service.start(catch_up=DAY)
    await service.sweep()
    for n in range(150):
        sagemaker.move(f"job-{n:03d}", status="Completed", ended=sagemaker.now)
    sagemaker.breaks_at_page = 1
    assert await service.sweep(later=2 * DAY) == []

    sagemaker.breaks_at_page = None
    assert await service.sweeps(2) == ["caught_up"]
    *_, late = await bodies(service)
    assert isinstance(late, Notice) and late.title.startswith("150 tuning jobs ended")


async def test_late_endings_seen_by_a_sweep_that_broke_afterwards_are_counted_once(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n) for n in range(150)))
    await service.start(catch_up=DAY)
    await service.sweep()
    for n in range(150):
        sagemaker.move(f"job-{n:03d}", status="Completed", ended=sagemaker.now)
    sagemaker.breaks_at_page = 1
    # The second page, which breaks, comes once all of the first was looked at.
    sagemaker.between_pages = lambda: sagemaker.holds.add(LIST)
    breaking = asyncio.create_task(service.sweep(later=2 * DAY))
    looker = service.watch._scope.looker  # type: ignore[union-attr]
    await until(lambda: len(looker._caught_up) == 100)
    sagemaker.released.set()
    assert await breaking == []

    sagemaker.breaks_at_page = None
    assert await service.sweeps(2) == ["caught_up"]
    *_, late = await bodies(service)
    assert isinstance(late, Notice) and late.title.startswith("150 tuning jobs ended")


class Answerless(SqlWatchStore):
    """A store that commits what it is told to, once, and loses the connection before it says so."""

    lost = False

    async def commit(self, scope: Scope, observed: Sequence[Observed]) -> None:
        await super().commit(scope, observed)
        self._lose()

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("the connection was lost")


async def test_what_was_committed_without_an_answer_is_known_in_the_next_sweep(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweep()
    watch = service.store.watch
    service.store = replace(service.store, watch=Answerless(watch._database))
    await service.start()
    sagemaker.put(Job("xgb", sagemaker.now, best=1, value=0.5))
    assert await service.sweep() == ["started", "new_best"]
    assert service.witness.outcomes == ["store"]

    sagemaker.move("xgb", completed=1, best=2, value=0.7, status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["new_best", "status_changed"]
    *_, best, ending = await bodies(service)
    assert isinstance(best, Event) and best.best is not None and best.best.improvement == pytest.approx(0.2)
    assert isinstance(ending, Event) and ending.status is not None and ending.status.before == "InProgress"


class Refusing(SqlWatchStore):
    """A store that cannot commit, once."""

    refused = False

    async def commit(self, scope: Scope, observed: Sequence[Observed]) -> None:
        if not self.refused:
            self.refused = True
            raise StoreUnavailable("the disk is full")
        await super().commit(scope, observed)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(Refusing, id="refused"), pytest.param(Answerless, id="committed-without-an-answer")],
)
async def test_an_event_is_counted_and_logged_once_and_only_when_it_is_known_to_be_durable(
    service: Service, sagemaker: SageMaker, kind: type[SqlWatchStore]
) -> None:
    await service.start()
    await service.sweep()
    watch = service.store.watch
    service.store = replace(service.store, watch=kind(watch._database))
    await service.start()
    sagemaker.put(Job("xgb", sagemaker.now, best=1, value=0.5))

    with capture_logs() as logs:
        await service.sweep()
        assert service.witness.outcomes == ["store"]
        assert service.witness.events == []
        await service.sweeps(2)
    told = ["tuning_job.started", "tuning_job.new_best"]
    assert [each.type for each in service.witness.events] == told
    assert [each["event"] for each in logs if each["event"].startswith("tuning_job.")] == told


async def test_late_endings_are_counted_in_one_line_whatever_a_commit_holds(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n) for n in range(150)))
    await service.start(catch_up=DAY)
    await service.sweep()
    for n in range(150):
        sagemaker.move(f"job-{n:03d}", status="Completed", ended=sagemaker.now)
    watch = service.store.watch
    service.store = replace(service.store, watch=Answerless(watch._database))
    await service.start(catch_up=DAY)

    assert await service.sweeps(2, later=2 * DAY) == ["caught_up"]


async def test_a_name_used_again_before_list_shows_it_lends_nothing_to_the_job_before(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("again", T0 - HOUR, completed=1, best=1, value=0.5))
    await service.start()
    await service.sweep()
    sagemaker.move("again", completed=2)
    sagemaker.jobs["again"] = Job("again", sagemaker.now, "Stopping", completed=3, best=3, value=0.9)

    assert await service.sweep() == []
    sagemaker.rows["again"] = sagemaker.jobs["again"]
    assert await service.sweep() == ["started", "new_best"]
    assert await service.sweeps(2, later=61.0) == ["deleted"]
    *_, gone = await bodies(service)
    assert isinstance(gone, Event) and gone.job.best is not None and gone.job.best.training_job_name == "again-001"


async def test_an_answer_about_an_earlier_job_of_the_name_is_no_deletion(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("again", T0 - HOUR))
    await service.start()
    await service.sweep()
    new = sagemaker.rows.pop("again")
    sagemaker.jobs["again"] = Job("again", T0 - DAY, "Completed")

    assert await service.sweeps(4, later=61.0) == []
    sagemaker.put(new)
    assert await service.sweep() == []


@pytest.mark.parametrize(
    "sight",
    [
        pytest.param("a-row-whose-describe-fails", id="list-shows-it-while-describe-fails"),
        pytest.param("a-stale-answer", id="an-older-answer-shows-it"),
        pytest.param("the-row-as-it-was", id="list-shows-it-and-nothing-moved"),
    ],
)
async def test_any_sighting_between_two_misses_begins_anew(service: Service, sagemaker: SageMaker, sight: str) -> None:
    job = Job("shy", T0 - HOUR, completed=5)
    sagemaker.put(job)
    await service.start()
    await service.sweep()
    sagemaker.remove("shy")
    assert await service.sweep() == []

    if sight == "a-stale-answer":
        sagemaker.jobs["shy"] = replace(job, completed=4)
    elif sight == "the-row-as-it-was":
        sagemaker.rows["shy"] = job
    else:
        sagemaker.put(replace(job, completed=6))
        sagemaker.fails["shy"] = "InternalFailure"
    assert await service.sweep() == []
    sagemaker.fails.clear()
    sagemaker.jobs.clear()
    sagemaker.rows.clear()

    assert await service.sweep() == []
    assert await service.sweep(later=59.0) == []
    assert await service.sweep(later=1.0) == ["deleted"]


async def test_what_list_shows_in_every_sweep_is_not_gone_though_describe_does_not_find_it(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("half", T0 - HOUR))
    await service.start()
    await service.sweep()
    del sagemaker.jobs["half"]

    assert await service.sweeps(6, later=HOUR) == []
    assert await service.sweeps(6, later=30.0) == []


async def test_a_job_newly_selected_tells_its_ending_though_its_first_describe_failed(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("bert", T0 - HOUR))
    await service.start(jobs=("xgb*",))
    await service.sweep()
    await service.start()
    sagemaker.fails["bert"] = "InternalFailure"
    sagemaker.move("bert", completed=3, best=3, value=0.7, status="Stopping")
    assert await service.sweep() == []

    del sagemaker.fails["bert"]
    sagemaker.move("bert", status="Stopped", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]
    *_, ending = await bodies(service)
    assert isinstance(ending, Event) and ending.status is not None and ending.status.before == "Stopping"


async def test_a_late_ending_that_was_deleted_meanwhile_is_counted_and_forgotten(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start(catch_up=DAY)
    await service.sweep()
    sagemaker.put(Job("bad", sagemaker.now, "Failed", ended=sagemaker.now))
    sagemaker.fails["bad"] = "InternalFailure"
    await service.sweeps(2, later=DAY)
    sagemaker.fails.clear()
    sagemaker.remove("bad")

    assert await service.sweeps(2, later=61.0) == ["caught_up"]
    sagemaker.calls.clear()
    assert await service.sweep() == []
    assert sagemaker.calls[DESCRIBE] == 0


async def test_says_once_in_the_log_that_a_job_cannot_be_described(service: Service, sagemaker: SageMaker) -> None:
    await service.start()
    await service.sweep()
    sagemaker.put(Job("bad", sagemaker.now))
    sagemaker.fails["bad"] = "InternalFailure"

    with capture_logs() as logs:
        await service.sweeps(3)
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == [
        "some jobs could not be described, will try again"
    ]


class Faulty(SqlWatchStore):
    """A store with a fault of its own, once."""

    faults = 1

    async def commit(self, scope: Scope, observed: Sequence[Observed]) -> None:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError
        await super().commit(scope, observed)


async def test_a_fault_of_our_own_ends_one_sweep_and_not_the_watch(service: Service, sagemaker: SageMaker) -> None:
    watch = service.store.watch
    service.store = replace(service.store, watch=Faulty(watch._database))
    sagemaker.put(Job("running", T0))
    await service.start()

    assert await service.sweeps(2) == ["watching"]
    assert service.witness.outcomes == ["bug", "ok"]


async def test_contradictions_with_a_fresh_answer_between_them_are_counted_anew(
    service: Service, sagemaker: SageMaker
) -> None:
    fresh = Job("back", T0 - HOUR, completed=9, best=9, value=0.9)
    sagemaker.put(fresh)
    await service.start()
    await service.sweep()

    def known() -> int:
        (job,) = service.watch._scope.ledger.jobs.values()  # type: ignore[union-attr]
        return job.counts.completed

    old = Job("back", T0 - HOUR, completed=3, best=3, value=0.3)
    for answers in ([old, old], [replace(fresh, in_progress=2)], [old, old]):
        for answer in answers:
            sagemaker.put(answer)
            assert await service.sweep(later=100.0) == []
    assert known() == 9
    assert await service.sweep(later=100.0) == []
    assert known() == 3


async def test_a_watch_whose_lease_is_anothers_ends_by_it(service: Service, sagemaker: SageMaker) -> None:
    (lease,) = (await service.store.leases.beat("a", ["watch us-east-1"], 30.0)).held
    await service.start(lease=lease)
    await service.sweep()
    sagemaker.now += 60
    await service.store.leases.beat("b", ["watch us-east-1"], 30.0)
    sagemaker.put(Job("new", sagemaker.now))

    with capture_logs() as logged, pytest.raises(ExceptionGroup) as caught:
        await service.sweep()

    assert caught.group_contains(LeaseLost)
    assert not [each for each in logged if each["log_level"] == "error"]
    assert [each.event_type for each in await service.store.outbox.owed("hook", 9)] == ["notifier.watching"]
