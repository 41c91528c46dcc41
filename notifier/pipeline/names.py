"""One sweep of the preview dialect, which has no List: every name that the settings give is described."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from notifier.detection.judgement import Sight, Verdict, gone, missing
from notifier.errors import CallFailed, JobMissing
from notifier.model import Remembered, ScopeState, Status, TuningJob
from notifier.pipeline.ledger import Ledger
from notifier.pipeline.look import Looker
from notifier.ports import Observed, Routed

ENDED_INTERVAL = 600.0
"""Seconds between two looks at a name whose job has ended: it may be used again."""


class NameSweep:
    """Describes each name each interval until its job ended, then every ten minutes.

    It is always `busy` and never `near`, by its own rule.
    """

    busy, near = True, False

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
        due = [name for name in self._names if _due(newest.get(name.lower()), started)]
        self._looker.tally.planned = len(due)
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
        answer = await self._looker.ask(name, memory)
        if isinstance(answer, CallFailed):
            return
        # The first answer to a name is its baseline; what takes the name of a job that was known is news.
        sight = Sight(self._looker.clock(), silent=memory is None)
        if isinstance(answer, JobMissing):
            if memory is not None:
                await self._missing(memory, record, sight)
            return
        if memory is not None and answer.identity.created < memory.identity.created:
            return  # Stale: it speaks of an earlier job of the name.
        if memory is not None and memory.status != Status.DELETING and answer.identity == memory.identity:
            memory = await self._looker.sighted(memory)
        elif memory is not None:
            # Another job; or the one that was gone is back: what was told of it before has ids that are known.
            if memory.unfinished and record is not None:
                await self._bury(gone(memory, record, sight), sight)
            memory = record = None
        await self._looker.judge(memory, record, answer, None, sight)

    async def _missing(self, memory: Remembered, record: TuningJob | None, sight: Sight) -> None:
        if not memory.unfinished:
            await self._ledger.write(Observed(replace(memory, looked_at=sight.epoch)))
            return
        verdict = missing(memory, record, sight)
        if verdict is None or verdict.events:
            await self._bury(verdict or Verdict(memory), sight)
        else:
            await self._looker.write(verdict)

    async def _bury(self, verdict: Verdict, sight: Sight) -> None:
        """Remember that a job is gone: what takes its name is news, also for a process that did not see it go."""
        if verdict.remembered is not None:
            kept = replace(verdict.remembered, status=Status.DELETING, missing_since=None, looked_at=sight.epoch)
            await self._looker.write(replace(verdict, remembered=kept))

    def _newest(self) -> dict[str, Remembered]:
        newest: dict[str, Remembered] = {}
        for each in sorted(self._ledger.jobs.values(), key=lambda each: each.identity.created):
            newest[each.identity.name] = each
        return newest


def _due(memory: Remembered | None, now: float) -> bool:
    if memory is None or memory.unfinished:
        return True
    return not 0 <= now - memory.looked_at < ENDED_INTERVAL
