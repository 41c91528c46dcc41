"""The preview's dialect: names that are described, and nothing to list."""

import pytest

from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import LIST, PREVIEW, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0


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


async def test_a_clock_set_back_does_not_hide_what_became_of_an_ended_name(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0, "Completed"))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.now -= HOUR
    sagemaker.put(Job("one", T0 + 10))

    assert await service.sweep() == ["started"]


async def test_a_name_that_vanishes_is_deleted_after_two_misses(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.remove("one")

    assert await service.sweeps(2) == []
    assert await service.sweep() == ["deleted"]
    assert await service.sweep() == []


async def test_what_takes_the_name_of_a_deleted_job_is_news(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.remove("one")
    assert await service.sweeps(3) == ["deleted"]
    sagemaker.calls.clear()
    assert await service.sweeps(2, later=599.0) == []
    assert sagemaker.calls == {PREVIEW: 1}

    await service.start(jobs=("one",), api="preview")
    sagemaker.put(Job("one", sagemaker.now))
    assert await service.sweep(later=600.0) == ["started"]


async def test_a_job_that_was_told_to_be_deleted_and_comes_back_still_tells_its_ending(
    service: Service, sagemaker: SageMaker
) -> None:
    job = Job("one", T0, best=1, value=0.5)
    sagemaker.put(job)
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.remove("one")
    assert await service.sweeps(3) == ["deleted"]

    sagemaker.put(job)
    await service.sweep(later=600.0)
    sagemaker.move("one", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]
    assert await service.sweeps(3, later=600.0) == []


async def test_what_takes_the_name_of_a_job_in_progress_is_news_and_the_other_is_deleted(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.put(Job("one", sagemaker.now + 1))

    assert await service.sweep() == ["deleted", "started"]
    assert await service.sweeps(3) == []


async def test_a_deleted_name_whose_job_had_ended_is_looked_at_every_ten_minutes_as_before(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0, "Completed"))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.remove("one")
    sagemaker.calls.clear()

    assert await service.sweeps(40) == []
    assert sagemaker.calls == {PREVIEW: 2}


async def test_an_answer_about_an_earlier_job_of_the_name_changes_nothing(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("one", T0))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    sagemaker.put(Job("one", T0 - 3600.0, "Completed"))
    assert await service.sweeps(3, later=61.0) == []

    sagemaker.put(Job("one", T0, "Completed"))
    assert await service.sweep() == ["status_changed"]


async def test_a_name_seen_between_two_misses_is_not_deleted(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0, completed=5))
    await service.start(jobs=("one",), api="preview")
    await service.sweep()
    for completed in (4, 5):
        sagemaker.remove("one")
        assert await service.sweep() == []
        sagemaker.put(Job("one", T0, completed=completed))
        assert await service.sweep() == []
    sagemaker.remove("one")
    assert await service.sweep() == []


@pytest.mark.parametrize(
    ("how", "trouble"),
    [
        pytest.param("fails", "InternalFailure", id="a-failure"),
        pytest.param("fails", "AccessDeniedException", id="denied"),
        pytest.param("babbles", "", id="an-empty-200"),
        pytest.param("babbles", "<html>hello</html>", id="a-page"),
    ],
)
async def test_what_brings_no_answer_is_no_miss_and_changes_nothing_that_is_known(
    service: Service, sagemaker: SageMaker, how: str, trouble: str
) -> None:
    sagemaker.put(Job("one", T0, completed=3, best=2, value=0.5), Job("two", T0))
    await service.start(jobs=("one", "two"), api="preview")
    await service.sweep()
    before = (await service.store.desk.jobs())[0]
    getattr(sagemaker, how)["one"] = trouble

    assert await service.sweeps(3, later=61.0) == []
    assert (await service.store.desk.jobs())[0] == before


async def test_a_name_left_out_is_not_asked_for(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0), Job("two", T0))
    await service.start(jobs=("one", "two"), exclude=("t*",), api="preview")

    assert await service.sweep() == ["watching"]
    assert sagemaker.described == ["one"]


async def test_when_no_name_can_be_asked_for_the_sweep_has_failed(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("one", T0))
    sagemaker.fails[PREVIEW] = "AccessDeniedException"
    await service.start(jobs=("one",), api="preview")

    assert await service.sweep() == []
    assert service.witness.outcomes == ["denied"]
