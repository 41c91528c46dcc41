"""One sweep of the preview dialect, which has no List: every name that the settings give is described."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from notifier.detection.judgement import Sight, gone
from notifier.errors import CallFailed, JobMissing
from notifier.model import Remembered, ScopeState, TuningJob
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker
from notifier.ports import Observed, Routed

ENDED_INTERVAL = 600.0
"""Seconds between two looks at a name whose job has ended: it may be used again."""


class NameSweep:
    """Describes each name each interval until its job ended, then every ten minutes."""

    def __init__(self, ledger: Ledger, looker: Looker, names: Sequence[str]) -> None:
        self._ledger = ledger
        self._looker = looker
        self._names = names
        self._gone: dict[str, float] = {}
        """Names whose job was told to be deleted, and when they were last looked at: what takes the name is news."""

    async def sweep(self, announce: Callable[[ScopeState], Sequence[Routed]]) -> None:
        """Look at every name whose turn it is, commit, and complete the sweep.

        Raises CallFailed where no name could be asked for, and StoreUnavailable, in groups.
        """
        started = self._looker.clock().timestamp()
        newest = self._newest()
        due = [name for name in self._names if self._due(name, newest.get(name.lower()), started)]
        async with self._ledger.batching(self._looker.alive):
            records = await self._ledger.records([each.identity for each in newest.values()])
            async with asyncio.TaskGroup() as looks:
                for name in due:
                    memory = newest.get(name.lower())
                    record = records.get(memory.identity) if memory else None
                    looks.create_task(self._look(name, memory, record), name=f"look at {name}")
            if due and len(self._looker.tally.failures) == len(due):
                raise self._looker.tally.failures[0]
            await self._looker.tell_late()
            baseline = self._ledger.state.baseline_at
            state = ScopeState(started if baseline is None else baseline, started, started)
            await self._ledger.complete(state, announce)

    async def _look(self, name: str, memory: Remembered | None, record: TuningJob | None) -> None:
        answer = await self._looker.ask(name)
        if isinstance(answer, CallFailed):
            return
        if isinstance(answer, JobMissing):
            await self._missing(name, memory, record)
            return
        # What takes the name of a deleted job is news; the first answer to a name is not.
        sight = Sight(self._looker.clock(), silent=memory is None and self._gone.pop(name.lower(), None) is None)
        if memory is not None and answer.identity == memory.identity:
            memory = await self._looker.sighted(memory)
        elif memory is not None:
            if answer.identity.created < memory.identity.created:
                return  # Stale: it speaks of an earlier job of the name.
            if memory.unfinished and record is not None:
                await self._looker.forget(gone(memory, record, sight))
            memory = record = None
        await self._looker.judge(memory, record, answer, None, sight)

    async def _missing(self, name: str, memory: Remembered | None, record: TuningJob | None) -> None:
        now = self._looker.clock().timestamp()
        if memory is not None and not memory.unfinished:
            await self._ledger.write(Observed(replace(memory, looked_at=now)))
        elif (memory is not None and await self._looker.missing(memory, record)) or name.lower() in self._gone:
            self._gone[name.lower()] = now

    def _newest(self) -> dict[str, Remembered]:
        newest: dict[str, Remembered] = {}
        for each in sorted(self._ledger.jobs.values(), key=lambda each: each.identity.created):
            newest[each.identity.name] = each
        return newest

    def _due(self, name: str, memory: Remembered | None, now: float) -> bool:
        if memory is not None and memory.unfinished:
            return True
        looked_at = memory.looked_at if memory is not None else self._gone.get(name.lower())
        return looked_at is None or not 0 <= now - looked_at < ENDED_INTERVAL
