"""A scope that cannot be seen: the operator hears of it once, and once when it is over."""

from notifier.model import Notice
from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import LIST, Job, SageMaker

T0 = NOON.timestamp()


async def notices(service: Service) -> list[Notice]:
    rows = await service.store.outbox.owed("hook", 100)
    bodies = await service.store.outbox.events([each.event_id for each in rows])
    return [body for row in rows if isinstance(body := bodies[row.event_id], Notice)]


async def test_a_scope_gone_blind_is_told_once_when_it_lasts_and_once_when_it_is_over(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("running", T0))
    await service.start()
    await service.sweep()
    sagemaker.fails[LIST] = "AccessDeniedException"

    assert await service.sweeps(2, later=300.0) == []
    assert await service.sweeps(4, later=300.0) == ["scope_blind"]
    del sagemaker.fails[LIST]
    sagemaker.move("running", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed", "scope_recovered"]
    assert await service.sweeps(2) == []

    _, blind, seen = await notices(service)
    assert blind.title == "Cannot see the tuning jobs in us-east-1"
    assert "Not since 2026-01-31 12:00 UTC" in blind.lines[0]
    assert "allow sagemaker:ListHyperParameterTuningJobs" in blind.lines[0]
    assert "since 2026-01-31 12:00 UTC" in seen.lines[0]


async def test_a_short_outage_is_told_nobody(service: Service, sagemaker: SageMaker) -> None:
    await service.start()
    await service.sweep()
    sagemaker.fails[LIST] = "ThrottlingException"
    assert await service.sweeps(2, later=300.0) == []
    del sagemaker.fails[LIST]
    assert await service.sweep(later=300.0) == []

    sagemaker.fails[LIST] = "ThrottlingException"
    assert await service.sweep(later=86400.0) == []
    assert await service.sweep(later=899.0) == []
    assert await service.sweep(later=1.0) == ["scope_blind"]


async def test_a_restart_in_the_middle_of_it_tells_nothing_twice_and_still_tells_its_end(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweeps(2)
    sagemaker.fails[LIST] = "ExpiredTokenException"
    assert await service.sweeps(2, later=900.0) == ["scope_blind"]

    await service.start()
    assert await service.sweeps(2, later=900.0) == []
    await service.start()
    del sagemaker.fails[LIST]
    assert await service.sweep() == ["scope_recovered"]
    await service.start()
    assert await service.sweep() == []


async def test_a_scope_that_was_never_seen_is_told_too(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.fails |= {"sts": "denied", LIST: "ExpiredTokenException"}
    await service.start()
    assert await service.sweeps(3, later=900.0) == ["scope_blind"]
    (blind,) = await notices(service)
    assert blind.lines[0].startswith("Not swept yet: ")

    sagemaker.fails.clear()
    assert await service.sweep() == ["scope_recovered", "watching"]
