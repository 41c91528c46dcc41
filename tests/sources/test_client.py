"""What our clients do as botocore's do not."""

from datetime import UTC

from notifier.sources import new_session
from notifier.sources.client import connected
from tests.examples import NOON, REGION
from tests.sources.aws import Aws

LIST = "ListHyperParameterTuningJobs"


async def test_times_come_in_utc(aws: Aws) -> None:
    aws.answers(LIST, {"HyperParameterTuningJobSummaries": [{"CreationTime": NOON.timestamp()}]})

    async with connected(new_session(), "sagemaker", REGION) as connection:
        client = await connection.client()
        answer = await client.list_hyper_parameter_tuning_jobs()

    (row,) = answer["HyperParameterTuningJobSummaries"]
    assert (row["CreationTime"], row["CreationTime"].tzinfo) == (NOON, UTC)
