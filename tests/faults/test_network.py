"""Connections to SageMaker and to a receiver that are cut, lost or stalled: no news is invented, none is lost."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy, Strike, before, lose_the_answer, lose_the_question
from tests.pipeline.sagemaker import LIST, Job, SageMaker
from tests.service.process import Hook, Notifier, notifying, until

POST = b"POST /hook"


@pytest.fixture
async def aws(sagemaker: SageMaker) -> AsyncIterator[tuple[Proxy, str]]:
    """The network to SageMaker, and where it is reached."""
    async with before(sagemaker.url) as way:
        yield way


@pytest.fixture
async def road(hook: Hook) -> AsyncIterator[tuple[Proxy, str]]:
    """The network to the receiver, and where it is reached."""
    async with before(hook.url) as way:
        yield way


@pytest.fixture
async def far(tmp_path: Path, aws: tuple[Proxy, str], road: tuple[Proxy, str], hook: Hook) -> AsyncIterator[Notifier]:
    """The service, with these networks between it and the others."""
    async with notifying(tmp_path, aws[1], hook, NOTIFIER_WEBHOOK_URL=road[1]) as service:
        yield service


def complaints(notifier: Notifier, event: str) -> list[str]:
    return [str(line["error"]) for line in notifier.log() if line["event"] == event]


@pytest.mark.parametrize("after", [pytest.param(size, id=f"after-{size}-bytes") for size in (0, 100, 400)])
async def test_an_answer_of_aws_that_is_cut_short_says_nothing(
    far: Notifier, aws: tuple[Proxy, str], sagemaker: SageMaker, hook: Hook, after: int
) -> None:
    sagemaker.put(*(Job(f"job-{number}", time.time()) for number in range(3)))
    process = await far.start()
    await far.ready(process)
    aws[0].cut_after = after
    aws[0].cut()
    sagemaker.remove("job-0")
    sagemaker.move("job-1", status="Completed", ended=time.time())
    await until(lambda: len(complaints(far, "sweep failed, will try again")) == 1, "a sweep has failed")
    assert hook.attempts.total() == 0

    aws[0].cut_after = None
    await until(lambda: len(hook.events) == 1, "the ending is told")

    assert hook.heard() == [("job-1", "status_changed", "Completed")]
    assert await far.stop(process) == 0
    assert "Traceback" not in far.log_file.read_text()


async def test_connections_to_aws_that_died_unnoticed_are_given_up_at_their_deadline_and_made_anew(
    far: Notifier, aws: tuple[Proxy, str], sagemaker: SageMaker, hook: Hook
) -> None:
    process = await far.start()
    await far.ready(process)
    aws[0].forget()
    asked = sagemaker.calls[LIST]
    sagemaker.put(Job("xgb", time.time()))

    await until(lambda: len(hook.events) == 1, "it is told")

    assert hook.heard() == [("xgb", "started", None)]
    assert sagemaker.calls[LIST] > asked
    assert await far.stop(process) == 0


@pytest.mark.parametrize(
    ("strike", "taken"),
    [
        pytest.param(lose_the_answer, 2, id="reset-after-it-was-taken"),
        pytest.param(lose_the_question, 1, id="reset-before-it-was-taken"),
    ],
)
async def test_a_delivery_that_is_reset_goes_again_under_its_id(
    far: Notifier, road: tuple[Proxy, str], sagemaker: SageMaker, hook: Hook, strike: Strike, taken: int
) -> None:
    process = await far.start()
    await far.ready(process)
    struck = road[0].wait_for(POST, POST, strike)
    sagemaker.put(Job("xgb", time.time()))

    await until(lambda: struck.is_set() and len(hook.ids) == taken, "it is taken")
    sagemaker.move("xgb", status="Failed", ended=time.time())
    await until(lambda: len(hook.events) == 2, "what comes after it is told")

    first, *_ = hook.heard()
    assert first == ("xgb", "started", None)
    assert sorted(hook.attempts.values()) == sorted([taken, 1])
    assert await far.stop(process) == 0


async def test_a_receiver_that_never_answers_is_given_up_at_the_deadline_and_delays_no_other(
    tmp_path: Path, road: tuple[Proxy, str], sagemaker: SageMaker, hook: Hook
) -> None:
    other = {"NOTIFIER_DESTINATIONS__STALLED__KIND": "webhook", "NOTIFIER_DESTINATIONS__STALLED__URL": road[1]}
    signed = {"NOTIFIER_DESTINATIONS__STALLED__SECRET": hook.secret}
    async with notifying(tmp_path, sagemaker.url, hook, **other, **signed) as notifier:
        process = await notifier.start()
        await notifier.ready(process)
        road[0].flows.clear()
        sagemaker.put(Job("one", time.time()), Job("two", time.time()))
        await until(lambda: len(hook.events) == 2, "the other destination is told")
        assert complaints(notifier, "destination held") == []

        await until(lambda: complaints(notifier, "destination held") != [], "the silent one is given up")
        road[0].forget()
        road[0].flows.set()
        await until(lambda: hook.attempts.total() == 4, "it gets all of it, once it answers")

        assert set(hook.attempts.values()) == {2}
        assert await notifier.stop(process) == 0
