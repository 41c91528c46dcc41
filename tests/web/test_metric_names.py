"""What /metrics is called: Prometheus' conventions for names, units, types and labels, over a real socket."""

import asyncio
import re
from collections.abc import Sequence

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from notifier.errors import Cause, Fault
from notifier.model import EventType
from notifier.web import Queue
from tests.web.conftest import Pages

# The parser takes the _total from a counter's name, and the _info from an information's.
FAMILIES = {
    "notifier_build_info": "gauge",
    "notifier_sweeps": "counter",
    "notifier_sweep_duration_seconds": "histogram",
    "notifier_aws_calls": "counter",
    "notifier_aws_call_duration_seconds": "histogram",
    "notifier_aws_throttles": "counter",
    "notifier_events": "counter",
    "notifier_messages": "counter",
    "notifier_delivery_attempts": "counter",
    "notifier_delivery_attempt_duration_seconds": "histogram",
    "notifier_outbox_messages": "gauge",
    "notifier_outbox_oldest_age_seconds": "gauge",
    "notifier_destination_held": "gauge",
    "notifier_poll_age_seconds": "gauge",
    "notifier_store_up": "gauge",
}
LABELS = {"region", "account", "operation", "outcome", "type", "kind", "destination", "state", "version", "le"}
"""Each of few values: a job's name is in none of them."""


@pytest.fixture
async def families(http: aiohttp.ClientSession, pages: Pages) -> Sequence[Metric]:
    """Everything that /metrics holds once everything has happened once."""
    pages.health.watch("111122223333/us-east-1", "us-east-1", within=90, account="111122223333")
    pages.queues = [Queue("ops", {"pending": 3}, 12.5, held="gone")]
    pages.metrics.call("us-east-1", "DescribeHyperParameterTuningJob", Cause.THROTTLED, 0.1)
    pages.metrics.attempt("webhook", Fault.NOBODY, 0.3)
    pages.metrics.sweep("us-east-1", "ok", 1.5)
    pages.metrics.event(EventType.DELETED)
    pages.metrics.message("webhook", "delivered")
    async with http.get(f"{pages.url}/metrics") as answer:
        return list(text_string_to_metric_families(await answer.text()))


def test_every_family_has_the_type_that_charts_count_on(families: Sequence[Metric]) -> None:
    assert {each.name: each.type for each in families if each.name.startswith("notifier_")} == FAMILIES


def test_every_name_follows_the_conventions(families: Sequence[Metric]) -> None:
    for family in families:
        assert re.fullmatch(r"(notifier|process)(_[a-z]+)+", family.name)
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|millis|minutes|hours|count|total)$", family.name)
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")


def test_labels_are_few_and_tell_no_job(families: Sequence[Metric]) -> None:
    assert {name for family in families for sample in family.samples for name in sample.labels} == LABELS


def test_every_histogram_ends_in_a_bucket_for_all(families: Sequence[Metric]) -> None:
    for family in families:
        if family.type == "histogram":
            buckets = [each.labels["le"] for each in family.samples if each.name.endswith("_bucket")]
            assert buckets[-1] == "+Inf"


async def test_two_scrapes_at_once_do_not_mix(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.queues = [Queue(f"q{number}", {"pending": number}) for number in range(50)]

    async def scraped() -> list[str]:
        async with http.get(f"{pages.url}/metrics") as answer:
            return [line for line in (await answer.text()).splitlines() if line.startswith("notifier_outbox_messages")]

    assert [len(lines) for lines in await asyncio.gather(*(scraped() for _ in range(8)))] == [50] * 8
