"""One sweep of a scope: List down to the horizon, then Describe what moved."""

import asyncio
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from notifier.detection.interval import full_every, near_end
from notifier.detection.judgement import identity_of
from notifier.detection.sweep import (
    AUDIT_SECONDS,
    Look,
    audit,
    full_sweep_due,
    history_before,
    horizon,
    kept_after,
    look,
)
from notifier.model import JobIdentity, Page, Remembered, ScopeState, Settled, Summary, ended
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker
from notifier.ports import Observed, Routed, Source

STALLS_SECONDS = 300.0
"""How often it is looked for jobs of which no trial ends any more: it concerns all that go on."""


@dataclass(slots=True)
class Reading:
    """How far one sweep reads, and what it has read. Times are epoch seconds; `down_to` of −∞: every row."""

    down_to: float
    history: float | None
    silent: bool
    keep_after: float
    started: float | None = None
    seen: set[JobIdentity] = field(default_factory=set)
    looked_at: set[JobIdentity] = field(default_factory=set)
    wanted: list[Remembered] = field(default_factory=list)
    """The unfinished jobs that are watched, as they were remembered when the sweep began."""
    settled: dict[str, Settled] = field(default_factory=dict)
    created: "array[float]" = field(default_factory=lambda: array("d"))
    near: bool = False
    """Whether a watched job is about to end."""

    @property
    def full(self) -> bool:
        """Whether it reads every row."""
        return self.down_to == -math.inf

    def sees(self, identity: JobIdentity) -> bool:
        """Note a row; whether it is the first of its job. New jobs push rows from one page on to the next."""
        before = len(self.seen)
        self.seen.add(identity)
        if len(self.seen) == before:
            return False
        self.created.append(identity.created)
        return True


class ListSweep:
    """Sweeps one scope by List.

    Between two sweeps it keeps where rows lie, to choose the next depth, and which rows deserved nothing.
    """

    def __init__(self, source: Source, ledger: Ledger, looker: Looker, selects: Callable[[str], bool]) -> None:
        self._source = source
        self._ledger = ledger
        self._looker = looker
        self._selects = selects
        self._rows: array[float] | None = None
        self._settled: dict[str, Settled] = {}
        """By the name of the row."""
        self._audited: dict[JobIdentity, float] = {}
        self._full_every = full_every(ledger.scope.key)
        self.near = False
        """Whether the last complete sweep saw a watched job that is about to end."""
        self._stalls_told = -math.inf

    @property
    def busy(self) -> bool:
        """Whether a watched job is unfinished."""
        return any(self._selects(each.name) for each in self._ledger.unfinished.values())

    async def sweep(self, announce: Callable[[ScopeState], Sequence[Routed]]) -> None:
        """Read, look and commit; then complete the sweep, with what `announce` says of its state.

        Raises CallFailed where a page cannot be read, or a job neither read nor described (nothing is complete then),
        and StoreUnavailable, in groups.
        """
        reading = self._plan()
        async with self._ledger.batching(self._looker.alive):
            async with asyncio.TaskGroup() as looks:
                async with aclosing(self._source.pages(self._settled_before)) as pages:
                    async for page in pages:
                        self._looker.alive()
                        if await self._read(page, reading, looks):
                            break
                await self._unseen(reading, looks)
            await self._looker.tell_late()
            await self._tell_stalls(reading.started or 0.0)
            if failure := self._looker.shortcoming():
                await self._ledger.flush()
                raise failure
            self._rows, self._settled, self.near = self._known_rows(reading), reading.settled, reading.near
            await self._ledger.complete(self._completed(reading), announce)

    def _plan(self) -> Reading:
        state, now = self._ledger.state, self._looker.clock().timestamp()
        history = history_before(state)
        down_to, wanted = -math.inf, self._wanted()
        if history is not None and not full_sweep_due(state, now, self._full_every):
            if self._rows is None:
                self._rows = array("d", sorted(each.created for each in self._ledger.jobs))
            # Whole seconds, as creations are remembered: a row too many is read rather than one too few.
            down_to = math.floor(horizon(history, wanted, self._rows))
        return Reading(down_to, history, silent=history is None, keep_after=kept_after(state, now), wanted=wanted)

    def _settled_before(self, name: str, says: int) -> Settled | None:
        known = self._settled.get(name)
        if known is None or known.says != says:
            return None
        memory = known.memory
        return known if self._ledger.jobs.get(memory.identity) is memory else None

    async def _read(self, page: Page, reading: Reading, looks: asyncio.TaskGroup) -> bool:
        """Take in one page; say whether the horizon was reached."""
        reading.started = reading.started or page.date.timestamp()
        self._looker.tally.pages += 1
        self._looker.tally.rows += len(page.rows) + len(page.settled)
        self._looker.tally.unread.update(page.unread)
        reached = self._pass_over(page.settled, reading)
        scope = self._ledger.scope
        for row in page.rows:
            identity = identity_of(row, scope.account_id, scope.region)
            if identity.created < reading.down_to:
                return True
            if reading.sees(identity):
                memory = self._ledger.jobs.get(identity)
                if await self._take(row, identity, memory, reading):
                    looking = self._looker.row(row, memory, silent=reading.silent, history=reading.history)
                    self._begin(looking, row.name, looks)
        return reached

    def _pass_over(self, rows: Sequence[Settled], reading: Reading) -> bool:
        """Take in rows that deserve nothing; say whether the horizon was reached."""
        for known in rows:
            memory = known.memory
            if memory.identity.created < reading.down_to:
                return True
            if reading.sees(memory.identity):
                # The memory's own texts and keys: thousands are kept from one sweep to the next.
                reading.settled[memory.name] = known
                if known.near:
                    reading.near = True
        return False

    async def _take(self, row: Summary, identity: JobIdentity, memory: Remembered | None, reading: Reading) -> bool:
        """Take in one row; say whether it must be described."""
        watched = self._selects(row.name)
        near = watched and near_end(row)
        reading.near |= near
        match look(row, memory, watched=watched, silent=reading.silent, history=reading.history):
            case Look.DESCRIBE:
                reading.looked_at.add(identity)
                return True
            case Look.NOTE if memory is not None or not ended(row.status) or identity.created >= reading.keep_after:
                await self._looker.note(row, memory, watched=watched)
            case _ if memory is not None and memory.missing_since is not None:
                await self._looker.sighted(memory)
            case Look.NOTHING if memory is not None and row.says is not None and row.name == memory.name:
                reading.settled[memory.name] = Settled(row.says, memory, near)
        return False

    async def _unseen(self, reading: Reading, looks: asyncio.TaskGroup) -> None:
        """Describe by name what List did not show, what lies beyond the horizon, and those whose turn the audit is.

        And jobs whose row cannot be read, unless they are among these.
        """
        names = [each for each in reading.wanted if each.identity not in reading.seen]
        reading.looked_at.update(each.identity for each in names)
        now = self._looker.clock().timestamp()
        audited = audit(reading.wanted, now, reading.looked_at, self._audited)
        lately = {identity: at for identity, at in self._audited.items() if now - at < AUDIT_SECONDS}
        self._audited = lately | {each.identity: now for each in audited}
        # List has just shown them: what was not found before is not missing.
        names += [replace(each, missing_since=None) for each in audited]
        records = await self._ledger.records([each.identity for each in names])
        for each in names:
            self._begin(self._looker.name(each, records.get(each.identity)), each.name, looks)
        asked = {each.identity.name for each in names}
        for name in self._looker.tally.unread:
            if self._selects(name) and name.lower() not in asked:
                looking = self._looker.unread(name, silent=reading.silent, history=reading.history)
                self._begin(looking, name, looks)
        if reading.full:
            await self._forget_unwatched(reading)

    def _begin(self, looking: Coroutine[Any, Any, None], name: str, looks: asyncio.TaskGroup) -> None:
        self._looker.tally.planned += 1
        looks.create_task(looking, name=f"look at {name}")

    async def _tell_stalls(self, now: float) -> None:
        if now - self._stalls_told >= STALLS_SECONDS:
            self._stalls_told = now
            # What this sweep saw must be known before.
            await self._ledger.flush()
            await self._looker.tell_stalls(self._wanted(), now)

    async def _forget_unwatched(self, reading: Reading) -> None:
        gone = [
            each
            for each in self._ledger.jobs.values()
            if each.unfinished and each.identity not in reading.seen and not self._selects(each.name)
        ]
        for each in gone:
            await self._ledger.write(Observed(each, forget=True))

    def _completed(self, reading: Reading) -> ScopeState:
        state, started = self._ledger.state, reading.started
        return ScopeState(
            baseline_at=state.baseline_at if state.baseline_at is not None else started,
            complete_at=started,
            full_at=started if reading.full else state.full_at,
        )

    def _known_rows(self, reading: Reading) -> "array[float]":
        rows = array("d", sorted(reading.created))
        if reading.full or self._rows is None:
            return rows
        return self._rows[: bisect_left(self._rows, reading.down_to)] + rows

    def _wanted(self) -> list[Remembered]:
        return [each for each in self._ledger.unfinished.values() if self._selects(each.name)]
