"""What a stop leaves time for, in virtual time: what is under way may finish within the grace, and no later."""

import asyncio
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from notifier.app import keep_running
from tests.virtual import in_virtual_time, now


@dataclass
class Finishing:
    """A loop that takes so long to finish what is under way at the stop; `ended` says when and how."""

    seconds: float
    ended: tuple[float, str] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended = now(), "cut off"
            raise
        self.ended = now(), "finished"


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [
        pytest.param([0.0, 5.0], [(100.0, "finished"), (105.0, "finished")], id="all-finish"),
        pytest.param([29.9], [(129.9, "finished")], id="at-the-last-moment"),
        pytest.param([5.0, 3600.0], [(105.0, "finished"), (130.0, "cut off")], id="one-is-too-late"),
    ],
)
@in_virtual_time
async def test_what_is_under_way_at_a_stop_may_finish_within_the_grace_and_no_later(
    seconds: list[float], ends: list[tuple[float, str]]
) -> None:
    stop, loops = asyncio.Event(), [Finishing(each) for each in seconds]
    asyncio.get_running_loop().call_later(100.0, stop.set)

    with capture_logs() as logs:
        await keep_running(loops, stop, grace=30.0)

    assert [each.ended for each in loops] == ends
    late = any(how == "cut off" for _, how in ends)
    assert [each["log_level"] for each in logs] == ["info", "warning"][: 1 + late]
    assert now() == max(when for when, _ in ends)
