"""Hints followed between two sweeps, on virtual time: by Describe alone, soon, once, and lost in no crash."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.leasing import WATCH, duty
from notifier.model import Hint, Lease, Noted, Place, Scope
from notifier.pipeline.bells import Bells
from notifier.pipeline.heeding import AGAIN_SECONDS, Heeding
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import HintStore
from notifier.routing import Route, Selection
from notifier.sources import hyperparameter_source, new_session
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, NOON, REGION
from tests.pipeline.conftest import HASTE, Meter, Witness
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker
from tests.virtual import in_virtual_time, now

T0 = NOON.timestamp()
HOUR = 3600.0
INTERVAL = 600.0
SCOPE = Scope(ACCOUNT, REGION)
PLACE = Place(REGION, ACCOUNT)
SOON = 2.0


@dataclass
class Hints:
    """The way to the hints, on which the answer to a deletion can be lost before it."""

    store: HintStore
    forgets: int = 0
    """How many deletions do not arrive."""

    async def note(self, hints: Collection[Hint]) -> None:
        await self.store.note(hints)

    async def newest(self) -> dict[Place, float]:
        return await self.store.newest()

    async def noted(self, scope: Scope) -> list[Noted]:
        return await self.store.noted(scope)

    async def heeded(self, scope: Scope, noted: Collection[Noted]) -> None:
        if noted and self.forgets:
            self.forgets -= 1
            raise StoreUnavailable("database: it does not answer")
        await self.store.heeded(scope, noted)


@dataclass
class Stage:
    """A watch that goes on, and the one who gives it hints."""

    sagemaker: SageMaker
    store: Store
    hints: Hints
    bells: Bells
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    witness: Witness = field(default_factory=Witness)

    async def hint(self, *names: str, wait: float = 0.0) -> None:
        """What the hearing does."""
        await self.store.hints.note([Hint(ACCOUNT, REGION, name, wait) for name in names])
        self.bells.ring({PLACE})

    def told(self) -> list[tuple[str, str]]:
        """What was told so far."""
        return [(each.job.name, each.status.after if each.status else each.type.word) for each in self.witness.events]

    async def until(self, condition: Callable[[], bool], within: float = SOON) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(within):
                while not condition():  # noqa: ASYNC110 - time is virtual
                    await asyncio.sleep(max(0.1, within / 1000))
        except TimeoutError:
            raise AssertionError(f"told by then: {self.told()}, asked by then: {self.sagemaker.calls}") from None

    async def left(self) -> list[str]:
        """The hints that nobody has followed to the end."""
        return sorted(each.name for each in await self.store.hints.noted(SCOPE))

    async def followed(self, within: float = SOON) -> None:
        """Wait until no hint is left."""
        async with asyncio.timeout(within):
            while await self.left():  # noqa: ASYNC110 - time is virtual
                await asyncio.sleep(0.1)


@asynccontextmanager
async def watching(
    aws: pytest.MonkeyPatch,
    folder: Path,
    *jobs: Job,
    select: Sequence[str] = ("*",),
    lease: Lease | None = None,
    baseline: bool = True,
) -> AsyncIterator[Stage]:
    """A watch with its first baseline behind it, and long to go to its next sweep."""
    loop = asyncio.get_running_loop()

    def clock() -> float:
        return T0 + loop.time()

    url = f"sqlite:///{folder / 'watch.db'}"
    async with SageMaker.running() as sagemaker, open_store(url, exclusive=True, clock=clock) as store:
        aws.setenv("AWS_ENDPOINT_URL", sagemaker.url)
        sagemaker.put(*jobs)
        opening = hyperparameter_source(new_session(), REGION, rate=10_000.0, meter=Meter(), patience=HASTE)
        async with opening as source, asyncio.TaskGroup() as tasks:
            hints = Hints(store.hints.under(lease) if lease else store.hints)
            bells = Bells(store.hints, store.outbox, lambda: None)
            stage = Stage(sagemaker, store, hints, bells)
            selection = Selection(tuple(select))
            watch = Watch(
                source,
                store.watch,
                Watching(selection, Telling((Route("hook"),), ("hook",), 7 * 86400.0), INTERVAL),
                witness=stage.witness,
                owed=lambda: None,
                heeding=Heeding(hints, bells.bell(source.place), selection.selects),
                clock=lambda: datetime.fromtimestamp(clock(), UTC),
                ticks=loop.time,
                dice=lambda: 0.0,
            )
            tasks.create_task(watch.run(stage.stop))
            if baseline:
                await stage.until(lambda: stage.witness.outcomes == ["ok"])
            yield stage
            stage.stop.set()


def ended(name: str, **changes: object) -> Job:
    """A job that is completed now, an hour old."""
    return replace(Job(name, T0 - HOUR, "Completed", completed=3, best=2, value=0.9, ended=T0), **changes)  # type: ignore[arg-type]


@in_virtual_time
async def test_an_ending_is_told_at_once_and_without_a_list(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path, Job("XGB-Churn", T0 - HOUR), Job("other", T0 - HOUR)) as stage:
        stage.sagemaker.described.clear()
        stage.sagemaker.put(ended("XGB-Churn"))
        # An ARN has the name in small letters.
        await stage.hint("xgb-churn")

        await stage.until(lambda: stage.told() == [("XGB-Churn", "new_best"), ("XGB-Churn", "Completed")])
        await stage.followed()
        assert stage.sagemaker.described == ["xgb-churn"]
        assert stage.sagemaker.calls[LIST] == 1

        await asyncio.sleep(INTERVAL)
        assert stage.sagemaker.calls[LIST] == 2
        assert len(stage.told()) == 2


@in_virtual_time
async def test_a_new_job_is_told_and_an_old_ended_one_is_history(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path) as stage:
        stage.sagemaker.put(Job("new", T0 + 1), ended("old", created=T0 - 2 * HOUR), ended("short", created=T0 + 1))
        await stage.hint("new", "old", "short")

        await stage.followed()
        assert sorted(stage.told()) == [("new", "started"), ("short", "Completed"), ("short", "new_best")]

        await asyncio.sleep(INTERVAL)
        assert len(stage.told()) == 3


@in_virtual_time
async def test_duplicates_and_late_hints_tell_nothing_twice(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        stage.sagemaker.put(ended("xgb"))
        await stage.hint("xgb", "XGB", "xgb")
        await stage.until(lambda: len(stage.told()) == 2)
        for _ in range(3):
            await stage.hint("xgb")
            await stage.followed(within=2 * AGAIN_SECONDS)

        assert len(stage.told()) == 2


@in_virtual_time
async def test_an_event_ahead_of_describe_is_followed_once_more(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        await stage.hint("xgb")
        await asyncio.sleep(AGAIN_SECONDS - 1)
        assert (stage.told(), await stage.left()) == ([], ["xgb"])
        stage.sagemaker.put(ended("xgb"))

        await stage.until(lambda: len(stage.told()) == 2)
        await stage.followed()
        assert stage.sagemaker.calls[LIST] == 1


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param("nothing-new", id="nothing-new"),
        pytest.param("ThrottlingException", id="throttled"),
        pytest.param("ResourceNotFound", id="not-there"),
    ],
)
def test_what_brings_nothing_twice_is_left_to_the_sweeps(aws: pytest.MonkeyPatch, tmp_path: Path, trouble: str) -> None:
    @in_virtual_time
    async def followed_in_vain() -> None:
        async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
            if trouble != "nothing-new":
                stage.sagemaker.fails["xgb"] = trouble
            stage.sagemaker.described.clear()
            began = now()
            await stage.hint("xgb")
            await stage.followed(within=3 * AGAIN_SECONDS)
            assert AGAIN_SECONDS <= now() - began < AGAIN_SECONDS + SOON
            # A call that fails is tried twice.
            assert len(stage.sagemaker.described) == (4 if trouble == "ThrottlingException" else 2)
            assert stage.witness.outcomes == ["ok"]

            stage.sagemaker.fails.clear()
            stage.sagemaker.put(ended("xgb"))
            await asyncio.sleep(INTERVAL)
            assert len(stage.told()) == 2

    followed_in_vain()


@in_virtual_time
async def test_a_training_jobs_many_events_cost_one_look_when_they_have_settled(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        stage.sagemaker.described.clear()
        for _ in range(8):
            await stage.hint("xgb", wait=10.0)
            await asyncio.sleep(1.0)
        assert stage.sagemaker.described == []
        stage.sagemaker.move("xgb", completed=1, best=1, value=0.5)

        await stage.until(lambda: stage.told() == [("xgb", "new_best")], within=4.0)
        await stage.followed()
        assert stage.sagemaker.described == ["xgb"]

        await stage.hint("xgb", wait=10.0)
        await stage.followed(within=12.0)
        assert stage.sagemaker.described == ["xgb", "xgb"]


@in_virtual_time
async def test_a_hint_outlives_a_crash_between_what_was_seen_and_its_deletion(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        stage.hints.forgets = 1
        stage.sagemaker.put(ended("xgb"))
        await stage.hint("xgb")
        await stage.until(lambda: len(stage.told()) == 2)
        assert await stage.left() == ["xgb"]
        stage.stop.set()
        before = [each.event_id for each in await stage.store.outbox.owed("hook", 99)]

    async with watching(aws, tmp_path, ended("xgb")) as stage:
        await stage.followed(within=2 * AGAIN_SECONDS)
        assert stage.told() == []
        assert [each.event_id for each in await stage.store.outbox.owed("hook", 99)] == before


@in_virtual_time
async def test_a_hint_whose_deletion_failed_is_followed_again_without_a_bell(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        stage.hints.forgets = 1
        stage.sagemaker.put(ended("xgb"))
        await stage.hint("xgb")

        await stage.followed(within=3 * AGAIN_SECONDS)
        assert len(stage.told()) == 2


@in_virtual_time
async def test_a_hint_that_comes_during_the_look_is_followed_by_another_look(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR)) as stage:
        stage.sagemaker.holds.add(DESCRIBE)
        stage.sagemaker.described.clear()
        stage.sagemaker.calls.clear()
        stage.sagemaker.move("xgb", completed=1, best=1, value=0.5)
        await stage.hint("xgb")
        await stage.until(lambda: stage.sagemaker.calls[DESCRIBE] == 1)
        await stage.hint("xgb")
        stage.sagemaker.released.set()
        await stage.until(lambda: stage.told() == [("xgb", "new_best")])
        stage.sagemaker.put(ended("xgb"))

        await stage.until(lambda: len(stage.told()) == 3, within=2 * AGAIN_SECONDS)
        await stage.followed()


@in_virtual_time
async def test_what_a_look_found_waits_for_no_other_and_a_late_hint_of_an_ended_job_goes_last(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, ended("a-late-one"), Job("xgb", T0 - HOUR)) as stage:
        stage.sagemaker.put(ended("xgb"))
        stage.sagemaker.describes_left = 1
        await stage.hint("a-late-one", "xgb")

        await stage.until(lambda: len(stage.told()) == 2, within=0.5)
        stage.sagemaker.released.set()
        await stage.followed()
        assert stage.sagemaker.described[-2:] == ["xgb", "a-late-one"]


@in_virtual_time
async def test_hints_about_jobs_that_the_settings_leave_out_cost_no_call(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, select=("prod-*",)) as stage:
        stage.sagemaker.put(Job("dev-1", T0 + 1), Job("Prod-1", T0 + 1))
        await stage.hint("dev-1", "Prod-1")

        await stage.followed()
        assert stage.told() == [("Prod-1", "started")]
        assert stage.sagemaker.described == ["Prod-1"]


@in_virtual_time
async def test_hints_wait_for_the_first_baseline_and_do_not_break_its_silence(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR), baseline=False) as stage:
        stage.sagemaker.fails[LIST] = "AccessDeniedException"
        await stage.until(lambda: stage.witness.outcomes == ["denied"])
        await stage.hint("xgb")
        await asyncio.sleep(INTERVAL / 2)
        assert (stage.sagemaker.described, await stage.left()) == ([], ["xgb"])

        stage.sagemaker.fails.clear()
        await stage.until(lambda: stage.witness.outcomes == ["denied", "ok"], within=INTERVAL)
        await stage.followed(within=2 * AGAIN_SECONDS)
        assert stage.told() == []


@in_virtual_time
async def test_the_sweeps_keep_their_interval_however_many_hints_come(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jobs = [Job(f"job-{number:03d}", T0 - HOUR) for number in range(70)]
    async with watching(aws, tmp_path, *jobs) as stage:
        # A round takes longer than it takes the next hints to come.
        stage.sagemaker.latency = 9.0
        while stage.sagemaker.calls[LIST] < 2:
            await stage.hint(*(each.name for each in jobs))
            await asyncio.sleep(20.0)

        assert INTERVAL <= now() < INTERVAL + 60.0
        stage.sagemaker.latency = 0.0
        await asyncio.sleep(60.0)
        stage.sagemaker.put(*(ended(each.name) for each in jobs))
        await stage.hint(*(each.name for each in jobs))
        await stage.until(lambda: len(stage.told()) == 2 * len(jobs), within=60.0)


@in_virtual_time
async def test_whoever_lost_the_scope_ends_with_the_hint_that_it_could_not_delete(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = Lease(duty(WATCH, REGION), "somebody", 7)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with watching(aws, tmp_path, Job("xgb", T0 - HOUR), lease=lost) as stage:
            stage.sagemaker.put(ended("xgb"))
            await stage.hint("xgb")
            await asyncio.sleep(INTERVAL)

    assert caught.group_contains(LeaseLost)
