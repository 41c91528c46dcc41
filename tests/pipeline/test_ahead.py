"""What a program is owed is read ahead and settled in fours; and yet whatever people do beside the service counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from notifier.model import Event, Notice
from notifier.pipeline.ahead import AHEAD_SECONDS
from notifier.ports import Outcome, Waiting
from notifier.store import SqlOutboxStore, State
from tests.examples import ended, started, tuning_job
from tests.pipeline.deliver_stage import Stage, owe, staged, until


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as opened:
        yield opened


class Counted(SqlOutboxStore):
    """The outbox, which counts how often it is asked."""

    def __init__(self, outbox: SqlOutboxStore) -> None:
        super().__init__(outbox._database)
        self.asked = Counter[str]()

    async def waiting(self, destination: str, limit: int, events: int = 0) -> Waiting:
        self.asked["waiting"] += 1
        return await super().waiting(destination, limit, events)

    async def events(self, event_ids: Collection[str]) -> dict[str, Event | Notice]:
        self.asked["events"] += 1
        return await super().events(event_ids)

    async def finish(self, outcome: Outcome) -> bool:
        self.asked["finish"] += 1
        return await super().finish(outcome)


def lives(count: int) -> list[Event]:
    """As many jobs that began and ended."""
    jobs = [tuning_job(f"job-{number:03d}") for number in range(count)]
    return [*(started(each) for each in jobs), *(ended(each) for each in jobs)]


async def test_many_messages_share_a_read_and_few_share_a_commit(stage: Stage) -> None:
    events, outbox = lives(100), Counted(stage.store.outbox)
    await owe(stage.store, events, "webhook")

    async with stage.running(stage.delivery(stage.webhook(), outbox=outbox)):
        await stage.settled("webhook")

    assert sorted(each.id for each in stage.receiver.requests) == sorted(event.id for event in events)
    assert stage.receiver.most_at_once <= 4
    assert outbox.asked["waiting"] + outbox.asked["events"] < 30
    # What was answered is settled with what goes next; by itself only the last of it is.
    assert outbox.asked["finish"] < 10


async def test_an_order_is_kept_although_an_answer_is_settled_with_what_follows_it(stage: Stage) -> None:
    job = tuning_job("one-after-the-other")
    events = [started(job), ended(job)]
    await owe(stage.store, events, "webhook")

    await stage.delivered(stage.webhook())

    assert [each.id for each in stage.receiver.requests] == [event.id for event in events]


async def test_what_is_discarded_or_sent_elsewhere_meanwhile_is_not_sent(stage: Stage) -> None:
    await owe(stage.store, [started(tuning_job(f"job-{number:03d}")) for number in range(40)], "webhook")
    stage.receiver.gate = asyncio.Event()
    rows = await stage.store.outbox.owed("webhook", 99)

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.requests) == 4)
        await stage.store.desk.discard([row.seq for row in rows[4:20]])
        assert len(await stage.store.desk.retry([row.seq for row in rows[20:36]], to="elsewhere")) == 16
        stage.receiver.gate.set()
        await stage.settled("webhook")

    kept = rows[:4] + rows[36:]
    assert sorted(each.id for each in stage.receiver.requests) == sorted(row.event_id for row in kept)
    assert len(await stage.store.outbox.owed("elsewhere", 99)) == 16


async def test_a_silence_counts_at_the_next_read_however_much_was_read_before(stage: Stage) -> None:
    await owe(stage.store, [started(tuning_job(f"job-{number:03d}")) for number in range(40)], "webhook")
    stage.receiver.gate = asyncio.Event()

    async with stage.running(stage.delivery(stage.webhook())):
        await until(lambda: len(stage.receiver.requests) == 4)
        await stage.store.silences.add("job-*", "webhook", 3600.0)
        stage.timeline.tick += AHEAD_SECONDS
        stage.receiver.gate.set()
        await stage.settled("webhook")

    assert len(stage.receiver.requests) == 4
    assert len(await stage.store.desk.letters(states=[State.SILENCED])) == 36


async def test_where_all_fails_nothing_that_was_read_before_goes_out_as_well(stage: Stage) -> None:
    await owe(stage.store, [started(tuning_job(f"job-{number:03d}")) for number in range(40)], "webhook")
    stage.receiver.reply = lambda request: (500, {}) if request.at < 60 else (200, {})

    await stage.delivered(stage.webhook())

    assert len([each for each in stage.receiver.requests if each.at < 0.5]) == 4
    assert len(stage.receiver.taken) == 40


async def test_what_fails_in_the_midst_of_what_was_read_goes_again_and_nothing_twice(stage: Stage) -> None:
    events = lives(30)
    await owe(stage.store, events, "webhook")
    failing = {events[7].id, events[40].id}

    def reply(request: object) -> tuple[int, dict[str, str]]:
        identity = request.id  # type: ignore[attr-defined]
        if identity in failing:
            failing.discard(identity)
            return 500, {}
        return 200, {}

    stage.receiver.reply = reply
    await stage.delivered(stage.webhook())

    assert sorted(each.id for each in stage.receiver.taken) == sorted(event.id for event in events)
    assert not failing
