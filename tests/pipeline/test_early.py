"""Early words over the wire: told once, whatever restarts, and for stalls without a call."""

import json

import pytest

from notifier.detection.early import Rules
from notifier.model import Event
from notifier.rendering.cloudevents import body
from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker

T0 = NOON.timestamp()
RULES = Rules(failing=0.5, plateau=0.25, limit=0.9, stall=5.0)


async def told(service: Service) -> list[Event]:
    """All events that are owed."""
    rows = await service.store.outbox.owed("hook", 99)
    bodies = await service.store.outbox.events([each.event_id for each in rows])
    return [each for row in rows if isinstance(each := bodies[row.event_id], Event)]


async def test_a_stall_is_told_once_without_a_call_and_again_after_the_next(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("xgb", T0))
    await service.start(early=RULES)
    await service.sweep()
    for done in range(1, 6):
        sagemaker.move("xgb", completed=done)
        assert await service.sweep(later=600.0) == []
    described = sagemaker.calls[DESCRIBE]

    assert await service.sweeps(4, later=600.0) == []
    assert await service.sweep(later=700.0) == ["stalled"]
    assert await service.sweeps(3, later=400.0) == []
    # An audit looks once an hour, stall or no stall.
    assert sagemaker.calls[DESCRIBE] - described <= 1

    sagemaker.move("xgb", completed=6)
    assert await service.sweep() == []
    assert await service.sweeps(12, later=1000.0) == ["stalled"]


async def test_a_stall_is_not_told_again_by_another_process(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("xgb", T0, completed=4))
    await service.start(early=RULES)
    await service.sweep()
    sagemaker.move("xgb", completed=5)
    await service.sweep(later=600.0)
    assert "stalled" in await service.sweeps(5, later=3000.0)

    await service.start(early=RULES)
    assert await service.sweeps(5, later=3000.0) == []


async def test_without_rules_nothing_is_told(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("xgb", T0, completed=4))
    await service.start()
    await service.sweep()
    sagemaker.move("xgb", completed=5)

    assert await service.sweeps(9, later=3000.0) == []


@pytest.mark.parametrize("silent", [pytest.param(False, id="described"), pytest.param(True, id="while-describe-fails")])
async def test_a_stall_stands_in_its_event_with_its_figures(
    service: Service, sagemaker: SageMaker, silent: bool
) -> None:
    sagemaker.put(Job("xgb", T0, completed=4))
    await service.start(early=RULES)
    await service.sweep()
    sagemaker.move("xgb", completed=5)
    await service.sweep(later=600.0)
    if silent:
        sagemaker.fails[DESCRIBE] = "InternalFailure"
    await service.sweeps(5, later=3000.0)

    (event,) = await told(service)
    assert json.loads(body(event))["data"]["change"].keys() == {"seconds", "usual_seconds"}
    assert sagemaker.calls[LIST] >= 6
