"""The watching half of the service in this process: the real source, store and loop, paced by nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.answers import REGION, trial_name
from notifier.app import Board
from notifier.detection.judgement import Sight, judge
from notifier.model import Scope, ScopeState, Summary, TuningJob
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import Observed, Source
from notifier.routing import Route, Selection
from notifier.sources import hyperparameter_source, new_session
from notifier.store import Store, open_store
from notifier.web import Health, Metrics

UNPACED = 1e9
"""Requests a second: what is measured is work, not waiting."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """A watch and what stands behind it."""

    watch: Watch
    source: Source
    store: Store
    wake: asyncio.Event
    """Set where something is owed."""


@asynccontextmanager
async def watching(database: Path) -> AsyncIterator[Watcher]:
    """The service's watch over the endpoint that AWS_ENDPOINT_URL names, with its store in this file."""
    board = Board(Health(), Metrics("benchmark"))
    board.health.expect(f"watch {REGION}", 3600.0)
    board.health.watch(REGION, REGION, 3600.0)
    async with (
        open_store(f"sqlite:///{database}", exclusive=True) as store,
        hyperparameter_source(new_session(), REGION, rate=UNPACED, meter=board.metrics) as source,
    ):
        telling = Telling((Route("webhook"),), ("webhook",), catch_up=7 * 86400.0)
        how = Watching(Selection(("*",)), telling, interval=30.0)
        wake = asyncio.Event()
        yield Watcher(Watch(source, store.watch, how, witness=board, owed=wake.set), source, store, wake)


async def remember_all(watcher: Watcher) -> None:
    """Put every job of the endpoint into the store, as if a sweep had described each one just now."""
    account = await watcher.source.account()
    assert account is not None
    scope, now = Scope(account, REGION), time.time()
    described: TuningJob | None = None
    async for page in watcher.source.pages():
        described = described or await watcher.source.describe(page.rows[0].name)
        await watcher.store.watch.commit(scope, [_remembered(described, row, now) for row in page.rows])
    await watcher.store.watch.complete(scope, ScopeState(now, now, now), ())


def _remembered(described: TuningJob, row: Summary, now: float) -> Observed:
    assert described.best is not None
    record = replace(
        described,
        name=row.name,
        arn=row.arn,
        status=row.status,
        created_at=row.created_at,
        ended_at=row.ended_at,
        counts=row.counts,
        best=replace(described.best, training_job_name=trial_name(row.name, 1)),
    )
    verdict = judge(None, None, record, None, Sight(datetime.fromtimestamp(now, UTC), silent=True))
    assert verdict.remembered is not None
    return Observed(verdict.remembered, record)
