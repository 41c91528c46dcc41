"""The watch loop of one scope: sweep, rest, sweep again, whatever happens."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

import structlog

from notifier.detection.sweep import kept_after
from notifier.errors import CallFailed, Cause, LeaseLost, NotifierError, StoreUnavailable
from notifier.model import Api, Event, Notice, NoticeType, Scope, ScopeState
from notifier.model.event import digest
from notifier.pipeline.blindness import Blindness
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker, Tally, Telling
from notifier.pipeline.names import NameSweep
from notifier.pipeline.sweep import ListSweep
from notifier.ports import Routed, Source, WatchStore
from notifier.routing import Selection

log = structlog.get_logger()

SWEEP_DEADLINE = 3600.0
"""Seconds for one sweep in all; its calls have deadlines of their own, this one ends what nobody foresaw."""
PRUNE_INTERVAL = 3600.0
NAMES_IN_A_NOTICE = 10


class Witness(Protocol):
    """Who is told how the watching goes: health and metrics."""

    def swept(self, region: str, outcome: str, seconds: float) -> None:
        """A sweep ended: `ok`, or why it failed."""
        ...

    def told(self, event: Event) -> None:
        """An event was detected, and what is owed for it is durable."""
        ...

    def turned(self, region: str) -> None:
        """The loop is alive."""
        ...


@dataclass(frozen=True, slots=True)
class Watching:
    """What is watched, how often (seconds), and who hears of it."""

    selection: Selection
    telling: Telling
    interval: float


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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """`ticks` are monotonic seconds: how long nothing was seen or pruned."""
        self._source = source
        self._store = store
        self._watching = watching
        self._witness = witness
        self._owed = owed
        self._clock = clock
        self._scope: WatchedScope | None = None
        self._empty_since: float | None = None
        self._trouble: str | None = None
        self._complaints: set[str] = set()
        self._ticks = ticks
        self._pruned = ticks()
        self._blindness = Blindness(
            source.region, store, watching.telling.operator, owed=owed, clock=clock, ticks=ticks
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every interval until `stop` is set; a sweep under way is cut short then, and loses nothing."""
        while not stop.is_set():
            began = monotonic()
            await _unless(stop, self.turn())
            rest = max(0.0, self._watching.interval - (monotonic() - began))
            await _unless(stop, asyncio.sleep(rest))

    async def turn(self) -> None:
        """One sweep, and an account of how it went. Only cancellation gets past this."""
        began, region = monotonic(), self._source.region
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
            log.exception("sweep failed unexpectedly", region=region, exc_info=_first(group))
            self._witness.swept(region, "bug", monotonic() - began)
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
        looker = Looker(self._source, ledger, self._watching.telling, alive=self._alive, clock=self._clock)
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
        log.info("watching", account=account, region=scope.region, api=scope.api, remembered=len(ledger.jobs))
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
        """Once the first baseline stands, one message says what is watched: a set-up never looks dead."""
        scope, operator = ledger.scope, self._watching.telling.operator
        names = sorted(each.name for each in ledger.jobs.values() if each.unfinished and each.watched)
        count = f"{len(names)} tuning job{'' if len(names) == 1 else 's'}" if names else "tuning jobs"
        listed = ", ".join(names[:NAMES_IN_A_NOTICE])
        more = f" and {len(names) - NAMES_IN_A_NOTICE} more" if len(names) > NAMES_IN_A_NOTICE else ""
        notice = Notice(
            id=digest(scope.key, NoticeType.WATCHING, str(state.baseline_at)),
            type=NoticeType.WATCHING,
            time=self._clock(),
            title=f"Watching {count} in {scope.region}",
            lines=(
                f"In progress now: {listed}{more}" if names else "None is in progress now.",
                f"Account {scope.account_id}. New jobs, new bests and endings will be told here.",
            ),
            scope=scope.key,
        )
        return (Routed(notice, operator),) if operator else ()

    def _tell(self, event: Event) -> None:
        self._witness.told(event)
        log.info(event.type, job=event.job.name, status=event.job.status, region=event.job.region)

    def _alive(self) -> None:
        self._witness.turned(self._source.region)

    def _last_seen(self) -> tuple[str, float | None]:
        """The scope, as far as it is known, and the start of its last complete sweep."""
        if self._scope is None:
            return f"{self._source.region}/{self._source.api}", None
        ledger = self._scope.ledger
        return ledger.scope.key, ledger.stored.complete_at

    def _failed(self, error: BaseException, seconds: float) -> str:
        """Say a trouble once in the log, not at every sweep; return what it is."""
        text = str(error) if isinstance(error, NotifierError) else "the sweep did not end within its deadline"
        outcome = Cause.DEADLINE.value
        if isinstance(error, CallFailed):
            outcome = error.cause
        elif isinstance(error, StoreUnavailable):
            outcome = "store"
        if text != self._trouble:
            log.warning("sweep failed, will try again", region=self._source.region, error=text)
            self._trouble = text
        self._witness.swept(self._source.region, outcome, seconds)
        return text

    def _swept(self, seconds: float) -> None:
        tally = self._scope.looker.tally if self._scope else Tally()
        if self._trouble is not None:
            log.info("sweeps work again", region=self._source.region)
            self._trouble = None
        complaints = {str(each) for each in tally.failures}
        for text in sorted(complaints - self._complaints):
            log.warning("some jobs could not be described, will try again", region=self._source.region, error=text)
        self._complaints = complaints
        log.debug("swept", region=self._source.region, pages=tally.pages, rows=tally.rows, looks=tally.looks)
        self._witness.swept(self._source.region, "ok", seconds)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, or as much of it as there is time for until `stop` is set."""
    async with asyncio.TaskGroup() as tasks:
        working, stopping = tasks.create_task(work), tasks.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()


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
