"""The deliver loop on a good day: order, pace, folding, digests, the stop, the restart."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.errors import LeaseLost
from notifier.model import Batch, Event, EventType
from notifier.ports import Destination
from notifier.store import State
from tests.examples import best, ended, new_best, started, tuning_job
from tests.pipeline.deliver_stage import BOUND, Request, Stage, owe, staged, until


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as opened:
        yield opened


def life(name: str, bests: int = 2) -> list[Event]:
    """A job's events from its beginning to its end."""
    job = tuning_job(name)
    leaders = [best(number, 0.9 + number / 100) for number in range(1, bests + 1)]
    return [started(job), *(new_best(each, job=job) for each in leaders), ended(job)]


def of_job(requests: list[Request], name: str) -> list[str]:
    return [each.id for each in requests if each.job == name]


async def test_programs_get_every_event_in_the_order_of_each_job(stage: Stage) -> None:
    lives = [life(f"job-{number}") for number in range(6)]
    await owe(stage.store, [event for each in zip(*lives, strict=True) for event in each], "webhook")

    await stage.delivered(stage.webhook())

    for events in lives:
        assert of_job(stage.receiver.requests, events[0].job.name) == [event.id for event in events]


async def test_at_most_four_messages_are_under_way(stage: Stage) -> None:
    await owe(stage.store, [started(tuning_job(f"job-{number}")) for number in range(12)], "webhook")
    stage.receiver.gate = asyncio.Event()

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.requests) == 4)
        stage.receiver.gate.set()
        await stage.settled("webhook")

    assert (len(stage.receiver.taken), stage.receiver.most_at_once) == (12, 4)


async def test_the_pace_is_kept(stage: Stage) -> None:
    await owe(stage.store, [started(tuning_job(f"job-{number}")) for number in range(5)], "webhook")

    await stage.delivered(stage.webhook(rate=0.5))

    times = stage.receiver.times()
    assert len(times) == 5
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))


async def test_new_rows_wake_a_resting_loop(stage: Stage) -> None:
    wake = asyncio.Event()
    delivery = stage.delivery(stage.webhook(), wake=wake, look_every=1e9)

    async with stage.running(delivery):
        await owe(stage.store, [started()], "webhook")
        wake.set()
        await stage.settled("webhook")

    assert len(stage.receiver.taken) == 1


async def test_a_loop_that_was_woken_rests_again(stage: Stage) -> None:
    wake, turns = asyncio.Event(), []
    delivery = stage.delivery(stage.webhook(), wake=wake, look_every=60, beat=lambda: turns.append(stage.timeline.tick))
    await owe(stage.store, [started()], "webhook")
    wake.set()

    async with stage.running(delivery):
        await stage.settled("webhook")
        await until(lambda: stage.timeline.tick > 600)

    # One an interval, and the few that one delivery takes.
    assert len(turns) < 20


async def test_people_hear_the_first_best_at_once_and_later_ones_folded(stage: Stage) -> None:
    job = tuning_job()
    await owe(stage.store, [new_best(best(number, 0.9 + number / 100), job=job) for number in (1, 2, 3)], "slack")
    late = [new_best(best(number, 0.9 + number / 100), job=job) for number in (4, 5)]

    async with stage.running(stage.delivery(stage.slack(best_cooldown=300))):
        await until(lambda: len(stage.receiver.taken) == 1)
        await owe(stage.store, late, "slack")
        await stage.settled("slack")

    first, second = stage.receiver.taken
    assert "3 new bests" in first.text and "2 new bests" in second.text
    assert second.at - first.at >= 300


async def test_an_ending_goes_at_once_and_takes_the_pending_best_with_it(stage: Stage) -> None:
    job = tuning_job()
    await owe(stage.store, [new_best(best(1, 0.9), job=job)], "slack")

    async with stage.running(stage.delivery(stage.slack(best_cooldown=300), look_every=5)):
        await until(lambda: len(stage.receiver.taken) == 1)
        await owe(stage.store, [new_best(best(2, 0.95), job=job), ended(job)], "slack")
        await stage.settled("slack")

    first, last = stage.receiver.taken
    assert "completed" in last.text and "1 new best" in last.text
    assert last.at - first.at < 300


async def test_thousands_ending_at_once_become_digests_that_name_every_job(stage: Stage) -> None:
    names = [f"sweep-{number:04d}" for number in range(2000)]
    await owe(stage.store, [ended(tuning_job(name)) for name in names], "slack")

    await stage.delivered(stage.slack())

    told = "".join(each.text for each in stage.receiver.taken)
    times = stage.receiver.times()
    assert all(name in told for name in names)
    assert len(stage.receiver.taken) <= 2000 / 25 + 10
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))


async def test_a_crowd_leaves_no_rest_that_goes_message_by_message(stage: Stage) -> None:
    await owe(stage.store, [ended(tuning_job(f"job-{number:02d}")) for number in range(60)], "slack")

    await stage.delivered(stage.slack())

    assert [each.text.count("✅ job-") for each in stage.receiver.taken] == [20, 20, 20]


async def test_one_job_with_hundreds_of_waiting_events_hides_no_other(stage: Stage) -> None:
    job = tuning_job("bad")
    await owe(stage.store, [new_best(best(number, number / 1000), job=job) for number in range(1, 500)], "webhook")
    await owe(stage.store, [started(tuning_job("good"))], "webhook")
    stage.receiver.reply = lambda request: (500, {}) if request.job == "bad" else (200, {})

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: bool(stage.receiver.taken))

    assert stage.receiver.taken[0].job == "good"


async def test_at_the_stop_what_is_under_way_is_settled_and_nothing_new_begins(stage: Stage) -> None:
    events = life("job")
    await owe(stage.store, events, "webhook")
    stage.receiver.gate = asyncio.Event()

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.requests) == 1)
        asyncio.get_running_loop().call_later(0.05, stage.receiver.gate.set)

    assert [each.event_id for each in await stage.store.outbox.owed("webhook", 9)] == [each.id for each in events[1:]]
    assert len(stage.receiver.requests) == 1


async def test_a_message_cut_off_by_a_restart_goes_again_with_its_id_and_says_so(stage: Stage) -> None:
    await owe(stage.store, [ended()], "slack")
    stage.receiver.gate = asyncio.Event()
    loop = asyncio.create_task(stage.delivery(stage.slack()).run(asyncio.Event()))
    await until(lambda: len(stage.receiver.requests) == 1)
    loop.cancel()
    await asyncio.wait([loop])
    # Nobody knows what became of it, so nothing is counted.
    assert loop.cancelled() and stage.meter.attempts == []
    stage.receiver.gate.set()

    (row,) = await stage.store.outbox.owed("slack", 9)
    await stage.delivered(stage.slack())

    assert row.repeated
    assert "may be repeated" in stage.receiver.requests[1].text
    assert "may be repeated" not in stage.receiver.requests[0].text


async def test_an_outbox_of_no_one_is_left_alone(stage: Stage) -> None:
    await owe(stage.store, [started()], "elsewhere")
    await owe(stage.store, [started(tuning_job("mine"))], "webhook")

    await stage.delivered(stage.webhook())

    assert [each.job for each in stage.receiver.requests] == ["mine"]


class Faulty:
    """A destination with a bug: it cannot render one kind of event."""

    def __init__(self, inner: object) -> None:
        self.inner = inner
        self.policy = inner.policy  # type: ignore[attr-defined]

    async def send(self, batch: Batch) -> None:
        """Fail as code fails."""
        if any(isinstance(each, Event) and each.type is EventType.NEW_BEST for each in batch.events):
            raise KeyError("hyperparameters")
        await self.inner.send(batch)  # type: ignore[attr-defined]


async def test_a_bug_costs_one_message_and_not_the_loop(stage: Stage) -> None:
    events = life("job", bests=1)
    await owe(stage.store, events, "webhook")

    await stage.delivered(Faulty(stage.webhook()))

    (letter,) = await stage.dead()
    assert letter.error == "it could not be made: KeyError"
    assert of_job(stage.receiver.taken, "job") == [events[0].id, events[2].id]


class Cancelling:
    """A destination whose library cancels the first thing that it waits for."""

    def __init__(self, inner: Destination) -> None:
        self.inner = inner
        self.policy = inner.policy
        self.cancelled = 0

    async def send(self, batch: Batch) -> None:
        """Wait for what nobody brings any more, once."""
        if not self.cancelled:
            self.cancelled += 1
            waiting = asyncio.get_running_loop().create_future()
            waiting.cancel()
            await waiting
        await self.inner.send(batch)


async def test_a_wait_that_a_library_cancels_costs_an_attempt_and_not_the_message(stage: Stage) -> None:
    await owe(stage.store, [ended()], "webhook")

    await stage.delivered(Cancelling(stage.webhook()))

    assert stage.meter.attempts == [("webhook", "destination"), ("webhook", "ok")]


async def test_a_stop_in_the_middle_of_a_turn_is_not_slept_upon(stage: Stage) -> None:
    stop = asyncio.Event()

    await stage.delivery(stage.webhook(), beat=stop.set).run(stop)

    assert stage.timeline.tick == 0


async def test_an_event_that_is_not_stored_any_more_is_a_dead_letter(stage: Stage) -> None:
    events = life("job", bests=0)
    await owe(stage.store, events, "webhook")
    forget = "UPDATE notifier_events SET body = NULL WHERE id = ?"
    await stage.store.outbox._database.write(lambda store: store.exec_driver_sql(forget, (events[0].id,)))

    await stage.delivered(stage.webhook())

    assert [letter.state for letter in await stage.dead()] == [State.DEAD]
    assert of_job(stage.receiver.taken, "job") == [events[1].id]


async def test_what_was_silently_left_out_is_settled(stage: Stage) -> None:
    job = tuning_job()
    tale = [new_best(best(1, 0.9), job=job), new_best(best(2, 0.9001), job=job), ended(job)]
    await owe(stage.store, tale[:1], "slack")
    await stage.delivered(stage.slack(min_improvement=0.01))
    await owe(stage.store, tale[1:], "slack")

    await stage.delivered(stage.slack(min_improvement=0.01))

    assert len(stage.receiver.taken) == 2
    assert "completed" in stage.receiver.taken[1].text and "new best" not in stage.receiver.taken[1].text


async def test_the_meter_hears_of_every_attempt(stage: Stage) -> None:
    await owe(stage.store, [started(), started(replace(tuning_job("refused")))], "webhook")
    stage.receiver.reply = lambda request: (422, {}) if request.job == "refused" else (200, {})

    await stage.delivered(stage.webhook())

    assert sorted(stage.meter.attempts) == [("webhook", "message"), ("webhook", "ok")]
    assert stage.meter.messages == {"delivered": 1, "dead": 1}


async def test_a_loop_whose_lease_is_anothers_ends_by_it_and_sends_nothing(stage: Stage) -> None:
    (lease,) = (await stage.store.leases.beat("a", ["deliver webhook"], 30.0)).held
    stage.timeline.set_by += 60
    await stage.store.leases.beat("b", ["deliver webhook"], 30.0)
    await owe(stage.store, [ended()], "webhook")
    loop = stage.delivery(stage.webhook(), outbox=stage.store.outbox.under(lease))

    with capture_logs() as logged, pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(BOUND):
            await loop.run(asyncio.Event())

    assert caught.group_contains(LeaseLost)
    assert stage.receiver.requests == []
    assert "delivery failed unexpectedly" not in {each["event"] for each in logged}


async def test_a_silence_made_beside_the_running_loop_is_obeyed_and_ends(stage: Stage) -> None:
    quiet, other = life("quiet"), life("other")
    silence = await stage.store.silences.add("qui*", None, 3600.0)
    await owe(stage.store, [*quiet, *other], "slack", "webhook")

    await stage.delivered(stage.slack(best_cooldown=0))
    await stage.delivered(stage.webhook())

    told = [each.text for each in stage.receiver.taken if not each.id]
    assert told and not any("quiet" in each for each in told)
    # Programs get every event.
    assert of_job(stage.receiver.taken, "quiet") == [event.id for event in quiet]
    assert stage.meter.messages["silenced"] == len(quiet)
    kept_back = await stage.store.desk.letters(states=[State.SILENCED])
    assert {each.error for each in kept_back} == {f"silence {silence.id}: qui*"}

    await stage.store.silences.end([silence.id])
    stage.timeline.set_by += 60
    later = tuning_job("quiet-2")
    await owe(stage.store, [started(later)], "slack")
    await stage.delivered(stage.slack())
    assert "quiet-2" in stage.receiver.taken[-1].text


async def test_what_was_silenced_is_sent_where_somebody_insists(stage: Stage) -> None:
    await stage.store.silences.add("*", None, 3600.0)
    await owe(stage.store, [started(tuning_job("quiet"))], "slack")
    await stage.delivered(stage.slack())
    assert stage.receiver.taken == []

    (row,) = await stage.store.desk.letters(states=[State.SILENCED])
    await stage.store.desk.retry([row.seq])
    await stage.delivered(stage.slack())

    assert "quiet" in stage.receiver.taken[-1].text


async def test_what_comes_in_quiet_hours_waits_for_their_end_and_names_every_job(stage: Stage) -> None:
    # It is noon: quiet for an hour from now.
    slack = stage.slack(quiet_hours="11:00-13:00", best_cooldown=0)
    jobs = [f"job-{number}" for number in range(30)]
    await owe(stage.store, [event for name in jobs for event in life(name)], "slack")

    await stage.delivered(slack)

    assert stage.receiver.times()[0] == pytest.approx(3600.0)
    text = "".join(each.text for each in stage.receiver.taken)
    assert all(name in text for name in jobs)
    assert len(stage.receiver.taken) < len(jobs)
