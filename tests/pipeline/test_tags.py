"""Tags are read once for each job, only where a filter asks, and never in the way of an event."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import LIST_TAGS, Job, SageMaker

T0 = NOON.timestamp()
VISION = (("team", "vis*"),)


async def begun(service: Service, sagemaker: SageMaker, **tags: str) -> None:
    """A job in progress, after its silent baseline, with these tags, where a filter asks for the team."""
    sagemaker.put(Job("xgb", T0 - 600))
    sagemaker.tags["xgb"] = tags
    await service.start(tags=VISION)
    await service.sweep()
    assert sagemaker.calls[LIST_TAGS] == 0


def better(sagemaker: SageMaker, number: int) -> None:
    sagemaker.move("xgb", completed=number, best=number, value=number / 10)


async def test_events_go_where_the_tags_match_and_the_tags_are_asked_for_once(
    service: Service, sagemaker: SageMaker
) -> None:
    await begun(service, sagemaker, team="vision", env="prod")
    better(sagemaker, 1)
    assert await service.sweep() == ["new_best"]
    better(sagemaker, 2)
    assert await service.sweep() == ["new_best"]
    assert sagemaker.calls[LIST_TAGS] == 1

    # They are kept with the job, through a restart.
    await service.start(tags=VISION)
    better(sagemaker, 3)
    assert await service.sweep() == ["new_best"]
    assert sagemaker.calls[LIST_TAGS] == 1


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({"team": "speech"}, id="another-value"),
        pytest.param({"team": "Vision"}, id="tags-have-case"),
        pytest.param({"env": "vision"}, id="another-key"),
        pytest.param({}, id="none"),
    ],
)
async def test_other_jobs_are_not_told(service: Service, sagemaker: SageMaker, tags: dict[str, str]) -> None:
    await begun(service, sagemaker, **tags)
    better(sagemaker, 1)

    assert await service.sweep() == []
    assert sagemaker.calls[LIST_TAGS] == 1


async def test_without_a_filter_nobody_asks(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("xgb", T0 - 600))
    await service.start()
    await service.sweep()
    better(sagemaker, 1)

    assert await service.sweep() == ["new_best"]
    assert sagemaker.calls[LIST_TAGS] == 0


async def test_where_it_is_denied_everything_is_told_and_that_is_said_once(
    service: Service, sagemaker: SageMaker
) -> None:
    await begun(service, sagemaker, team="speech")
    sagemaker.fails[LIST_TAGS] = "AccessDeniedException"

    with capture_logs() as logs:
        better(sagemaker, 1)
        assert await service.sweep() == ["new_best"]
        better(sagemaker, 2)
        assert await service.sweep() == ["new_best"]

    (said,) = [each for each in logs if each["event"].startswith("tags cannot be read")]
    assert "sagemaker:ListTags" in said["error"]
    assert sagemaker.calls[LIST_TAGS] == 1


async def test_tags_that_do_not_come_hold_up_no_event(service: Service, sagemaker: SageMaker) -> None:
    await begun(service, sagemaker, team="speech")
    sagemaker.holds.add(LIST_TAGS)
    better(sagemaker, 1)

    with capture_logs() as logs:
        async with asyncio.timeout(20):
            assert await service.sweep() == ["new_best"]

    assert [each["error"] for each in logs if each["event"].startswith("tags cannot be read")] == ["no answer in 3 s"]


async def test_tags_are_forgotten_with_their_job(service: Service, sagemaker: SageMaker) -> None:
    await begun(service, sagemaker, team="speech")
    better(sagemaker, 1)
    await service.sweep()
    ((_, job),) = await service.store.desk.jobs()
    assert await service.store.watch.tags(job.identity) == {"team": "speech"}

    sagemaker.remove("xgb")
    await service.sweeps(3, later=61.0)

    assert await service.store.desk.jobs() == []
    assert await service.store.watch.tags(job.identity) is None
