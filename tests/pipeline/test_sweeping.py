"""How a sweep goes about it: dated by AWS, bounded in time and number, with no call and no row too many."""

import asyncio

import pytest
from structlog.testing import capture_logs

from notifier.model import Scope, ScopeState
from notifier.pipeline.ledger import BATCH_OBSERVATIONS
from notifier.pipeline.look import CONCURRENT_LOOKS
from notifier.pipeline.watch import UNENDED
from tests.examples import ACCOUNT, NOON, REGION
from tests.pipeline.conftest import Service
from tests.pipeline.deliver_stage import until
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0
DAY = 86400.0


async def test_one_job_whose_describe_fails_for_ever_leaves_the_others_their_audit(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("bad", T0 - HOUR), Job("good", T0 - HOUR))
    await service.start()
    await service.sweep()
    sagemaker.fails["bad"] = "AccessDeniedException"
    sagemaker.move("good", best=1, value=0.5)
    sagemaker.calls.clear()

    assert [*await service.sweep(later=HOUR), *await service.sweeps(20)] == ["new_best"]
    assert sagemaker.calls[DESCRIBE] == 2


async def test_a_local_clock_behind_awss_costs_no_further_full_sweep(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"ended-{n}", T0 - DAY - 60 * n, "Completed") for n in range(250)))
    sagemaker.ahead = 200.0
    await service.start()
    await service.sweep()
    sagemaker.calls.clear()

    await service.sweeps(3)
    assert sagemaker.calls.total() == 3


async def test_a_sweep_that_waits_for_aws_still_shows_that_it_turns(
    service: Service, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.pipeline.ledger.BATCH_SECONDS", 0.01)
    sagemaker.put(Job("slow", T0 - HOUR))
    sagemaker.holds.add(DESCRIBE)
    await service.start()
    async with asyncio.TaskGroup() as tasks:
        sweeping = tasks.create_task(service.sweep())
        await until(lambda: sagemaker.calls[DESCRIBE] > 0)
        turns = service.witness.turns
        await until(lambda: service.witness.turns > turns + 2)
        sagemaker.released.set()
    assert sweeping.result() == ["watching"]


async def test_a_long_first_look_says_every_half_minute_how_far_it_has_come(
    service: Service, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.pipeline.ledger.BATCH_SECONDS", 0.01)
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR) for n in range(30)))
    sagemaker.describes_left = 5
    await service.start()
    witness = service.witness

    async def beats_after(seconds: float) -> list[tuple[int, int]]:
        sagemaker.now += seconds
        turns = witness.turns
        await until(lambda: witness.turns > turns + 2)
        return witness.progress

    with capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(service.sweep())
            await until(lambda: sagemaker.calls[DESCRIBE] == 13)
            assert await beats_after(29.0) == []
            assert await beats_after(1.0) == [(5, 30)]
            assert await beats_after(29.0) == [(5, 30)]
            assert await beats_after(1.0) == [(5, 30)] * 2
            sagemaker.released.set()
        sagemaker.move("job-000", completed=1)
        sagemaker.between_pages = lambda: setattr(sagemaker, "now", sagemaker.now + 60.0)
        await service.sweep()
    assert witness.progress == [(5, 30)] * 2
    said = [each for each in logs if each["event"] == "taking the first look"]
    assert [(each["log_level"], each["looked_at"], each["jobs"]) for each in said] == [("info", 5, 30)] * 2


async def test_a_sweep_that_does_not_end_is_cut_off_by_its_own_name(
    service: Service, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.pipeline.watch.SWEEP_DEADLINE", 0.2)
    sagemaker.holds.add(LIST)
    await service.start()

    with capture_logs() as logs:
        assert await service.sweep() == []
    assert service.witness.outcomes == ["deadline"]
    # And not by the deadline of a call, which comes later.
    assert [each["error"] for each in logs if each["log_level"] == "warning"] == [UNENDED]


async def test_sweeps_that_are_cut_off_go_on_where_the_one_before_stopped_and_lose_nothing(
    service: Service, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.pipeline.ledger.BATCH_SECONDS", 0.05)
    monkeypatch.setattr("notifier.pipeline.watch.SWEEP_DEADLINE", 2.0)
    names = {f"job-{n:04d}" for n in range(1500)}
    sagemaker.put(*(Job(name, T0 - HOUR) for name in names))
    await service.start()

    async def swept_in_parts() -> list[str]:
        """Each sweep describes 700 jobs and then waits until it is cut off; what was owed until one was complete."""
        heard: list[str] = []
        sagemaker.described.clear()
        for cut in range(40):
            sagemaker.describes_left = 700
            heard += await service.sweep()
            if service.witness.outcomes[-1] == "ok":
                assert cut >= 2
                assert set(sagemaker.described) == names
                # A cut loses what was under way, and what was not yet committed: both are looked at again.
                assert len(sagemaker.described) <= len(names) + cut * (BATCH_OBSERVATIONS + CONCURRENT_LOOKS)
                return heard
            assert service.witness.outcomes[-1] == "deadline"
        raise AssertionError("no sweep was complete")

    assert await swept_in_parts() == ["watching"]
    for name in names:
        sagemaker.move(name, status="Completed", ended=sagemaker.now)
    assert await swept_in_parts() == ["status_changed"] * len(names)


async def test_forgets_ended_jobs_once_no_sweep_can_take_them_for_news(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("ended", T0 - DAY, "Completed"), Job("goes-on", T0 - DAY))
    await service.start()
    await service.sweep()
    assert len(await service.store.desk.jobs()) == 2

    assert await service.sweeps(2, later=4 * DAY) == []
    assert [job.name for _, job in await service.store.desk.jobs()] == ["goes-on"]
    assert await service.sweeps(3, later=DAY) == []
    assert sagemaker.described.count("ended") == 0


async def test_a_sweep_is_dated_by_awss_clock_at_its_first_page(service: Service, sagemaker: SageMaker) -> None:
    def pass_time() -> None:
        sagemaker.now += 40.0

    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n, "Completed") for n in range(250)))
    sagemaker.ahead, sagemaker.between_pages = 200.0, pass_time
    await service.start()
    await service.sweep(later=30.0)

    state = await service.store.watch.scope_state(Scope(ACCOUNT, REGION))
    assert state == ScopeState(*[T0 + 30.0 + 200.0] * 3)


async def test_a_row_that_a_new_job_pushed_on_to_the_next_page_is_looked_at_once(
    service: Service, sagemaker: SageMaker
) -> None:
    def begin() -> None:
        sagemaker.put(Job("new", T0))

    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n) for n in range(150)))
    sagemaker.between_pages = begin
    await service.start()
    await service.sweep()

    assert len(sagemaker.described) == len(set(sagemaker.described)) == 150


async def test_a_job_left_out_that_is_gone_is_forgotten_by_the_full_sweep(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("bert", T0 - HOUR), Job("xgb", T0 - HOUR))
    await service.start(jobs=("xgb*",))
    await service.sweep()
    sagemaker.remove("bert")

    assert await service.sweep(later=DAY) == []
    assert [job.name for _, job in await service.store.desk.jobs()] == ["xgb"]


async def test_looks_at_eight_jobs_at_a_time(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR) for n in range(30)))
    sagemaker.holds.add(DESCRIBE)
    await service.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.sweep())
        await until(lambda: sagemaker.at_once == 8)
        sagemaker.released.set()

    assert sagemaker.most_at_once == 8
    assert sagemaker.calls[DESCRIBE] == 30


async def test_a_stop_cuts_a_sweep_short(service: Service, sagemaker: SageMaker) -> None:
    stop = asyncio.Event()
    sagemaker.holds.add(LIST)
    await service.start()
    assert service.watch is not None
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.watch.run(stop))
        await until(lambda: sagemaker.calls[LIST] > 0)
        stop.set()
        await until(running.done)
    assert service.witness.outcomes == []
