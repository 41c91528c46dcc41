"""The duties of one worker: what it holds the lease of runs here, and stops before anybody else may begin it."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.model import Lease
from notifier.pipeline.pace import first_of
from notifier.ports import LeaseStore, Standing

log = structlog.get_logger()

RENEWED, TRUSTED = 1 / 3, 2 / 3
"""Parts of a lease: how soon it is renewed at the latest, and how long it is trusted without."""

LOOK_SECONDS = 2.0
"""How soon what another worker handed over is taken at the latest."""


class Work(Protocol):
    """What a duty is: it goes on until it is stopped, and then finishes what is under way."""

    async def run(self, stop: asyncio.Event) -> None: ...


@dataclass(slots=True)
class _Duty:
    """One duty under way. `trust` ends it where its lease could not be renewed in time."""

    lease: Lease
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    trust: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    task: "asyncio.Task[None] | None" = None


class Duties:
    """Holds this worker's share of all duties, and does them.

    `works` gives for each duty what makes its work, under the lease it is handed. `seconds` is how long a lease lasts;
    infinite where there is nobody to share with.
    """

    def __init__(
        self, store: LeaseStore, works: Mapping[str, Callable[[Lease], Work]], *, worker: str, seconds: float
    ) -> None:
        self._store = store
        self._works = works
        self._worker = worker
        self._seconds = seconds
        self._under_way: dict[str, _Duty] = {}
        self._silent = False

    async def run(self, stop: asyncio.Event) -> None:
        """Do this worker's share until `stop` is set; then let all of it finish, and hand the leases over at once."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while not stop.is_set():
                    await self._rest(await self._beat(tasks), stop)
                for each in self._under_way.values():
                    each.stop.set()
        finally:
            with suppress(StoreUnavailable):
                await self._store.leave(self._worker)

    async def _beat(self, tasks: asyncio.TaskGroup) -> float:
        """Renew, take and give up; how long to rest then, in seconds."""
        asked = asyncio.get_running_loop().time()
        try:
            standing = await self._store.beat(self._worker, self._works.keys(), self._seconds)
        except StoreUnavailable as error:
            if not self._silent:
                log.warning("leases could not be renewed, will try again", error=str(error))
            self._silent = True
            return self._pause()
        self._silent = False
        self._renewed(standing, asked + self._seconds * TRUSTED)
        self._begin(standing, asked + self._seconds * TRUSTED, tasks)
        return self._pause()

    def _renewed(self, standing: Standing, trusted_until: float) -> None:
        held = {lease.duty: lease for lease in standing.held}
        for name, each in self._under_way.items():
            if held.get(name) != each.lease:
                # Another's now, or ours anew: whatever is under way is under a lease that is gone.
                each.task and each.task.cancel()
                continue
            if name in standing.surplus:
                each.stop.set()
            if not each.trust.expired():
                each.trust.reschedule(trusted_until)

    def _begin(self, standing: Standing, trusted_until: float, tasks: asyncio.TaskGroup) -> None:
        for lease in standing.held:
            if lease.duty in self._under_way or lease.duty in standing.surplus or lease.duty not in self._works:
                continue
            duty = _Duty(lease, trust=asyncio.timeout_at(trusted_until if math.isfinite(trusted_until) else None))
            self._under_way[lease.duty] = duty
            duty.task = tasks.create_task(self._do(duty), name=lease.duty)
            log.info("taking over", duty=lease.duty, workers=standing.workers)

    async def _do(self, duty: _Duty) -> None:
        name = duty.lease.duty
        try:
            async with duty.trust:
                await self._works[name](duty.lease).run(duty.stop)
        except* TimeoutError:
            if not duty.trust.expired():
                raise
            log.warning("a lease could not be renewed in time; what it was for is left to others", duty=name)
        except* LeaseLost:
            log.warning("another worker took over", duty=name)
        finally:
            self._under_way.pop(name, None)
        with suppress(StoreUnavailable):
            await self._store.release(duty.lease)

    def _pause(self) -> float:
        if self._silent or math.isfinite(self._seconds):
            return min(self._seconds * RENEWED, LOOK_SECONDS)
        return math.inf

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        waits: list[Awaitable[object]] = [stop.wait()]
        if math.isfinite(seconds):
            waits.append(asyncio.sleep(seconds))
        await first_of(waits)
