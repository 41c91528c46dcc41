"""The preview's dialect: names that are described, and nothing to list."""

from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import LIST, PREVIEW, Job, SageMaker

T0 = NOON.timestamp()


async def test_the_first_answer_is_a_names_baseline_and_what_follows_is_told(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0, best=1, value=0.5))
    await service.start(jobs=("one", "two"), api="preview")
    assert await service.sweep() == ["watching"]
    assert sagemaker.calls[LIST] == 0

    sagemaker.put(Job("two", sagemaker.now))
    sagemaker.move("one", completed=1, best=2, value=0.4)
    assert await service.sweep() == ["new_best"]  # Without a direction, the service's word counts.
    sagemaker.move("two", status="Failed", reason="no luck")
    assert await service.sweep() == ["status_changed"]


async def test_an_ended_name_is_looked_at_every_ten_minutes_and_may_be_used_again(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.move("one", status="Completed")
    assert await service.sweep() == ["status_changed"]
    sagemaker.calls.clear()

    await service.sweeps(10)
    assert sagemaker.calls == {}
    sagemaker.put(Job("one", sagemaker.now))
    assert await service.sweep(later=600.0) == ["started"]
    assert sagemaker.calls == {PREVIEW: 1}


async def test_a_name_that_vanishes_is_deleted_after_two_misses(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.remove("one")

    assert await service.sweeps(2) == []
    assert await service.sweep() == ["deleted"]
    assert await service.sweep() == []


async def test_when_no_name_can_be_asked_for_the_sweep_has_failed(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0))
    sagemaker.fails[PREVIEW] = "AccessDeniedException"
    await service.start(jobs=("one",), api="preview")

    assert await service.sweep() == []
    assert service.witness.outcomes == ["denied"]
