"""A destination that comes back for one message and falls again: by then every message has failed its fill."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifier.model import Event
from tests.examples import ended, tuning_job
from tests.pipeline.deliver_stage import OK, Reply, Request, Stage, owe, staged, until

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
    def reply(request: Request) -> Reply:
        return OK if request.at >= well_from or (request.at >= DAY and not stage.receiver.taken) else DOWN

    stage.receiver.reply = reply


async def test_it_is_held_again_and_left_in_peace(stage: Stage) -> None:
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


async def test_people_still_get_digests_of_what_waited(stage: Stage) -> None:
    await owe(stage.store, endings(40), "slack")
    takes_one_after_a_day(stage, well_from=DAY + 8 * HOUR)

    await stage.delivered(stage.slack())

    told = "".join(each.text for each in stage.receiver.taken)
    assert all(f"job-{number:03d}" in told for number in range(40))
    assert len(stage.receiver.taken) <= 5
