"""The trials of jobs that moved: read where people want them, remembered, and never waited for."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from notifier.model import Trial
from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import LIST_TRIALS, Job, SageMaker

T0 = NOON.timestamp()
PEOPLE = ("hook",)
WITHOUT = "messages do without the story of the trials"


def row(number: int, value: float | None = 0.5, status: str = "Completed", reason: str = "") -> dict[str, Any]:
    """One trial as the listing tells it."""
    metric = {"MetricName": "validation:auc", "Value": value}
    told = {"FinalHyperParameterTuningJobObjectiveMetric": metric} if value is not None else {}
    return {
        "TrainingJobName": f"xgb-{number:03d}",
        "TrainingJobStatus": status,
        "CreationTime": T0 + number,
        "TrainingStartTime": T0 + number,
        "TrainingEndTime": T0 + number + 60,
        "TunedHyperParameters": {"eta": str(number / 10)},
        **told,
        **({"FailureReason": reason} if reason else {}),
    }


async def remembered(service: Service, sagemaker: SageMaker, name: str = "xgb") -> tuple[Trial, ...]:
    (key,) = [each.identity.key for _, each in await service.store.desk.jobs() if each.name == name]
    return await service.store.outbox.trials(key)


async def begun(service: Service, sagemaker: SageMaker, **how: Any) -> None:
    """A job in progress, after its silent baseline."""
    sagemaker.put(Job("xgb", T0 - 600))
    sagemaker.trials["xgb"] = [row(1)]
    await service.start(**{"people": PEOPLE} | how)
    await service.sweep()
    assert sagemaker.calls[LIST_TRIALS] == 0


async def test_a_new_best_and_an_ending_bring_the_trials_along_and_a_quiet_sweep_asks_for_nothing(
    service: Service, sagemaker: SageMaker
) -> None:
    await begun(service, sagemaker)
    sagemaker.move("xgb", completed=1, best=1, value=0.5)
    assert await service.sweep() == ["new_best"]
    assert [each.name for each in await remembered(service, sagemaker)] == ["xgb-001"]

    sagemaker.trials["xgb"] = [row(2, None, "Failed", "CUDA out of memory"), row(1)]
    sagemaker.move("xgb", completed=2, status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]
    first, second = await remembered(service, sagemaker)
    assert (first.value, second.failure_reason, second.hyperparameters) == (0.5, "CUDA out of memory", {"eta": "0.2"})

    assert await service.sweeps(5) == []
    assert sagemaker.calls[LIST_TRIALS] == 2


@pytest.mark.parametrize(
    ("how", "calls"),
    [
        pytest.param({}, 0, id="for-events-alone"),
        pytest.param({"living": True}, 1, id="where-a-job-is-shown-as-it-goes-on"),
        pytest.param({"living": True, "people": ()}, 0, id="for-programs-not-at-all"),
    ],
)
async def test_trials_that_end_without_an_event_are_read_only_where_they_show(
    service: Service, sagemaker: SageMaker, how: dict[str, Any], calls: int
) -> None:
    await begun(service, sagemaker, **how)
    sagemaker.move("xgb", completed=1)
    assert await service.sweep() == []

    assert sagemaker.calls[LIST_TRIALS] == calls


@pytest.mark.parametrize("error", ["ThrottlingException", "InternalFailure", "ValidationException"])
async def test_an_event_does_without_them_where_they_cannot_be_read_and_the_next_look_brings_them(
    service: Service, sagemaker: SageMaker, error: str
) -> None:
    await begun(service, sagemaker)
    sagemaker.fails[LIST_TRIALS] = error
    sagemaker.move("xgb", completed=1, best=1, value=0.5)
    assert await service.sweep() == ["new_best"]
    assert await remembered(service, sagemaker) == ()

    del sagemaker.fails[LIST_TRIALS]
    assert await service.sweep() == []
    assert [each.name for each in await remembered(service, sagemaker)] == ["xgb-001"]


async def test_a_listing_that_hangs_holds_up_no_event(
    service: Service, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.pipeline.trials.BRIEF_SECONDS", 0.05)
    monkeypatch.setattr("notifier.pipeline.trials.LATER_SECONDS", 0.05)
    await begun(service, sagemaker)
    sagemaker.holds.add(LIST_TRIALS)
    sagemaker.move("xgb", completed=1, best=1, value=0.5)
    async with asyncio.timeout(5):
        assert await service.sweep() == ["new_best"]
    sagemaker.released.set()


async def test_a_permission_that_is_missing_is_said_once_and_not_asked_for_again_at_each_event(
    service: Service, sagemaker: SageMaker
) -> None:
    await begun(service, sagemaker)
    sagemaker.fails[LIST_TRIALS] = "AccessDeniedException"
    with capture_logs() as logged:
        for number in (1, 2, 3):
            sagemaker.move("xgb", completed=number, best=number, value=number / 10)
            assert await service.sweep() == ["new_best"]

    (said,) = [each for each in logged if each["event"] == WITHOUT]
    assert "allow sagemaker:ListTrainingJobsForHyperParameterTuningJob" in said["error"]
    assert sagemaker.calls[LIST_TRIALS] == 1


async def test_trials_are_forgotten_with_their_job(service: Service, sagemaker: SageMaker) -> None:
    await begun(service, sagemaker)
    sagemaker.move("xgb", completed=1, status="Stopped", ended=sagemaker.now)
    await service.sweep()
    (row,) = [each for each in await service.store.outbox.owed("hook", 9) if each.event_type.endswith("changed")]
    assert len(await service.store.outbox.trials(row.job_key)) == 1
    await service.store.desk.discard([each.seq for each in await service.store.outbox.owed("hook", 9)])

    sagemaker.remove("xgb")
    await service.sweeps(3, later=5 * 86400.0)
    assert await service.store.outbox.trials(row.job_key) == ()
