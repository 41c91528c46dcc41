"""The watch loop of one scope: sweep, rest, sweep again, whatever happens."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

import structlog

from notifier.detection.interval import rest
from notifier.detection.sweep import kept_after
from notifier.errors import CallFailed, Cause, LeaseLost, NotifierError, StoreUnavailable
from notifier.model import Api, Event, Place, Scope, ScopeState
from notifier.pipeline import notices
from notifier.pipeline.blindness import Blindness
from notifier.pipeline.heeding import Heeding
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker, Tally, Telling
from notifier.pipeline.names import NameSweep
from notifier.pipeline.pace import unless
from notifier.pipeline.progress import Progress
from notifier.pipeline.sweep import ListSweep
from notifier.pipeline.tags import TagReader
from notifier.pipeline.trials import TrialReader
from notifier.ports import Routed, Source, WatchStore
from notifier.routing import Selection

log = structlog.get_logger()

SWEEP_DEADLINE = 3600.0
"""Seconds for one sweep in all; its calls have deadlines of their own, this one ends what nobody foresaw."""
UNENDED = f"the sweep did not end within {SWEEP_DEADLINE / 60:.0f} minutes; the next one goes on where it stopped"
PRUNE_INTERVAL = 3600.0


class Witness(Protocol):
    """Who is told how the watching goes: health and metrics."""

    def swept(self, place: Place, outcome: str, seconds: float) -> None:
        """A sweep ended: `ok`, or why it failed."""
        ...

    def told(self, event: Event) -> None:
        """An event was detected, and what is owed for it is durable."""
        ...

    def looking(self, place: Place, looked_at: int, jobs: int) -> None:
        """The first baseline goes on: so many of the jobs known so far were looked at."""
        ...

    def turned(self, place: Place) -> None:
        """The loop is alive."""
        ...


@dataclass(frozen=True, slots=True)
class Watching:
    """What is watched, how often (seconds), and who hears of it.

    One of `many` scopes does not tell each step in the log: its witness tells of all in one line.
    """

    selection: Selection
    telling: Telling
    interval: float
    many: bool = False


@dataclass(frozen=True, slots=True)
class WatchedScope:
    """A scope whose account is known, with what is remembered of it."""

    ledger: Ledger
    looker: Looker
    sweep: ListSweep | NameSweep


class Watch:
    """Watches one scope through one source until it is stopped."""

    def __init__(
        self,
        source: Source,
        store: WatchStore,
        watching: Watching,
        *,
        witness: Witness,
        owed: Callable[[], None],
        heeding: Heeding | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`ticks` are monotonic seconds: how long nothing was seen or pruned. Without `heeding` no hint is followed.

        `dice` gives 0 to 1.
        """
        self._source = source
        self._where = {"region": source.region} | ({"account": source.place.account} if source.place.account else {})
        self._store = store
        self._watching = watching
        self._witness = witness
        self._owed = owed
        self._heeding = heeding
        self._step = log.debug if watching.many else log.info
        self._clock = clock
        self._scope: WatchedScope | None = None
        self._empty_since: float | None = None
        self._trouble: str | None = None
        self._complaints: set[tuple[str, str]] = set()
        self._ticks = ticks
        self._dice = dice
        self._busy_at = ticks()
        self._pruned = ticks()
        self._progress = Progress(self._say_progress, ticks)
        self._blindness = Blindness(
            source.place.phrase, store, watching.telling.operator, owed=owed, clock=clock, ticks=ticks
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every interval until `stop` is set; a sweep under way is cut short then, and loses nothing."""
        while not stop.is_set():
            began = asyncio.get_running_loop().time()
            await unless(stop, self.turn())
            await unless(stop, self._rest(began + self._interval()))

    def _interval(self) -> float:
        """Seconds from the start of the sweep that has just ended to that of the next."""
        sweep, now = self._scope.sweep if self._scope else None, self._ticks()
        # Whoever sees nothing does not rest longer for it.
        if sweep is None or sweep.busy or self._trouble is not None:
            self._busy_at = now
        # Where events say that a job has ended, there is no need to ask more often.
        near = sweep is not None and sweep.near and self._heeding is None
        return rest(self._watching.interval, idle=now - self._busy_at, near=near, dice=self._dice())

    async def _rest(self, end: float) -> None:
        """Rest until `end` (the loop's time), but for what hints name meanwhile."""
        now, scope = asyncio.get_running_loop().time, self._scope
        left = end - now()
        if self._heeding is None or scope is None or scope.ledger.state.baseline_at is None:
            await asyncio.sleep(max(0.0, left))
            return
        # Once at least: where sweeps take longer than their interval, hints must have their turn too.
        while await self._heeding.called(max(0.0, left)):
            await self._heeding.heed(scope.ledger, scope.looker)
            left = end - now()
            if left <= 0:
                return

    async def turn(self) -> None:
        """One sweep, and an account of how it went. Only cancellation gets past this."""
        began, place = monotonic(), self._source.place
        self._progress.begin()
        self._alive()
        trouble: str | None = None
        try:
            async with asyncio.timeout(SWEEP_DEADLINE):
                await self._sweep_once()
        except* LeaseLost:
            raise
        except* (CallFailed, StoreUnavailable, TimeoutError) as group:
            trouble = self._failed(_first(group), monotonic() - began)
        except* Exception as group:
            # A fault of our own must not end the watching of a scope: it is logged whole, the next sweep tries again.
            log.exception("sweep failed unexpectedly", **self._where, exc_info=_first(group))
            self._witness.swept(place, "bug", monotonic() - began)
            trouble = "a fault of notifier itself, which its log explains"
        else:
            self._swept(monotonic() - began)
        if trouble is None:
            self._blindness.over()
        else:
            await self._blindness.lasts(*self._last_seen(), trouble)

    async def _sweep_once(self) -> None:
        self._scope = self._scope or await self._open()
        if self._scope is None:
            return
        scope = self._scope
        await scope.ledger.settle()
        scope.looker.begin()
        await scope.sweep.sweep(lambda state: self._announce(scope.ledger, state))
        await scope.looker.read_late_trials()
        if self._ticks() - self._pruned >= PRUNE_INTERVAL and self._source.api != Api.PREVIEW:
            self._pruned = self._ticks()
            await scope.ledger.prune(kept_after(scope.ledger.state, self._clock().timestamp()))

    async def _open(self) -> "WatchedScope | None":
        """Find out which account this is and load what is remembered of it; None where nothing tells it yet."""
        account = await self._source.account() or await self._account_of_first_row()
        if account is None:
            return None
        scope = Scope(account, self._source.region, self._source.api)
        ledger = Ledger(scope, self._store, owed=self._owed, told=self._tell)
        await ledger.load()
        await self._blindness.recall(scope.key, ledger.state.complete_at)
        telling = self._watching.telling
        trials = TrialReader(self._source, self._store, telling.people, living=telling.living)
        tags = TagReader(self._source, self._store, telling.routes)
        looker = Looker(self._source, ledger, telling, trials, tags, alive=self._alive, clock=self._clock)
        if self._empty_since is not None and ledger.state.baseline_at is None:
            # The empty account was the baseline: what appears in it now is news.
            state = ScopeState(self._empty_since, self._empty_since, self._empty_since)
            await ledger.complete(state, lambda state: self._watching_notice(ledger, state))
        selection = self._watching.selection
        sweep = (
            NameSweep(ledger, looker, [name for name in selection.jobs if selection.selects(name)])
            if self._source.api == Api.PREVIEW
            else ListSweep(self._source, ledger, looker, selection.selects)
        )
        self._step("watching", account=account, region=scope.region, api=scope.api, remembered=len(ledger.jobs))
        return WatchedScope(ledger, looker, sweep)

    async def _account_of_first_row(self) -> str | None:
        """Where STS says nothing, the first tuning job's ARN does; in an empty account nothing can."""
        if self._source.api == Api.PREVIEW:
            raise CallFailed(
                Cause.DENIED, "sts:GetCallerIdentity did not name the account, which the preview API must be told", None
            )
        empty_since = self._empty_since
        async with aclosing(self._source.pages()) as pages:
            async for page in pages:
                empty_since = empty_since or page.date.timestamp()
                for row in page.rows:
                    if row.arn is not None and (account := _account_of(row.arn)):
                        return account
        # Only now: an empty page may have others after it, and a listing that breaks says nothing.
        self._empty_since = empty_since
        return None

    def _announce(self, ledger: Ledger, state: ScopeState) -> Sequence[Routed]:
        """What a complete sweep says of itself; the ledger still has the state of the one before."""
        regained = self._blindness.ends(ledger.scope.key, ledger.stored.complete_at)
        return regained if ledger.state.baseline_at is not None else (*regained, *self._watching_notice(ledger, state))

    def _watching_notice(self, ledger: Ledger, state: ScopeState) -> Sequence[Routed]:
        operator, where = self._watching.telling.operator, self._source.place.phrase
        notice = notices.watching(ledger.scope, where, ledger.jobs.values(), state.baseline_at, self._clock())
        return (Routed(notice, operator),) if operator else ()

    def _tell(self, event: Event) -> None:
        self._witness.told(event)
        log.info(event.type, job=event.job.name, status=event.job.status, **self._where)

    def _alive(self) -> None:
        self._witness.turned(self._source.place)
        if self._scope is not None and self._scope.ledger.state.baseline_at is None:
            tally = self._scope.looker.tally
            self._progress.stands(tally.looks, tally.planned)

    def _say_progress(self, looked_at: int, jobs: int) -> None:
        self._step("taking the first look", **self._where, looked_at=looked_at, jobs=jobs)
        self._witness.looking(self._source.place, looked_at, jobs)

    def _last_seen(self) -> tuple[str, float | None]:
        """The scope, as far as it is known, and the start of its last complete sweep."""
        if self._scope is None:
            return f"{self._source.place}/{self._source.api}", None
        ledger = self._scope.ledger
        return ledger.scope.key, ledger.stored.complete_at

    def _failed(self, error: BaseException, seconds: float) -> str:
        """Say a trouble once in the log, not at every sweep; return what it is."""
        text = str(error) if isinstance(error, NotifierError) else UNENDED
        outcome = Cause.DEADLINE.value
        if isinstance(error, CallFailed):
            outcome = error.cause
        elif isinstance(error, StoreUnavailable):
            outcome = "store"
        if text != self._trouble:
            log.warning("sweep failed, will try again", **self._where, error=text)
            self._trouble = text
        self._witness.swept(self._source.place, outcome, seconds)
        return text

    def _swept(self, seconds: float) -> None:
        tally = self._scope.looker.tally if self._scope else Tally()
        if self._trouble is not None:
            log.info("sweeps work again", **self._where)
            self._trouble = None
        self._complain(tally)
        log.debug("swept", **self._where, pages=tally.pages, rows=tally.rows, looks=tally.looks)
        self._witness.swept(self._source.place, "ok", seconds)

    def _complain(self, tally: Tally) -> None:
        """Say once in the log, not at every sweep, what is wrong with single jobs."""
        complaints = {("some jobs could not be described, will try again", str(each)) for each in tally.failures}
        for name, wrong in tally.unread.items():
            complaints.add(("a row of List cannot be read, its job is described instead", f"{name}: {wrong}"))
        for what, error in sorted(complaints - self._complaints):
            log.warning(what, **self._where, error=error)
        self._complaints = complaints


def _account_of(arn: str) -> str | None:
    """The fifth word of an ARN, where it has one."""
    words = arn.split(":")
    return words[4] or None if len(words) > 4 else None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure inside nested groups: one is enough to be told."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
