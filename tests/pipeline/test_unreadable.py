"""Rows of List that lack what they must have: set aside and named once, their jobs described by name instead."""

from structlog.testing import capture_logs

from notifier.model import Scope
from tests.examples import ACCOUNT, NOON, REGION
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import DESCRIBE, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0


async def test_a_row_that_cannot_be_read_is_named_once_and_keeps_no_news_back(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("odd", T0, best=1, value=0.5), Job("good", T0))
    sagemaker.leaves_out["odd"] = "CreationTime"
    await service.start()

    with capture_logs() as logs:
        assert await service.sweep() == ["watching"]
        sagemaker.move("odd", completed=1, best=2, value=0.6)
        sagemaker.move("good", status="Stopping")
        assert sorted(await service.sweep()) == ["new_best", "status_changed"]
        sagemaker.move("odd", status="Completed", ended=sagemaker.now)
        assert await service.sweep() == ["status_changed"]
        assert await service.sweep() == []
    (said,) = [each["error"] for each in logs if each["log_level"] == "warning"]
    assert said == "odd: CreationTime is missing"


async def test_a_known_job_whose_row_cannot_be_read_is_described_once_a_sweep(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("odd", T0))
    await service.start()
    await service.sweep()
    sagemaker.leaves_out["odd"] = "TrainingJobStatusCounters"
    sagemaker.calls.clear()

    assert await service.sweeps(4, later=61.0) == []
    assert sagemaker.calls[DESCRIBE] == 4
    sagemaker.remove("odd")
    assert await service.sweeps(2, later=61.0) == ["deleted"]


async def test_a_row_left_out_by_the_settings_is_not_described_either(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("bert", T0), Job("xgb", T0))
    sagemaker.leaves_out["bert"] = "CreationTime"
    await service.start(jobs=("xgb",))

    assert await service.sweep() == ["watching"]
    assert sagemaker.described == ["xgb"]


async def test_an_old_ended_job_whose_row_cannot_be_read_is_history(service: Service, sagemaker: SageMaker) -> None:
    await service.start()
    await service.sweep()
    sagemaker.put(Job("old", T0 - 3 * HOUR, "Completed"))
    sagemaker.leaves_out["old"] = "CreationTime"

    assert await service.sweeps(2) == []


async def test_a_sweep_that_can_neither_read_nor_describe_a_new_job_is_not_complete_and_loses_nothing(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweep()
    began = (await service.store.watch.scope_state(Scope(ACCOUNT, REGION))).complete_at
    sagemaker.put(Job("odd", sagemaker.now), Job("good", sagemaker.now))
    sagemaker.leaves_out["odd"] = "CreationTime"
    sagemaker.fails["odd"] = "InternalFailure"

    with capture_logs() as logs:
        assert await service.sweep() == ["started"]
        sagemaker.move("odd", status="Completed", ended=sagemaker.now)
        assert await service.sweeps(3, later=2 * HOUR) == ["scope_blind"]
    assert service.witness.outcomes[1:] == ["server"] * 4
    assert (await service.store.watch.scope_state(Scope(ACCOUNT, REGION))).complete_at == began
    (said,) = [each["error"] for each in logs if each["log_level"] == "warning"]
    assert said.endswith("and the row of odd in List cannot be read: CreationTime is missing")

    sagemaker.leaves_out.clear()
    sagemaker.fails.clear()
    assert sorted(await service.sweep()) == ["scope_recovered", "status_changed"]
