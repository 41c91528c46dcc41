"""How often one operation may be asked, in virtual time."""

import asyncio
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.sources.pacing import Pace


class VirtualTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds

    def pace(self, rate: float) -> Pace:
        return Pace(rate, clock=self.clock, sleep=self.sleep)


RATES = st.floats(0.01, 100)


@given(RATES, st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_no_window_ever_holds_more_turns_than_the_rate(rate: float, idle: list[float]) -> None:
    async def turns() -> list[float]:
        time = VirtualTime()
        pace = time.pace(rate)
        taken: list[float] = []
        for pause in idle:
            time.now += pause
            # Several ask at once after every pause: neither waiting nor idling saves up turns.
            taken += await asyncio.gather(pace.turn(), pace.turn(), pace.turn())
        return taken

    taken = asyncio.run(turns())

    assert all(later - earlier >= (1 / rate) * (1 - 1e-9) for earlier, later in pairwise(taken))


@given(RATES, st.lists(st.sampled_from(["ok", "throttled"]), max_size=200))
def test_the_rate_stays_between_the_slowest_and_the_full_whatever_aws_says(rate: float, answers: list[str]) -> None:
    async def rates() -> list[float]:
        pace = VirtualTime().pace(rate)
        seen = []
        for answer in answers:
            turn = await pace.turn()
            pace.succeeded() if answer == "ok" else pace.throttled(turn)
            seen.append(pace.rate)
        return seen

    assert all(rate / 32 <= each <= rate for each in asyncio.run(rates()))


@given(RATES, st.integers(1, 50))
def test_it_recovers_fully_after_throttling(rate: float, throttles: int) -> None:
    async def recovered() -> tuple[float, float]:
        pace = VirtualTime().pace(rate)
        for _ in range(throttles):
            pace.throttled(await pace.turn())
        slowest = pace.rate
        for _ in range(32):
            await pace.turn()
            pace.succeeded()
        return slowest, pace.rate

    slowest, after = asyncio.run(recovered())

    assert slowest <= rate / 2
    assert after == pytest.approx(rate)


async def test_throttling_halves_the_rate_and_a_success_adds_a_step() -> None:
    pace = VirtualTime().pace(32.0)

    pace.throttled(await pace.turn())
    halved = pace.rate
    pace.succeeded()

    assert (halved, pace.rate) == (16.0, 17.0)


async def test_calls_throttled_together_halve_the_rate_once() -> None:
    time = VirtualTime()
    pace = time.pace(8.0)
    together = [await pace.turn() for _ in range(4)]
    time.now += 1

    for turn in together:
        pace.throttled(turn)

    assert pace.rate == 4.0


async def test_a_turn_that_waits_hears_of_the_slower_rate() -> None:
    time = VirtualTime()
    pace = time.pace(1.0)
    first = await pace.turn()
    waiting = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)

    pace.throttled(first)

    assert await waiting == pytest.approx(first + 2.0)


async def test_a_cancelled_wait_takes_no_turn() -> None:
    time = VirtualTime()
    pace = time.pace(1.0)
    await pace.turn()
    waiting = [asyncio.create_task(pace.turn()) for _ in range(500)]
    await asyncio.sleep(0)

    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert await pace.turn() == pytest.approx(1.0)


async def test_an_infinite_rate_does_not_pace() -> None:
    time = VirtualTime()
    pace = time.pace(math.inf)

    for _ in range(10):
        pace.throttled(await pace.turn())
        pace.succeeded()

    assert time.now == 0
