"""The queue is heard, on virtual time over the real wire: noted first, deleted then, and troubles are told once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.leasing import HEAR, duty
from notifier.model import Lease, Noted, Place, Scope
from notifier.pipeline.hearing import GIVEN_UP_AFTER, Hearing
from notifier.ports import HintStore
from notifier.sources import hint_queue, new_session
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, REGION
from tests.pipeline.conftest import HASTE, Meter
from tests.pipeline.sqs import DELETE, RECEIVE, Sqs
from tests.virtual import in_virtual_time, now

SCOPE = Scope(ACCOUNT, REGION)
HOUR = 3600.0


def event(name: str = "xgb", region: str = REGION, kind: str = "HyperParameter Tuning") -> str:
    """What EventBridge sends."""
    return json.dumps(
        {
            "detail-type": f"SageMaker {kind} Job State Change",
            "source": "aws.sagemaker",
            "account": ACCOUNT,
            "region": region,
            "detail": {"HyperParameterTuningJobName": name},
        }
    )


@dataclass
class Notebook:
    """The way to the store, which can be cut."""

    store: HintStore
    cut: bool = False
    asked: int = 0

    async def note(self, hints: Any) -> None:
        self.asked += 1
        if self.cut:
            raise StoreUnavailable("database: it does not answer")
        await self.store.note(hints)

    async def newest(self) -> dict[Place, float]:
        return await self.store.newest()

    async def noted(self, scope: Scope) -> list[Noted]:
        return await self.store.noted(scope)

    async def heeded(self, scope: Scope, noted: Any) -> None:
        await self.store.heeded(scope, noted)


@dataclass
class Stage:
    """A queue, a hearing of it, and what came of it."""

    sqs: Sqs
    store: Store
    notebook: Notebook
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    rung: list[set[Place]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    """`well`, or what the trouble is, whenever it changes."""

    def heard(self, queue: str) -> None:
        self._say("well")

    def deaf(self, queue: str, why: str) -> None:
        self._say(why)

    def _say(self, state: str) -> None:
        if self.states[-1:] != [state]:
            self.states.append(state)

    async def names(self) -> list[str]:
        return sorted(each.name for each in await self.store.hints.noted(SCOPE))


async def until(condition: Callable[[], bool], within: float = 100.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(0.5)


@pytest.fixture
def environment(aws: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Credentials, and nothing else of AWS."""
    aws.delenv("AWS_ENDPOINT_URL", raising=False)
    return tmp_path


@asynccontextmanager
async def hearing(folder: Path, *, lease: Lease | None = None) -> AsyncIterator[Stage]:
    """The hearing goes on until the end of the block; it wants what is about the tests' region."""
    clock = asyncio.get_running_loop().time  # Also for the store's threads.
    async with (
        Sqs.running() as sqs,
        open_store(f"sqlite:///{folder / 'hints.db'}", exclusive=True, clock=clock) as store,
        hint_queue(new_session(), sqs.url, REGION, meter=Meter(), patience=HASTE) as queue,
    ):
        stage = Stage(sqs, store, Notebook(store.hints.under(lease) if lease else store.hints))
        work = Hearing(
            queue,
            stage.notebook,
            wanted=lambda hint: hint.region == REGION,
            ring=stage.rung.append,
            listener=stage,
            ticks=now,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work.run(stage.stop))
            yield stage
            stage.stop.set()


@in_virtual_time
async def test_hints_are_noted_rung_for_and_their_messages_deleted(environment: Path) -> None:
    async with hearing(environment) as stage:
        ids = stage.sqs.send(event("one"), event("two"), event("one"))
        await until(lambda: len(stage.sqs.deleted) == 3)

        assert await stage.names() == ["one", "two"]
        assert stage.rung == [{Place(REGION, ACCOUNT)}]
        assert stage.sqs.deleted == ids
        assert stage.states == ["well"]


@in_virtual_time
async def test_what_is_not_ours_or_nobody_wants_is_deleted_without_a_word(environment: Path) -> None:
    with capture_logs() as logs:
        async with hearing(environment) as stage:
            stage.sqs.send(event(kind="Model"), event(region="mars-north-1"))
            await until(lambda: len(stage.sqs.deleted) == 2)

            assert await stage.names() == []
            assert (stage.rung, stage.notebook.asked) == ([], 0)
    assert logs == []


@in_virtual_time
async def test_what_could_not_be_noted_is_not_deleted_and_nothing_more_is_received_until_it_can(
    environment: Path,
) -> None:
    with capture_logs() as logs:
        async with hearing(environment) as stage:
            stage.notebook.cut = True
            stage.sqs.send(event())
            await until(lambda: stage.notebook.asked > 5, within=HOUR)
            assert (stage.sqs.deleted, stage.sqs.calls[RECEIVE], stage.rung) == ([], 1, [])

            stage.notebook.cut = False
            await until(lambda: stage.sqs.deleted == ["message-0"], within=HOUR)
            assert await stage.names() == ["xgb"]

    assert [each["event"] for each in logs] == ["the queue cannot be heard, will try again", "the queue is heard again"]
    assert stage.states == ["database: it does not answer", "well"]


@in_virtual_time
async def test_a_message_that_cannot_be_read_is_told_once_and_left_to_the_redrive_policy(environment: Path) -> None:
    with capture_logs() as logs:
        async with hearing(environment) as stage:
            stage.sqs.most_times = 3
            (poison,) = stage.sqs.send('{"hunter2')
            stage.sqs.send(event())
            await until(lambda: stage.sqs.dead == [poison], within=HOUR)

            assert stage.sqs.deleted == ["message-1"]
            assert await stage.names() == ["xgb"]

    (line,) = logs
    assert (line["log_level"], line["message"], line["error"]) == ("warning", poison, "it is not JSON")
    assert "hunter2" not in str(line)


@in_virtual_time
async def test_one_that_no_redrive_policy_takes_is_deleted_in_the_end(environment: Path) -> None:
    with capture_logs() as logs:
        async with hearing(environment) as stage:
            (poison,) = stage.sqs.send("hello")
            (message,) = stage.sqs.messages
            await until(lambda: stage.sqs.deleted == [poison], within=HOUR)

    assert message.times == GIVEN_UP_AFTER + 1
    assert ["is deleted" in line["event"] for line in logs] == [False, True]


@in_virtual_time
async def test_a_message_that_a_batch_does_not_delete_comes_again_and_is_deleted_then(environment: Path) -> None:
    async with hearing(environment) as stage:
        first, second = stage.sqs.send(event("one"), event("two"))
        stage.sqs.refuses.add(first)
        await until(lambda: stage.sqs.deleted == [second, first])

        assert await stage.names() == ["one", "two"]
        assert stage.states == ["well"]


@pytest.mark.parametrize(
    ("operation", "code", "text"),
    [
        pytest.param(RECEIVE, "AccessDeniedException", "allow sqs:ReceiveMessage", id="not-allowed"),
        pytest.param(DELETE, "AccessDeniedException", "allow sqs:DeleteMessage", id="not-allowed-to-delete"),
        pytest.param(RECEIVE, "QueueDoesNotExist", "there is no such queue", id="no-queue"),
        pytest.param(RECEIVE, "RequestThrottled", "AWS throttles", id="throttled"),
    ],
)
def test_a_trouble_is_told_once_tried_ever_more_seldom_and_its_end_is_told(
    environment: Path, operation: str, code: str, text: str
) -> None:
    @in_virtual_time
    async def troubled() -> None:
        with capture_logs() as logs:
            async with hearing(environment) as stage:
                stage.sqs.visibility = 1.0
                stage.sqs.fails[operation] = code
                stage.sqs.send(event())
                await until(lambda: len(stage.states) == 1)
                await asyncio.sleep(HOUR)
                assert 30 < stage.sqs.calls[RECEIVE] < 80

                del stage.sqs.fails[operation]
                await until(lambda: len(stage.states) == 2)
                assert await stage.names() == ["xgb"]
        assert text in stage.states[0] and stage.states[1] == "well"
        assert [each["event"] for each in logs] == [
            "the queue cannot be heard, will try again",
            "the queue is heard again",
        ]
        assert text in logs[0]["error"]

    troubled()


@in_virtual_time
async def test_an_empty_queue_is_asked_three_times_a_minute_and_one_that_answers_at_once_not_without_pause(
    environment: Path,
) -> None:
    async with hearing(environment) as stage:
        await asyncio.sleep(600.0)
        assert 28 <= stage.sqs.calls[RECEIVE] <= 31

        stage.sqs.keeps_open = False
        await asyncio.sleep(20.0)
        stage.sqs.calls.clear()
        await asyncio.sleep(600.0)
        assert 500 < stage.sqs.calls[RECEIVE] <= 600


@in_virtual_time
async def test_a_stop_ends_the_waiting_at_once(environment: Path) -> None:
    async with hearing(environment) as stage:
        await until(lambda: stage.sqs.calls[RECEIVE] == 1)
        stage.stop.set()
        began = now()
    assert now() - began < 1.0


@in_virtual_time
async def test_a_stop_between_noting_and_deleting_lets_the_message_come_again(environment: Path) -> None:
    async with hearing(environment) as stage:
        stage.sqs.holds.add(DELETE)
        stage.sqs.send(event())
        await until(lambda: stage.sqs.calls[DELETE] == 1)
        assert await stage.names() == ["xgb"]
        stage.stop.set()
    assert stage.sqs.deleted == []
    assert [each.times for each in stage.sqs.messages] == [1]


@in_virtual_time
async def test_whoever_lost_the_lease_notes_nothing_deletes_nothing_and_ends(environment: Path) -> None:
    lost = Lease(duty(HEAR, "queue"), "somebody", 7)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with hearing(environment, lease=lost) as stage:
            stage.sqs.send(event())
            await asyncio.sleep(HOUR)

    assert caught.group_contains(LeaseLost)
    assert stage.sqs.deleted == []
