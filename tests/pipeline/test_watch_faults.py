"""The watch loop where answers lag, contradict each other or get lost: nothing false, nothing twice, nothing missed."""

from tests.examples import NOON
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0
DAY = 86400.0


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
