"""One sweep of the preview dialect, which has no List: every name that the settings give is described."""

import asyncio
from collections.abc import Callable, Sequence

from notifier.detection.judgement import Sight, gone
from notifier.errors import CallFailed, JobMissing
from notifier.model import Remembered, ScopeState, TuningJob
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker
from notifier.ports import Routed

ENDED_INTERVAL = 600.0
"""Seconds between two looks at a name whose job has ended: it may be used again."""


class NameSweep:
    """Describes each name each interval until its job ended, then every ten minutes."""

    def __init__(self, ledger: Ledger, looker: Looker, names: Sequence[str]) -> None:
        self._ledger = ledger
        self._looker = looker
        self._names = names

    async def sweep(self, announce: Callable[[ScopeState], Sequence[Routed]]) -> None:
        """Look at every name whose turn it is, commit, and complete the sweep.

        Raises CallFailed where no name could be asked for, and StoreUnavailable, in groups.
        """
        started = self._looker.clock().timestamp()
        newest = self._newest()
        due = [name for name in self._names if self._due(newest.get(name.lower()), started)]
        async with self._ledger.batching():
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
            if memory is not None and memory.unfinished:
                await self._looker.missing(memory, record)
            return
        sight = Sight(self._looker.clock(), silent=memory is None)
        if memory is not None and answer.identity != memory.identity:
            if memory.unfinished and record is not None:
                await self._looker.forget(gone(memory, record, sight))
            memory = record = None
        await self._looker.judge(memory, record, answer, None, sight)

    def _newest(self) -> dict[str, Remembered]:
        newest: dict[str, Remembered] = {}
        for each in sorted(self._ledger.jobs.values(), key=lambda each: each.identity.created):
            newest[each.identity.name] = each
        return newest

    @staticmethod
    def _due(memory: Remembered | None, now: float) -> bool:
        return memory is None or memory.unfinished or not 0 <= now - memory.looked_at < ENDED_INTERVAL
