"""`/healthz`, `/readyz` and `/metrics` over a real socket."""

import asyncio
import errno
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from notifier.errors import AddressUnusable, Cause, Fault, StoreUnavailable
from notifier.model import EventType
from notifier.ports import Meter
from notifier.web import Health, Metrics, Queue, examine, make_app, serve, server
from tests.web.conftest import Pages


async def asked(http: aiohttp.ClientSession, pages: Pages, path: str) -> tuple[int, Any]:
    """The status and the JSON of a page."""
    async with http.get(pages.url + path) as answer:
        return answer.status, await answer.json()


async def measured(http: aiohttp.ClientSession, pages: Pages) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics: its value by its name and its labels' values, in the order of the labels' names."""
    async with http.get(f"{pages.url}/metrics") as answer:
        assert answer.status == 200
        families = text_string_to_metric_families(await answer.text())
        samples = [sample for family in families for sample in family.samples]
        return {(each.name, *(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}


async def test_it_is_healthy_while_every_loop_turns(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.health.expect("deliver ops", within=60)
    pages.clock.now += 2

    assert await asked(http, pages, "/healthz") == (
        200,
        {"healthy": True, "reasons": [], "loops": {"deliver ops": 2.0}},
    )


async def test_a_stuck_loop_makes_it_unhealthy_and_is_named(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.health.expect("deliver ops", within=60)
    pages.clock.now += 61

    status, detail = await asked(http, pages, "/healthz")

    assert status == 503
    assert detail["reasons"] == ["deliver ops has not turned for 61 s (bound: 60 s)"]


async def test_a_store_in_trouble_leaves_it_healthy(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.trouble = StoreUnavailable("the disk is full")

    assert (await asked(http, pages, "/healthz"))[0] == 200


async def test_it_is_ready_once_the_store_takes_writes_and_every_scope_is_swept(
    http: aiohttp.ClientSession, pages: Pages
) -> None:
    pages.health.watch("us-east-1", "us-east-1", within=90)
    assert await asked(http, pages, "/readyz") == (
        503,
        {
            "ready": False,
            "reasons": ["us-east-1: not swept yet"],
            "sweeps": {"us-east-1": 0.0},
            "stale": ["us-east-1: not swept yet"],
            "deaf": {},
            "held": {},
        },
    )

    pages.health.swept("us-east-1")

    assert await asked(http, pages, "/readyz") == (
        200,
        {"ready": True, "reasons": [], "sweeps": {"us-east-1": 0.0}, "stale": [], "deaf": {}, "held": {}},
    )


async def test_an_account_that_is_not_swept_is_shown_and_it_stays_ready_while_another_is(
    http: aiohttp.ClientSession, pages: Pages
) -> None:
    for account in ("111122223333", "222233334444"):
        pages.health.watch(f"{account}/us-east-1", "us-east-1", within=90, account=account)
    pages.health.swept("111122223333/us-east-1")
    pages.health.missed("222233334444/us-east-1", "denied")

    status, detail = await asked(http, pages, "/readyz")

    assert (status, detail["reasons"], detail["stale"]) == (200, [], ["222233334444/us-east-1: not swept yet: denied"])


async def test_a_held_destination_is_shown_and_it_stays_ready(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.queues = [Queue("ops", {"pending": 3}, 12.0, held="Slack answered 404 no_service"), Queue("hook", {})]

    status, detail = await asked(http, pages, "/readyz")

    assert (status, detail["held"]) == (200, {"ops": "Slack answered 404 no_service"})


async def test_a_queue_of_hints_that_cannot_be_heard_is_shown_and_it_stays_ready(
    http: aiohttp.ClientSession, pages: Pages
) -> None:
    pages.health.deaf("us-east-1/111122223333/notifier", "access is denied")
    assert (await asked(http, pages, "/readyz"))[1]["deaf"] == {"us-east-1/111122223333/notifier": "access is denied"}

    pages.health.deaf("us-east-1/111122223333/notifier", None)
    status, detail = await asked(http, pages, "/readyz")

    assert (status, detail["deaf"]) == (200, {})


async def test_a_store_that_takes_no_writes_makes_it_unready_and_says_why(
    http: aiohttp.ClientSession, pages: Pages
) -> None:
    pages.trouble = StoreUnavailable("the disk is full")

    status, detail = await asked(http, pages, "/readyz")

    assert (status, detail["reasons"]) == (503, ["the disk is full"])


async def test_every_reason_is_given_at_once(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.trouble = StoreUnavailable("the disk is full")
    for region in ("eu-west-1", "us-east-1"):
        pages.health.watch(region, region, within=90)

    _, detail = await asked(http, pages, "/readyz")

    assert detail["reasons"] == ["the disk is full", "eu-west-1: not swept yet", "us-east-1: not swept yet"]


async def test_a_store_that_never_answers_holds_up_no_page(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STORE_SECONDS", 0.05)
    never = asyncio.Event()

    async def hang() -> Any:
        await never.wait()

    async with serve(make_app(Health(), Metrics("1"), hang, hang), "127.0.0.1", 0) as port:
        pages = Pages(url=f"http://127.0.0.1:{port}")
        status, detail = await asked(http, pages, "/readyz")
        samples = await measured(http, pages)

    assert (status, detail["reasons"]) == (503, ["the store did not answer within 0.05 s"])
    assert samples["notifier_store_up",] == 0


async def test_what_was_done_is_counted_by_its_labels(http: aiohttp.ClientSession, pages: Pages) -> None:
    meter: Meter = pages.metrics
    meter.call("us-east-1", "ListHyperParameterTuningJobs", "ok", 0.2)
    meter.call("us-east-1", "ListHyperParameterTuningJobs", Cause.THROTTLED, 0.1)
    meter.attempt("webhook", "ok", 0.3)
    meter.attempt("webhook", Fault.DESTINATION, 15.0)
    pages.metrics.sweep("us-east-1", "ok", 1.5)
    pages.metrics.sweep("us-east-1", Cause.DENIED, 0.5, "222233334444")
    pages.metrics.event(EventType.NEW_BEST, 2)
    pages.metrics.message("webhook", "delivered")
    pages.metrics.message("webhook", "dead", 3)

    samples = await measured(http, pages)

    expected = {
        ("notifier_aws_calls_total", "ListHyperParameterTuningJobs", "ok", "us-east-1"): 1,
        ("notifier_aws_calls_total", "ListHyperParameterTuningJobs", "throttled", "us-east-1"): 1,
        ("notifier_aws_throttles_total", "ListHyperParameterTuningJobs", "us-east-1"): 1,
        ("notifier_aws_call_duration_seconds_count", "ListHyperParameterTuningJobs", "us-east-1"): 2,
        ("notifier_delivery_attempts_total", "webhook", "ok"): 1,
        ("notifier_delivery_attempts_total", "webhook", "destination"): 1,
        ("notifier_delivery_attempt_duration_seconds_sum", "webhook"): 15.3,
        ("notifier_sweeps_total", "", "ok", "us-east-1"): 1,
        ("notifier_sweeps_total", "222233334444", "denied", "us-east-1"): 1,
        ("notifier_sweep_duration_seconds_sum", "us-east-1"): 2.0,
        ("notifier_events_total", "tuning_job.new_best"): 2,
        ("notifier_messages_total", "webhook", "delivered"): 1,
        ("notifier_messages_total", "webhook", "dead"): 3,
        ("notifier_build_info", "1.2.3"): 1,
    }
    assert {key: samples.get(key) for key in expected} == expected
    assert samples["process_start_time_seconds",] > 0
    assert not [key for key in samples if key[0].endswith("_created")]


async def test_the_outbox_and_the_polls_are_looked_at_when_asked(http: aiohttp.ClientSession, pages: Pages) -> None:
    pages.health.watch("us-east-1", "us-east-1", within=90)
    pages.clock.now += 42
    pages.queues = [Queue("ops", {"pending": 3, "dead": 1}, 12.5, held="gone"), Queue("hook", {})]

    samples = await measured(http, pages)

    expected = {
        ("notifier_outbox_messages", "ops", "pending"): 3,
        ("notifier_outbox_messages", "ops", "dead"): 1,
        ("notifier_outbox_oldest_age_seconds", "ops"): 12.5,
        ("notifier_outbox_oldest_age_seconds", "hook"): 0,
        ("notifier_destination_held", "ops"): 1,
        ("notifier_destination_held", "hook"): 0,
        ("notifier_poll_age_seconds", "", "us-east-1"): 42,
        ("notifier_store_up",): 1,
    }
    assert {key: samples.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(StoreUnavailable("the disk is full"), id="store"),
        pytest.param(RuntimeError("a bug"), id="bug"),
    ],
)
async def test_a_store_that_fails_takes_its_gauges_with_it_and_nothing_else(
    http: aiohttp.ClientSession, pages: Pages, trouble: Exception
) -> None:
    pages.queues = [Queue("ops", {"pending": 3}, 12.5)]
    pages.metrics.event(EventType.STARTED)
    assert ("notifier_outbox_messages", "ops", "pending") in await measured(http, pages)

    pages.trouble = trouble
    samples = await measured(http, pages)

    assert ("notifier_outbox_messages", "ops", "pending") not in samples
    assert samples["notifier_store_up",] == 0
    assert samples["notifier_events_total", "tuning_job.started"] == 1


async def test_metrics_come_as_openmetrics_to_those_who_ask_for_it(http: aiohttp.ClientSession, pages: Pages) -> None:
    async with http.get(f"{pages.url}/metrics", headers={"Accept": "application/openmetrics-text"}) as answer:
        assert answer.content_type == "application/openmetrics-text"
        assert (await answer.text()).endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing-here"])
async def test_answers_are_guarded_and_tell_no_version(http: aiohttp.ClientSession, pages: Pages, path: str) -> None:
    async with http.get(pages.url + path, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "notifier"
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_taken_port_is_told_with_its_variable(taken_port: int) -> None:
    pages = Pages()
    app = make_app(pages.health, pages.metrics, pages.snapshot, pages.probe)

    says = f"NOTIFIER_HTTP: cannot listen on 127.0.0.1:{taken_port}: another program does"
    with pytest.raises(AddressUnusable, match=says):
        async with serve(app, "127.0.0.1", taken_port):
            raise AssertionError("it must not serve")


@pytest.mark.parametrize(
    "host", [pytest.param("192.0.2.1", id="not-ours"), pytest.param("no.such.host.invalid", id="no-host")]
)
async def test_an_address_that_is_not_ours_is_told_with_its_variable(host: str) -> None:
    pages = Pages()

    with pytest.raises(AddressUnusable, match=f"NOTIFIER_HTTP: .*{host}.* is no address of this machine; set another"):
        async with serve(make_app(pages.health, pages.metrics, pages.snapshot, pages.probe), host, 0):
            raise AssertionError("it must not serve")


async def test_after_the_block_the_port_is_free_again(http: aiohttp.ClientSession) -> None:
    pages = Pages()
    for _ in range(2):
        app = make_app(pages.health, pages.metrics, pages.snapshot, pages.probe)
        async with serve(app, "127.0.0.1", 0) as port, http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"http://127.0.0.1:{port}/healthz")


async def test_a_free_address_is_found_free_and_stays_so(http: aiohttp.ClientSession, pages: Pages) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert await examine(http, "127.0.0.1", port)
    async with serve(make_app(pages.health, pages.metrics, pages.snapshot, pages.probe), "127.0.0.1", port) as served:
        assert served == port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_an_address_that_a_notifier_has_is_no_fault(http: aiohttp.ClientSession, host: str) -> None:
    pages = Pages()
    app = make_app(pages.health, pages.metrics, pages.snapshot, pages.probe)

    async with serve(app, host, 0) as port:
        assert not await examine(http, host, port)


async def test_an_address_that_another_server_has_is_told_by_its_variable(http: aiohttp.ClientSession) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    with pytest.raises(AddressUnusable, match=r"^NOTIFIER_HTTP: .*: another program does;"):
        await examine(http, *runner.addresses[0])
    await runner.cleanup()


@pytest.mark.parametrize(
    ("number", "why"),
    [
        pytest.param(errno.EADDRINUSE, "another program does", id="in-use"),
        pytest.param(errno.EACCES, "this user may not", id="reserved"),
        pytest.param(errno.EADDRNOTAVAIL, "no address of this machine", id="of-another-machine"),
        pytest.param(socket.EAI_NONAME, "no address of this machine", id="no-such-host"),
        pytest.param(errno.EMFILE, "Too many open files", id="anything-else"),
    ],
)
def test_why_nobody_can_listen_is_said_in_words_of_our_own(number: int, why: str) -> None:
    error = OSError(number, "error while attempting to bind on address ('::1', 80, 0, 0): what the system says")

    unusable = AddressUnusable("NOTIFIER_HTTP", "::1", 80, error, instead="set another")

    assert str(unusable).startswith("NOTIFIER_HTTP: cannot listen on [::1]:80: ")
    assert why in str(unusable) and "what the system says" not in str(unusable)
