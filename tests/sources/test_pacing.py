"""How often one operation may be asked, in virtual time."""

import asyncio
import contextlib
import math
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import CallFailed, JobMissing
from notifier.sources import Patience, hyperparameter_source, new_session
from notifier.sources.calls import Calls
from notifier.sources.client import connected
from notifier.sources.operation import Operation
from notifier.sources.pacing import Pace, Turnstile
from tests.examples import REGION
from tests.sources.aws import NOTHING, Aws, Reply, error
from tests.sources.conftest import Tally
from tests.virtual import in_virtual_time, now


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


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        pytest.param(NOTHING, 17, id="an-answer"),
        pytest.param(error("ResourceNotFound"), 17, id="that-a-job-is-missing"),
        pytest.param(error("InternalFailure", 500), 16, id="a-failure"),
        pytest.param(error("ThrottlingException"), 8, id="throttled-again"),
    ],
)
async def test_a_throttled_operation_is_asked_half_as_often_and_each_answer_gives_a_step_back(
    aws: Aws, tally: Tally, answer: Reply, steps: int
) -> None:
    aws.answers(Operation.LIST, error("ThrottlingException"), answer)
    aws.answers(Operation.DESCRIBE_TRIAL, NOTHING)
    two_attempts = Patience(attempts=2, pause=0.0)
    async with connected(new_session(), "sagemaker", REGION) as connection:
        calls = Calls(connection, 3200.0, tally, two_attempts)
        with contextlib.suppress(CallFailed, JobMissing):
            await calls.ask(Operation.LIST, lambda _: None)
        await calls.ask(Operation.DESCRIBE_TRIAL, lambda _: None, TrainingJobName="another-operation")

    rates = {operation: pace.rate for operation, pace in calls._paces.items()}
    assert rates == {Operation.LIST: steps * 100.0, Operation.DESCRIBE_TRIAL: 3200.0}


@in_virtual_time
async def test_pauses_between_attempts_grow_to_the_longest_and_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    class Timed(Tally):
        def __init__(self) -> None:
            self.moments: list[float] = []

        def call(self, region: str, operation: str, outcome: str, seconds: float) -> None:
            self.moments.append(now())

    async def pauses() -> list[float]:
        meter = Timed()
        async with hyperparameter_source(
            new_session(), REGION, rate=math.inf, meter=meter, patience=patience
        ) as source:
            with pytest.raises(CallFailed):
                await source.describe("xgb")
        return [later - earlier for earlier, later in pairwise(meter.moments)]

    patience = Patience(attempts=7, pause=1.0, longest_pause=10.0)
    async with Aws.running() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        aws.answers(Operation.DESCRIBE, error("InternalFailure", 500))
        many = [await pauses() for _ in range(20)]

    bounds = (1.0, 2.0, 4.0, 8.0, 10.0, 10.0)
    for taken, bound in zip(zip(*many, strict=True), bounds, strict=True):
        assert len(set(taken)) == len(taken)
        assert bound / 2 < max(taken) <= bound


@in_virtual_time
async def test_calls_of_one_operation_keep_their_distance_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.sources.calls.Pace", partial(Pace, clock=now))
    answered: list[float] = []
    async with Aws.running() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        aws.answers(Operation.LIST, error("InternalFailure", 500), NOTHING)
        async with connected(new_session(), "sagemaker", REGION) as connection:
            calls = Calls(connection, 0.5, Tally(), Patience(pause=0.0))
            # A second attempt takes its turn like everybody else.
            async with asyncio.TaskGroup() as asking:
                for _ in range(4):
                    asking.create_task(calls.ask(Operation.LIST, lambda _: answered.append(now())))

    assert answered == pytest.approx([2.0, 4.0, 6.0, 8.0])


def test_calls_of_many_scopes_that_could_begin_in_one_moment_leave_others_their_turn_in_between() -> None:
    async def begun() -> list[str]:
        turnstile, order = Turnstile(), list[str]()

        async def call(name: str) -> None:
            await Pace(math.inf, turnstile=turnstile).turn()
            order.append(name)

        async def page() -> None:
            while sum(each != "page" for each in order) < 10:
                await asyncio.sleep(0)
                order.append("page")

        async with asyncio.TaskGroup() as tasks:
            for number in range(10):
                tasks.create_task(call(f"call {number}"))
            tasks.create_task(page())
        return order

    order = asyncio.run(begun())

    calls = [at for at, name in enumerate(order) if name != "page"]
    assert [order[at] for at in calls] == [f"call {number}" for number in range(10)]
    assert all(later - earlier > 1 for earlier, later in pairwise(calls))
