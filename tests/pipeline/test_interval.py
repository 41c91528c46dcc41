"""How often a scope is swept, on virtual time: seldom where nothing goes on, more often near an ending."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.routing import Route, Selection
from notifier.sources import hyperparameter_source, new_session
from notifier.store import open_store
from tests.examples import NOON, REGION
from tests.pipeline.conftest import HASTE, Meter, Witness
from tests.pipeline.sagemaker import LIST, Job, SageMaker
from tests.virtual import in_virtual_time, now

T0 = NOON.timestamp()
HOUR = 3600.0
INTERVAL = 30.0


@asynccontextmanager
async def watching(aws: pytest.MonkeyPatch, folder: Path, *jobs: Job, dice: float = 0.0) -> AsyncIterator[SageMaker]:
    """A watch that sweeps every half minute."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    async with (
        SageMaker.running() as sagemaker,
        open_store(f"sqlite:///{folder / 'watch.db'}", exclusive=True, clock=lambda: T0 + loop.time()) as store,
    ):
        aws.setenv("AWS_ENDPOINT_URL", sagemaker.url)
        sagemaker.put(*jobs)
        opening = hyperparameter_source(new_session(), REGION, rate=10_000.0, meter=Meter(), patience=HASTE)
        async with opening as source, asyncio.TaskGroup() as tasks:
            watch = Watch(
                source,
                store.watch,
                Watching(Selection(("xgb*",)), Telling((Route("hook"),), ("hook",), 7 * 86400.0), INTERVAL),
                witness=Witness(),
                owed=lambda: None,
                clock=lambda: datetime.fromtimestamp(T0 + now(), UTC),
                ticks=now,
                dice=lambda: dice,
            )
            tasks.create_task(watch.run(stop))
            yield sagemaker
            stop.set()


async def sweeps(sagemaker: SageMaker, seconds: float) -> int:
    """Sweeps in so many seconds."""
    before = sagemaker.calls[LIST]
    await asyncio.sleep(seconds)
    return sagemaker.calls[LIST] - before


@in_virtual_time
async def test_a_scope_in_which_nothing_goes_on_is_swept_less_and_less_and_at_once_again(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    going = Job("bert-going", T0 - HOUR)
    async with watching(aws, tmp_path, going, Job("xgb-old", T0 - HOUR, "Completed", ended=T0)) as sagemaker:
        assert 19 <= await sweeps(sagemaker, 600.0) <= 21
        assert 24 <= await sweeps(sagemaker, 1500.0) <= 26
        await asyncio.sleep(HOUR)
        assert 29 <= await sweeps(sagemaker, HOUR) <= 31

        sagemaker.put(Job("xgb-new", T0 + now()))
        await asyncio.sleep(4 * INTERVAL)
        assert 19 <= await sweeps(sagemaker, 600.0) <= 21


@in_virtual_time
async def test_a_scope_is_swept_twice_as_often_while_a_job_is_about_to_end(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = Job("xgb", T0 - HOUR)
    async with watching(aws, tmp_path, job) as sagemaker:
        assert 19 <= await sweeps(sagemaker, 600.0) <= 21
        sagemaker.put(replace(job, status="Stopping"))
        await asyncio.sleep(INTERVAL)
        assert 39 <= await sweeps(sagemaker, 600.0) <= 41
        sagemaker.put(replace(job, status="Stopped", ended=T0 + now()))
        await asyncio.sleep(INTERVAL)
        assert 19 <= await sweeps(sagemaker, 570.0) <= 20


@in_virtual_time
async def test_a_job_that_nobody_watches_hurries_nobody(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jobs = Job("xgb", T0 - HOUR), Job("bert", T0 - HOUR, "Stopping")
    async with watching(aws, tmp_path, *jobs) as sagemaker:
        assert 19 <= await sweeps(sagemaker, 600.0) <= 21


@in_virtual_time
async def test_the_rest_is_a_little_shorter_by_chance(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR), dice=1.0) as sagemaker:
        assert 98 <= await sweeps(sagemaker, 2700.0) <= 101


@in_virtual_time
async def test_whoever_sees_nothing_does_not_rest_longer_for_it(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with watching(aws, tmp_path, Job("xgb", T0 - HOUR, "Completed", ended=T0)) as sagemaker:
        await asyncio.sleep(INTERVAL / 2)
        sagemaker.fails[LIST] = "AccessDeniedException"
        await asyncio.sleep(2 * HOUR)
        assert 19 <= await sweeps(sagemaker, 600.0) <= 21
