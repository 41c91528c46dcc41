"""What begins a hold, what it outlasts, and what ends it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifier.model import Batch, Event, NoticeType, Policy
from tests.examples import best, ended, new_best, tuning_job
from tests.pipeline.deliver_stage import BOUND, OK, Reply, Request, Stage, owe, receiving, staged, until

DAY = 86400.0
HOUR = 3600.0
DOWN: Reply = (500, {})


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as opened:
        yield opened


def endings(count: int) -> list[Event]:
    return [ended(tuning_job(f"job-{number:03d}")) for number in range(count)]


def takes_one_after_a_day(stage: Stage, well_from: float) -> None:
    """It comes back for one message and falls again: by then every message has failed its fill."""

    def reply(request: Request) -> Reply:
        return OK if request.at >= well_from or (request.at >= DAY and not stage.receiver.taken) else DOWN

    stage.receiver.reply = reply


async def test_a_destination_that_falls_again_is_held_again_and_left_in_peace(stage: Stage) -> None:
    await owe(stage.store, endings(40), "webhook")
    takes_one_after_a_day(stage, well_from=9 * DAY)

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: bool(stage.receiver.taken))
        fell = stage.timeline.tick
        await until(lambda: stage.timeline.tick > fell + 4 * HOUR)
        hold = await stage.store.outbox.hold("webhook")

    assert hold is not None
    # The doubling pauses of an hour, then one message every ten minutes, and a few that were under way.
    assert sum(each.at > fell for each in stage.receiver.requests) < 110


async def test_a_message_that_always_fails_does_not_stretch_an_outage_in_which_all_have_failed(stage: Stage) -> None:
    events = endings(4)
    await owe(stage.store, events, "webhook")
    stage.receiver.reply = lambda request: OK if request.at > HOUR and request.job != "job-000" else DOWN

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: stage.timeline.tick > 2 * HOUR)

    assert {each.id for each in stage.receiver.taken} == {event.id for event in events[1:]}


async def test_a_message_that_is_always_asked_to_wait_does_not_hold_up_the_others(stage: Stage) -> None:
    events = endings(8)
    await owe(stage.store, events, "webhook")
    busy = {"job-000", "job-001"}
    stage.receiver.reply = lambda request: (503, {"Retry-After": "5"}) if request.job in busy else OK

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: stage.timeline.tick > 120)

    assert {each.id for each in stage.receiver.taken} == {event.id for event in events[2:]}
    assert {row.attempts for row in await stage.store.outbox.owed("webhook", 9)} == {0}


async def test_people_still_get_digests_where_a_destination_fell_again(stage: Stage) -> None:
    await owe(stage.store, endings(40), "slack")
    takes_one_after_a_day(stage, well_from=DAY + 8 * HOUR)

    await stage.delivered(stage.slack())

    told = "".join(each.text for each in stage.receiver.taken)
    assert all(f"job-{number:03d}" in told for number in range(40))
    assert len(stage.receiver.taken) <= 5


async def test_the_operator_hears_of_the_end_of_an_outage_that_a_restart_fell_into(stage: Stage) -> None:
    await owe(stage.store, endings(5), "webhook")
    stage.receiver.reply = lambda request: DOWN
    async with stage.running(stage.delivery(stage.webhook(), operator=("other",))):
        await until(lambda: stage.timeline.tick > 3600)

    stage.receiver.reply = lambda request: OK
    await stage.delivered(stage.webhook(), operator=("other",))

    told = [row.event_type for row in await stage.store.outbox.owed("other", 9)]
    assert told == [NoticeType.DESTINATION_HELD, NoticeType.DESTINATION_RECOVERED]


async def test_people_who_could_not_hear_of_a_hold_hear_of_its_end_alone(stage: Stage) -> None:
    await owe(stage.store, endings(2), "webhook", "slack")

    async with receiving(stage.timeline) as programs:
        programs.reply = lambda request: OK if request.at > HOUR else DOWN
        stage.receiver.reply = lambda request: OK if request.at > 2 * HOUR else DOWN
        webhook, slack = stage.webhook(url=programs.url), stage.slack()
        operator = ("slack",)
        async with stage.running(
            stage.delivery(webhook, operator=operator), stage.delivery(slack, operator=operator, look_every=60)
        ):
            await until(lambda: len(stage.receiver.taken) == 4)
        await stage.settled("slack")

    told = "".join(each.text for each in stage.receiver.taken)
    assert "takes no messages" not in told
    assert "Destination webhook takes messages again" in told
    assert "Destination slack takes messages again" in told


async def test_what_needs_no_telling_does_not_end_a_hold(stage: Stage) -> None:
    job, other = tuning_job("a"), tuning_job("b")
    await owe(stage.store, [new_best(best(1, 0.5), job=job)], "slack")

    async with stage.running(stage.delivery(stage.slack(min_improvement=0.5, best_cooldown=0), look_every=5)):
        await until(lambda: len(stage.receiver.taken) == 1)
        stage.receiver.reply = lambda request: DOWN
        await owe(stage.store, [ended(other)], "slack")
        await until(lambda: len(stage.receiver.requests) > 2)
        before = await stage.store.outbox.hold("slack")
        small = [new_best(best(number, 0.5 + number / 100), job=job) for number in (2, 3)]
        await owe(stage.store, small, "slack")
        async with asyncio.timeout(BOUND):
            while len(await stage.store.outbox.owed("slack", 9)) != 2:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await until(lambda: stage.timeline.tick > 600)
        after = await stage.store.outbox.hold("slack")

    assert before is not None and after is not None
    assert (after.since, after.failures > before.failures) == (before.since, True)


class Silent:
    """A destination that never answers, and keeps no deadline of its own."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    async def send(self, batch: Batch) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_a_send_that_never_ends_is_given_up_and_held_against_the_destination(stage: Stage) -> None:
    await owe(stage.store, endings(1), "silent")
    silent = Silent(Policy("silent", "webhook", people=False, fingerprint="f"))
    delivery = stage.delivery(silent, deadline=0.05)

    async with stage.running(delivery), asyncio.timeout(BOUND):
        while (hold := await stage.store.outbox.hold("silent")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    (row,) = await stage.store.outbox.owed("silent", 9)
    assert hold.reason == "no answer (TimeoutError)"
    assert row.repeated
