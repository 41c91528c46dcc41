"""What our clients know of SageMaker: what is called, whole, and nothing else."""

import pytest
from aiobotocore.session import AioSession
from botocore.model import ServiceModel, Shape, StructureShape
from botocore.regions import EndpointResolver

from notifier.sources import new_session
from notifier.sources.client import PREVIEW_SERVICE
from notifier.sources.models import REACHED
from notifier.sources.operation import Operation
from notifier.sources.parsing import JsonParser
from tests.examples import REGION
from tests.sources.shapes import model, within

CALLED = [each for each in Operation if each.action.startswith("sagemaker:") and each != Operation.DESCRIBE_PREVIEW]


def told(shape: Shape | None) -> list[tuple[str, str, object]]:
    """Everything that a shape says, down to its leaves."""
    return [(each.name, each.type_name, each.serialization) for each in within(shape)] if shape is not None else []


@pytest.mark.parametrize("called", CALLED)
def test_what_is_kept_of_an_operation_is_all_that_botocore_knows_of_it(called: Operation) -> None:
    whole = ServiceModel(AioSession().get_component("data_loader").load_service_model("sagemaker", "service-2"))
    theirs, ours = whole.operation_model(called), model("sagemaker").operation_model(called)

    assert told(ours.input_shape) == told(theirs.input_shape) != []
    assert told(ours.output_shape) == told(theirs.output_shape) != []
    assert [each.name for each in ours.error_shapes] == [each.name for each in theirs.error_shapes]


async def test_a_client_has_a_method_for_what_is_called_and_for_nothing_else() -> None:
    assert sorted(model("sagemaker").operation_names) == sorted(CALLED)
    async with new_session().create_client("sagemaker", REGION) as client:
        assert all(hasattr(client, each.method) for each in CALLED)
        assert not hasattr(client, "create_training_job")


@pytest.mark.parametrize("service", ["sts", "sqs", PREVIEW_SERVICE])
def test_other_services_keep_all_their_operations_for_botocore_calls_them_too(service: str) -> None:
    whole = new_session().get_component("data_loader").load_service_model(service, "service-2")

    assert set(model(service).operation_names) == set(whole["operations"])
    assert service != "sts" or "AssumeRoleWithWebIdentity" in whole["operations"]


async def test_what_was_learned_of_a_shape_serves_every_client_of_a_session() -> None:
    class Learning(JsonParser):
        structures = 0

        def _structure(self, shape: StructureShape) -> object:  # type: ignore[override]
            self.structures += 1
            return super()._structure(shape)

    parser = Learning()
    words = new_session().get_component("data_loader").load_service_model("sagemaker", "service-2")
    answer = {"status_code": 200, "headers": {}, "body": b'{"HyperParameterTuningJobSummaries": [{}]}'}
    learned = []
    for _ in range(2):
        shape = ServiceModel(words).operation_model(Operation.LIST).output_shape
        assert shape is not None
        assert (await parser.parse(answer, shape))["HyperParameterTuningJobSummaries"] == [{}]
        learned.append(parser.structures)

    assert learned[0] == learned[1] > 0


@pytest.mark.parametrize("service", sorted(REACHED))
def test_what_is_kept_of_the_endpoints_leads_where_botocores_do(service: str) -> None:
    ours, theirs = (each.get_component("data_loader").load_data("endpoints") for each in (new_session(), AioSession()))
    ours, theirs = EndpointResolver(ours), EndpointResolver(theirs)
    regions = {
        region
        for partition in theirs.get_available_partitions()
        for region in theirs.get_available_endpoints("api.sagemaker", partition)
    }

    assert len(regions) > 30
    assert ours.get_available_partitions() == theirs.get_available_partitions()
    for region in regions:
        assert ours.construct_endpoint(service, region) == theirs.construct_endpoint(service, region)
