"""What is remembered of a scope, in memory as in the store: observations are written here and committed in batches."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from time import monotonic

from notifier.model import Event, JobIdentity, Remembered, Scope, ScopeState, TuningJob
from notifier.ports import Observed, Routed, WatchStore

BATCH_OBSERVATIONS = 100
BATCH_SECONDS = 1.0
STATE_SECONDS = 60.0


class Ledger:
    """One scope's memory. `jobs` only ever says what the store has committed; `state` may be a minute ahead of it.

    `owed` is called when there is something new to deliver, `told` with each event once it is durable.
    """

    def __init__(
        self, scope: Scope, store: WatchStore, *, owed: Callable[[], None], told: Callable[[Event], None]
    ) -> None:
        self.scope = scope
        self.jobs: dict[JobIdentity, Remembered] = {}
        self.unfinished: dict[JobIdentity, Remembered] = {}
        """Those of `jobs` of which more is expected: few beside thousands, and asked for in every sweep."""
        self.state = self.stored = ScopeState()
        """`stored` is what a restart would begin with."""
        self._store = store
        self._wrote = False
        self._in_doubt = False
        self._doubted: list[Event] = []
        """What was to be told by commits of which nobody knows yet whether they came through."""
        self._owed = owed
        self._told = told
        self._pending: list[Observed] = []
        self._to_tell = asyncio.Event()
        self._asked: set[JobIdentity] = set()
        self._found: dict[JobIdentity, TuningJob] = {}
        self._reading = asyncio.Lock()
        self._flushing = asyncio.Lock()
        self._flushed = monotonic()

    async def load(self) -> None:
        """Read what the store remembers of this scope."""
        self.state = self.stored = await self._store.scope_state(self.scope)
        self.jobs = await self._store.remembered(self.scope)
        self.unfinished = {identity: job for identity, job in self.jobs.items() if job.unfinished}
        self._in_doubt = False

    async def settle(self) -> None:
        """Where a commit failed or was cut off, find out what became of it: it may have come through all the same."""
        if self._in_doubt:
            durable = [each for each in self._doubted if await self._store.known(each.id)]
            await self.load()
            self._owed()
            self._doubted.clear()
            for event in durable:
                self._told(event)

    async def records(self, identities: Sequence[JobIdentity]) -> dict[JobIdentity, TuningJob]:
        """The last known records of these jobs."""
        return await self._store.records(identities) if identities else {}

    async def record(self, identity: JobIdentity) -> TuningJob | None:
        """The last known record of one job. Those asked for while others are being read are read together."""
        self._asked.add(identity)
        async with self._reading:
            # Whoever waited for the lock finds its record among those that the one before it has read.
            if identity in self._asked:
                await asyncio.sleep(0)  # Whoever asks in this very turn of the loop is heard too.
                asked = list(self._asked)
                self._found = await self.records(asked)
                self._asked.difference_update(asked)
            return self._found.get(identity)

    async def write(self, *observed: Observed) -> None:
        """Take observations; they are committed within a second, or with the hundredth. Raises StoreUnavailable.

        Those of one call are committed together. What is to be told waits for no others, but for a commit under way:
        all that come meanwhile share the next one.
        """
        self._pending += observed
        if any(each.events for each in observed):
            self._to_tell.set()
        if len(self._pending) >= BATCH_OBSERVATIONS or monotonic() - self._flushed >= BATCH_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Commit what was written so far: what we now know and what we now owe, together."""
        async with self._flushing:
            self._flushed = monotonic()
            batch, self._pending = self._pending, []
            self._to_tell.clear()
            if not batch:
                return
            self._wrote = True
            events = [each.event for observed in batch for each in observed.events]
            told = [event for event in events if isinstance(event, Event)]
            with self._doubting(told):
                await self._store.commit(self.scope, batch)
            for observed in batch:
                self._take(observed)
            if events:
                self._owed()
            for event in told:
                self._told(event)

    @contextlib.contextmanager
    def _doubting(self, told: Sequence[Event] = ()) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._in_doubt = True
            self._doubted += told
            raise

    def _stored_lately(self, state: ScopeState) -> bool:
        stored, now = self.stored.complete_at, state.complete_at
        lately = stored is not None and now is not None and 0 <= now - stored < STATE_SECONDS
        return lately and state.full_at == self.stored.full_at

    def _take(self, observed: Observed) -> None:
        job = observed.remembered
        self.unfinished.pop(job.identity, None)
        if observed.forget:
            self.jobs.pop(job.identity, None)
            return
        self.jobs[job.identity] = job
        if job.unfinished:
            self.unfinished[job.identity] = job

    async def complete(self, state: ScopeState, announce: Callable[[ScopeState], Sequence[Routed]]) -> None:
        """A sweep is complete: commit its state by itself, after everything it saw, with what there is to announce.

        Of quiet sweeps one a minute is committed: to whoever starts anew, an earlier sweep only means to look further.
        """
        await self.flush()
        notices = announce(state)
        if not notices and not self._wrote and self._stored_lately(state):
            self.state = state
            return
        with self._doubting():
            await self._store.complete(self.scope, state, notices)
        self.state = self.stored = state
        self._wrote = False
        if notices:
            self._owed()

    async def prune(self, ended_before: float) -> int:
        """Forget ended jobs that no sweep can take for news; say how many."""
        forgotten = await self._store.prune(self.scope, ended_before)
        for identity in forgotten:
            self.jobs.pop(identity, None)
        return len(forgotten)

    @contextlib.asynccontextmanager
    async def batching(self, beat: Callable[[], None]) -> AsyncIterator[None]:
        """While this lasts, nothing written waits longer than a second for its commit; what is left over is dropped.

        What was dropped was never known: the next sweep sees it again. `beat` is called each second: a sweep that
        AWS throttles may have nothing to say for many minutes, and yet it goes on.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                ticking = tasks.create_task(self._tick(beat), name=f"commit {self.scope.key}")
                yield
                ticking.cancel()
        finally:
            self._pending.clear()

    async def _tick(self, beat: Callable[[], None]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._to_tell.wait()
            beat()
            await self.flush()
