"""The deliver loop on bad days: each line of the fault table that concerns it."""

import asyncio
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from notifier.dispatch.queue import UNSETTLED
from notifier.dispatch.verdict import ALONE_FOR
from notifier.model import Event, NoticeType
from notifier.ports import Waiting
from notifier.store import SqlOutboxStore
from tests.examples import best, ended, new_best, started, tuning_job
from tests.pipeline.deliver_stage import BOUND, Reply, Request, Stage, Timeline, owe, receiving, staged, until

DAY = 86400.0
OK: Reply = (200, {})
DOWN: Reply = (500, {})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as opened:
        yield opened


def endings(count: int) -> list[Event]:
    """As many jobs that ended."""
    return [ended(tuning_job(f"job-{number:03d}")) for number in range(count)]


def of_type(requests: list[Request], kind: NoticeType) -> list[Request]:
    return [each for each in requests if each.type == kind]


async def test_a_day_of_outage_costs_nothing_but_time(stage: Stage) -> None:
    events = endings(40)
    await owe(stage.store, events, "webhook")
    stage.receiver.reply = lambda request: OK if request.at >= DAY else DOWN

    await stage.delivered(stage.webhook())

    times = [each for each in stage.receiver.times() if each <= DAY + 700]
    early, late = [each for each in times if each < 3000], [each for each in times if 4000 < each < DAY]
    assert await stage.dead() == []
    assert sorted(each.id for each in stage.receiver.taken) == sorted(event.id for event in events)
    assert all(1 <= later - before <= 61 for before, later in pairwise(sorted(set(early))))
    assert all(600 <= later - before <= 601 for before, later in pairwise(late))
    assert stage.receiver.taken[-1].at <= DAY + 700


async def test_people_get_a_digest_after_a_day_of_outage(stage: Stage) -> None:
    await owe(stage.store, endings(40), "slack")
    stage.receiver.reply = lambda request: OK if request.at >= DAY else DOWN

    await stage.delivered(stage.slack())

    told = "".join(each.text for each in stage.receiver.taken)
    assert all(f"job-{number:03d}" in told for number in range(40))
    assert len(stage.receiver.taken) <= 3
    assert await stage.dead() == []


async def test_the_operator_hears_once_of_an_outage_and_once_of_its_end(stage: Stage) -> None:
    await owe(stage.store, endings(5), "webhook")
    stage.receiver.reply = lambda request: OK if request.at >= DAY else DOWN

    async with receiving(stage.timeline) as elsewhere:
        other = stage.webhook("other", elsewhere.url)
        names = ("webhook", "other")
        async with stage.running(
            stage.delivery(stage.webhook(), operator=names), stage.delivery(other, operator=names, look_every=30)
        ):
            await stage.settled("webhook")
            await until(lambda: len(elsewhere.taken) == 2)
        await stage.settled("other")

    (held,) = of_type(elsewhere.taken, NoticeType.DESTINATION_HELD)
    (recovered,) = of_type(elsewhere.taken, NoticeType.DESTINATION_RECOVERED)
    assert held.at < DAY / 2 and recovered.at >= DAY
    assert stage.receiver.url not in held.text


async def test_a_brief_failure_is_not_the_operators_business(stage: Stage) -> None:
    await owe(stage.store, endings(5), "webhook")
    stage.receiver.reply = lambda request: OK if len(stage.receiver.requests) > 6 else DOWN

    await stage.delivered(stage.webhook(), operator=("webhook", "other"))

    assert await stage.store.outbox.owed("other", 9) == []


@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        pytest.param(429, "7", 7, 9, id="seconds"),
        pytest.param(503, "7", 7, 9, id="seconds, overloaded"),
        pytest.param(429, "DATE", 29, 40, id="a date"),
        pytest.param(429, None, 1, 2, id="absent"),
        pytest.param(429, "-5", 1, 2, id="negative"),
        pytest.param(429, "soon", 1, 2, id="not a time"),
        pytest.param(429, "1000000000", 3600, 4320, id="thirty years are probed after an hour"),
    ],
)
async def test_waits_as_asked_for_all_messages_and_counts_no_attempt(
    stage: Stage, status: int, header: str | None, least: float, most: float
) -> None:
    # A date is measured by the answer's own Date, so both are of the same clock.
    dates = {"Date": formatdate(0, usegmt=True), "Retry-After": formatdate(30, usegmt=True)}
    headers = dates if header == "DATE" else {} if header is None else {"Retry-After": header}
    await owe(stage.store, endings(3), "webhook")
    stage.receiver.reply = lambda request: (status, headers) if request.at == 0 else OK
    stage.receiver.gate = asyncio.Event()

    async with stage.running(stage.delivery(stage.webhook(), look_every=10000)):
        await until(lambda: len(stage.receiver.requests) == 3)
        stage.receiver.gate.set()
        await stage.settled("webhook")

    later = [each for each in stage.receiver.times() if each > 0]
    assert len(later) == 3
    assert least <= min(later) <= most
    assert {letter.attempts for letter in await stage.dead()} == set()


@pytest.mark.parametrize(
    ("asked", "warnings"),
    [pytest.param(3600, 0, id="an hour"), pytest.param(3601, 1, id="more"), pytest.param(10**12, 1, id="for ever")],
)
async def test_a_wait_of_more_than_an_hour_is_logged_as_a_warning(stage: Stage, asked: int, warnings: int) -> None:
    await owe(stage.store, endings(3), "webhook")
    stage.receiver.reply = lambda request: (429, {"Retry-After": str(asked)}) if request.at == 0 else OK
    stage.receiver.gate = asyncio.Event()

    with capture_logs() as logs:
        async with stage.running(stage.delivery(stage.webhook())):
            await until(lambda: len(stage.receiver.requests) == 3)
            stage.receiver.gate.set()
            await stage.settled("webhook")

    said = [each for each in logs if each["event"] == "asked to wait for more than an hour, will ask again every hour"]
    assert [(each["log_level"], each["destination"]) for each in said] == [("warning", "webhook")] * warnings


async def test_a_wait_that_was_asked_for_survives_a_restart(stage: Stage) -> None:
    await owe(stage.store, endings(1), "webhook")
    stage.receiver.reply = lambda request: (429, {"Retry-After": "600"}) if request.at == 0 else OK
    async with stage.running(stage.delivery(stage.webhook(), look_every=1)):
        await until(lambda: stage.timeline.tick > 5)

    # The second loop remembers nothing of the first.
    await stage.delivered(stage.webhook())

    _, second = stage.receiver.times()
    assert 600 <= second <= 720


async def test_what_is_gone_is_held_until_somebody_retries(stage: Stage) -> None:
    await owe(stage.store, endings(6), "webhook")
    stage.receiver.reply = lambda request: (410, {}) if request.at < DAY else OK

    async with stage.running(stage.delivery(stage.webhook(), operator=("other",))):
        await until(lambda: stage.timeline.tick > DAY)
        asked = len(stage.receiver.requests)
        await stage.store.desk.release("webhook")
        await stage.settled("webhook")

    told = [row.event_type for row in await stage.store.outbox.owed("other", 9)]
    assert asked <= 4
    assert len(stage.receiver.taken) == 6
    assert told == [NoticeType.DESTINATION_HELD, NoticeType.DESTINATION_RECOVERED]


async def test_new_settings_lift_a_hold_that_lasts_for_ever(stage: Stage) -> None:
    await owe(stage.store, endings(1), "webhook")
    stage.receiver.reply = lambda request: (410, {})
    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: stage.timeline.tick > DAY)

    stage.receiver.reply = lambda request: OK
    await stage.delivered(stage.webhook(url=f"{stage.receiver.url}?token=new"))

    assert len(stage.receiver.taken) == 1
    assert await stage.store.outbox.hold("webhook") is None


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_refused_message_is_a_dead_letter_and_the_rest_flows(stage: Stage, status: int) -> None:
    refused, follows, other = started(tuning_job("refused")), ended(tuning_job("refused")), started(tuning_job("b"))
    await owe(stage.store, [refused, follows, other], "webhook")
    stage.receiver.reply = lambda request: (status, {}) if request.id == refused.id else OK

    await stage.delivered(stage.webhook())

    (letter,) = await stage.dead()
    assert letter.event_id == refused.id and str(status) in (letter.error or "")
    assert {each.id for each in stage.receiver.taken} == {follows.id, other.id}


async def test_a_dead_letter_that_is_retried_goes_late_with_its_id_unchanged(stage: Stage) -> None:
    refused, follows = started(), ended()
    await owe(stage.store, [refused, follows], "webhook")
    stage.receiver.reply = lambda request: (422, {}) if request.type == refused.type else OK
    await stage.delivered(stage.webhook())

    stage.receiver.reply = lambda request: OK
    await stage.store.desk.retry()
    await stage.delivered(stage.webhook())

    assert [each.id for each in stage.receiver.taken] == [follows.id, refused.id]


async def test_of_a_refused_digest_only_the_culprit_dies_and_the_rest_comes_once_at_the_usual_pace(
    stage: Stage,
) -> None:
    events = [event for each in endings(25) for event in (started(each.job), each)]
    await owe(stage.store, events, "slack")
    stage.receiver.says = lambda request: "invalid_payload" if "job-007" in request.text else "ok"
    stage.receiver.reply = lambda request: (400, {}) if "job-007" in request.text else OK

    await stage.delivered(stage.slack())

    # What Slack refuses is posted once more as plain text, at once; it shows neither.
    tries = sorted({each.at for each in stage.receiver.requests})
    told = [sum(f"job-{job:03d}: completed" in each.text for each in stage.receiver.taken) for job in range(25)]
    assert {letter.job_key for letter in await stage.dead()} == {tuning_job("job-007").identity.key}
    assert told == [1] * 7 + [0] + [1] * 17
    assert len(stage.receiver.taken) < 12
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(tries))


async def test_one_bad_job_delays_the_others_for_half_a_minute_at_most(stage: Stage) -> None:
    bad, good = tuning_job("bad"), endings(20)
    await owe(stage.store, [started(bad), *good], "webhook")
    stage.receiver.reply = lambda request: DOWN if request.job == "bad" else OK

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.taken) == len(good))
        await until(lambda: stage.timeline.tick > 4 * 3600)

    assert max(each.at for each in stage.receiver.taken) < 60
    assert await stage.dead() == []
    assert await stage.store.outbox.hold("webhook") is None


async def test_a_message_that_fails_alone_for_three_days_is_a_dead_letter_while_others_go_through(
    stage: Stage,
) -> None:
    bad, follows = started(tuning_job("bad")), ended(tuning_job("bad"))
    first, last = endings(2)
    await owe(stage.store, [bad, follows], "webhook")
    stage.receiver.reply = lambda request: DOWN if request.id == bad.id else OK
    tries = stage.receiver.requests

    async with stage.running(stage.delivery(stage.webhook(), look_every=600)):
        await until(lambda: stage.timeline.tick > 1000)
        await owe(stage.store, [first], "webhook")
        async with asyncio.timeout(BOUND):
            while not any(row.alone_since for row in await stage.store.outbox.owed("webhook", 9)):  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        # As if the machine slept: thousands of failures more would show nothing else.
        stage.timeline.tick += ALONE_FOR
        await until(lambda: tries[-1].at > ALONE_FOR + 1000)
        await until(lambda: stage.timeline.tick > tries[-1].at)
        waited = await stage.dead()
        await owe(stage.store, [last], "webhook")
        await stage.settled("webhook")

    (letter,) = await stage.dead()
    assert waited == []
    assert letter.event_id == bad.id and "three days" in (letter.error or "")
    assert [each.id for each in stage.receiver.taken] == [first.id, last.id, follows.id]


async def test_a_dead_destination_delays_no_other(stage: Stage) -> None:
    events = endings(8)
    await owe(stage.store, events, "dead", "alive")

    async with receiving(stage.timeline) as alive:
        stage.receiver.reply = lambda request: DOWN
        dead, living = stage.webhook("dead"), stage.webhook("alive", alive.url)
        async with stage.running(stage.delivery(dead), stage.delivery(living)):
            await stage.settled("alive")

    assert {each.id for each in alive.taken} == {event.id for event in events}
    assert len(await stage.store.outbox.owed("dead", 99)) == len(events)


async def test_a_host_whose_name_cannot_be_looked_up_delays_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = endings(8)
    await owe(stage.store, events, "dead", "alive")
    answers, lookups, lookup = threading.Event(), [], socket.getaddrinfo

    def hangs(host: object, *args: Any, **kwargs: Any) -> Any:
        if host != "nowhere.invalid":
            return lookup(host, *args, **kwargs)  # type: ignore[arg-type]
        lookups.append(host)
        answers.wait(BOUND)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    dead = stage.webhook("dead", "http://nowhere.invalid/hook")
    alive = stage.webhook("alive", stage.receiver.url.replace("127.0.0.1", "localhost"))
    try:
        async with stage.running(stage.delivery(dead), stage.delivery(alive)):
            await until(lambda: stage.timeline.under_way >= UNSETTLED and bool(lookups))
            await stage.settled("alive")
            # One thread hangs for all four messages; the others are there for everybody else's names.
            waiting = (stage.timeline.under_way, len(lookups))
            answers.set()
    finally:
        answers.set()

    assert waiting == (UNSETTLED, 1)
    assert {each.id for each in stage.receiver.taken} == {event.id for event in events}
    hold = await stage.store.outbox.hold("dead")
    assert hold is not None and hold.reason == "its host name is not found"


async def test_a_reset_after_the_request_arrived_repeats_the_same_id(stage: Stage) -> None:
    (event,) = events = endings(1)
    await owe(stage.store, events, "webhook")
    stage.receiver.resets = 1

    await stage.delivered(stage.webhook())

    assert [each.id for each in stage.receiver.requests] == [event.id, event.id]


@contextmanager
def broken(file: Path) -> Iterator[None]:
    """The outbox of a real database gone for a while, as after a fault of its disk."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE notifier_holds RENAME TO elsewhere")
        yield
        connection.execute("ALTER TABLE elsewhere RENAME TO notifier_holds")


async def test_what_was_sent_while_the_store_fails_is_written_down_later_and_not_sent_again(stage: Stage) -> None:
    await owe(stage.store, endings(3), "webhook")
    stage.receiver.gate = asyncio.Event()

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.requests) == 3)
        with broken(Path(stage.store.place)), capture_logs() as logs:
            stage.receiver.gate.set()
            await until(lambda: stage.timeline.tick > 60)
        with capture_logs() as later:
            await stage.settled("webhook")
            # The store has it a moment before the loop says so.
            await until(lambda: any(each["event"] == "deliveries work again" for each in logs + later))

    failures = [each for each in logs if each["log_level"] in {"warning", "error"}]
    assert len(stage.receiver.requests) == 3
    assert [each["event"] for each in failures] == ["store does not answer, will try again"]
    assert [each["event"] for each in logs + later].count("deliveries work again") == 1


async def test_a_store_that_fails_before_the_send_sends_nothing(stage: Stage) -> None:
    await owe(stage.store, endings(3), "webhook")

    with broken(Path(stage.store.place)):
        async with stage.running(stage.delivery(stage.webhook())):
            await until(lambda: stage.timeline.tick > 60)

    assert stage.receiver.requests == []


async def test_what_cannot_be_marked_as_under_way_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.store.sqlite.BUSY_TIMEOUT", 0.05)
    async with staged(tmp_path) as stage:
        states: list[str] = []

        def look(request: Request) -> Reply:
            with closing(sqlite3.connect(stage.store.place)) as other:
                query = "SELECT state FROM notifier_outbox WHERE event_id = ?"
                states.append(other.execute(query, [request.id]).fetchone()[0])
            return OK

        stage.receiver.reply = look
        await owe(stage.store, endings(3), "webhook")
        with closing(sqlite3.connect(stage.store.place, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            async with stage.running(stage.delivery(stage.webhook())):
                await until(lambda: stage.timeline.tick > 60)
                assert stage.receiver.requests == []
                neighbour.execute("ROLLBACK")
                await stage.settled("webhook")

    assert states == ["sending"] * 3


@pytest.mark.parametrize("hours", [pytest.param(-1, id="back"), pytest.param(1, id="forward")])
async def test_a_clock_that_is_set_neither_shortens_nor_stretches_a_wait(stage: Stage, hours: int) -> None:
    await owe(stage.store, endings(1), "webhook")
    stage.receiver.reply = lambda request: (429, {"Retry-After": "100"}) if request.at == 0 else OK

    async with stage.running(stage.delivery(stage.webhook(), look_every=1)):
        await until(lambda: stage.timeline.tick > 10)
        stage.timeline.set_by = hours * 3600.0
        await stage.settled("webhook")

    _, second = stage.receiver.times()
    assert 100 <= second <= 125


class Disturbed(SqlOutboxStore):
    """The outbox of a process to which something happens once, just as it begins to read of a hold."""

    def __init__(self, outbox: SqlOutboxStore, disturbance: Callable[[], None]) -> None:
        super().__init__(outbox._database)
        self._disturbances = [disturbance]

    async def waiting(self, destination: str, limit: int, events: int = 0) -> Waiting:
        if await self.hold(destination) and self._disturbances:
            self._disturbances.pop()()
        return await super().waiting(destination, limit, events)


def sleeps(timeline: Timeline) -> None:
    """The process is suspended."""
    timeline.tick += 40.0


def is_set_back(timeline: Timeline) -> None:
    timeline.set_by = -3600.0


def is_set_forward(timeline: Timeline) -> None:
    timeline.set_by = 3600.0


@pytest.mark.parametrize("disturbance", [sleeps, is_set_back, is_set_forward])
async def test_whatever_happens_between_an_answer_and_the_next_look_a_wait_is_as_long_as_was_asked_for(
    stage: Stage, disturbance: Callable[[Timeline], None]
) -> None:
    await owe(stage.store, endings(1), "webhook")
    stage.receiver.reply = lambda request: (429, {"Retry-After": "100"}) if len(stage.receiver.requests) == 1 else OK

    outbox = Disturbed(stage.store.outbox, lambda: disturbance(stage.timeline))
    async with stage.running(stage.delivery(stage.webhook(), outbox=outbox, look_every=1)):
        await stage.settled("webhook")

    first, second = stage.receiver.times()
    assert 100 <= second - first <= 125


async def test_a_hold_far_ahead_is_over_within_its_longest_wait(stage: Stage) -> None:
    await owe(stage.store, endings(1), "webhook")
    stage.timeline.set_by = 365 * DAY
    stage.receiver.reply = lambda request: DOWN if request.at == 0 else OK
    async with stage.running(stage.delivery(stage.webhook(), look_every=0.1)):
        await until(lambda: len(stage.receiver.requests) == 1)
    stage.timeline.set_by = 0.0

    await stage.delivered(stage.webhook())

    assert stage.receiver.times()[-1] <= 4320 + 1


async def test_the_log_says_a_hold_and_its_end_once_each_and_never_the_address(stage: Stage) -> None:
    await owe(stage.store, endings(3), "webhook")
    stage.receiver.reply = lambda request: OK if request.at > 20 else DOWN

    with capture_logs() as logs:
        await stage.delivered(stage.webhook(url=f"{stage.receiver.url}?token=hush-hush"))

    said = [each["event"] for each in logs]
    assert said.count("destination held") == said.count("destination works again") == 1
    assert said.count("delivered") == 3
    assert "hush" not in repr(logs) and "127.0.0.1" not in repr(logs)


async def test_bests_pending_through_an_outage_come_as_one_message(stage: Stage) -> None:
    job = tuning_job()
    bests = [new_best(best(number, 0.9 + number / 1000), job=job) for number in range(1, 9)]
    await owe(stage.store, bests, "slack")
    stage.receiver.reply = lambda request: OK if request.at >= 3600 else DOWN

    await stage.delivered(stage.slack())

    (message,) = stage.receiver.taken
    assert "8 new bests" in message.text
