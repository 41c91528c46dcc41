"""A scope that cannot be seen: the operator hears of it once, and once when it is over."""

from notifier.model import Notice
from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0


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


async def test_a_clock_that_is_set_makes_no_scope_blind(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("running", T0))
    passed = 0.0
    await service.start(ticks=lambda: passed)
    await service.sweep()
    sagemaker.fails[LIST] = "AccessDeniedException"

    assert await service.sweeps(2, later=HOUR) == []
    passed = 1000.0
    assert await service.sweep() == ["scope_blind"]


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


async def test_a_scope_where_describe_alone_is_denied_is_blind_and_has_no_baseline_before_it_can_be_seen(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0, best=1, value=0.5), Job("two", T0), Job("ended", T0, "Completed"))
    sagemaker.fails[DESCRIBE] = "AccessDeniedException"
    await service.start()

    assert await service.sweeps(4, later=300.0) == ["scope_blind"]
    assert service.witness.outcomes == ["denied"] * 4
    (blind,) = await notices(service)
    assert "allow sagemaker:DescribeHyperParameterTuningJob" in blind.lines[0]
    del sagemaker.fails[DESCRIBE]
    assert await service.sweep() == ["scope_recovered", "watching"]
    sagemaker.move("one", completed=1, best=2, value=0.6)
    assert await service.sweep() == ["new_best"]


async def test_a_permission_that_is_taken_away_shows_with_the_first_job_that_moves_and_hides_nothing(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0), Job("two", T0))
    await service.start()
    await service.sweep()
    sagemaker.fails[DESCRIBE] = "AccessDeniedException"
    assert await service.sweep() == []  # Nothing moved, so nothing was hidden.
    sagemaker.move("one", completed=1, best=1, value=0.5)
    sagemaker.put(Job("new", sagemaker.now))
    assert await service.sweep() == []
    assert service.witness.outcomes == ["ok", "ok", "denied"]

    sagemaker.move("new", status="Failed", ended=sagemaker.now)
    assert await service.sweeps(4, later=HOUR) == ["scope_blind"]
    del sagemaker.fails[DESCRIBE]
    assert sorted(await service.sweep()) == ["new_best", "scope_recovered", "status_changed"]


async def test_a_job_that_a_policy_leaves_out_makes_no_scope_blind_while_another_can_be_described(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("ours", T0), Job("theirs", T0))
    sagemaker.fails["theirs"] = "AccessDeniedException"
    await service.start()

    assert await service.sweep() == ["watching"]
    assert await service.sweeps(100, later=300.0) == []
    assert set(service.witness.outcomes) == {"ok"}
