"""The duties of one worker: what it holds the lease of runs here, and stops before anybody else may begin it."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from notifier.errors import LeaseLost, StoreUnavailable
from notifier.leasing import split_duty
from notifier.model import Lease
from notifier.pipeline.pace import first_of
from notifier.ports import LeaseStore, Standing

log = structlog.get_logger()

RENEWED, TRUSTED = 1 / 3, 2 / 3
"""Parts of a lease: how soon it is renewed at the latest, and how long it is trusted without."""

LOOK_SECONDS = 2.0
"""How soon what another worker handed over is taken at the latest."""

FEW = 10
"""Of so many duties that are taken over together each has a line in the log; more have one for all."""

FAILED_SECONDS = 10.0
"""How long a duty rests whose work failed in a way that nobody foresaw."""


class Work(Protocol):
    """What a duty is: it goes on until it is stopped, and then finishes what is under way."""

    async def run(self, stop: asyncio.Event) -> None: ...


@dataclass(slots=True)
class _Duty:
    """One duty under way. `trust` cuts its work off where the lease could not be renewed in time."""

    lease: Lease
    trust: asyncio.Timeout
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None
    working: bool = True
    lost: bool = False

    async def do(self, work: Callable[[Lease], Work]) -> None:
        """Do it until it is stopped, or its lease not trusted any more (TimeoutError)."""
        try:
            async with self.trust:
                await work(self.lease).run(self.stop)
        finally:
            self.working = False

    def renew(self, moment: float | None) -> None:
        """Trust the lease until this moment of the loop's clock. Work that was cut off stays so."""
        if self.working and not self.trust.expired():
            self.trust.reschedule(moment)

    def lose(self) -> None:
        """The lease is gone: whatever is under way can change nothing any more."""
        if not self.lost and self.task is not None:
            if self.working:
                log.warning("another worker took over", duty=self.lease.duty)
            self.task.cancel()
        self.lost = True


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
        self._ended: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._silent = False

    async def run(self, stop: asyncio.Event) -> None:
        """Do this worker's share until `stop` is set; then let all of it finish, and hand the leases over at once.

        They are renewed until the last of it is finished. The work is told at once, also where the store hangs.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(stop), name="pass the stop on")
                while self._under_way or not stop.is_set():
                    self._wake.clear()
                    await self._rest(await self._beat(tasks, stop))
        finally:
            with suppress(StoreUnavailable):
                await self._store.leave(self._worker)

    async def _pass_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        for each in self._under_way.values():
            each.stop.set()
        self._wake.set()

    async def _beat(self, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> float:
        """Renew, take and give up; how long to rest then, in seconds."""
        asked = asyncio.get_running_loop().time()
        # Whoever ends wants nothing more, and others need not leave anything to it.
        wanted = () if stop.is_set() else self._works.keys()
        try:
            standing = await self._store.beat(self._worker, wanted, self._seconds)
            self._renew(standing, asked)
            await self._begin(standing, asked, tasks, stop)
        except StoreUnavailable as error:
            if not self._silent:
                log.warning("leases could not be renewed, will try again", error=str(error))
            self._silent = True
        except Exception:
            # A fault of our own: what goes on may do so as long as its lease is trusted, and the next beat tries again.
            if not self._silent:
                log.exception("leases could not be renewed, will try again")
            self._silent = True
        else:
            if self._silent:
                log.info("leases are renewed again")
            self._silent = False
        return self._pause()

    def _renew(self, standing: Standing, asked: float) -> None:
        held = {lease.duty: lease for lease in standing.held}
        for name, each in self._under_way.items():
            if held.get(name) != each.lease:
                each.lose()
                continue
            if name in standing.surplus:
                each.stop.set()
            each.renew(self._trusted_until(asked))

    async def _begin(self, standing: Standing, asked: float, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Begin what is held and not under way; give back what is not to be begun."""
        trusted_until = self._trusted_until(asked)
        idle: list[Lease] = []
        begun: list[str] = []
        for lease in standing.held:
            if lease.duty in self._under_way:
                continue
            # Under a token that has ended nothing begins again: what is left of its work must not pass the fence.
            if stop.is_set() or lease.duty in standing.surplus or self._ended.get(lease.duty) == lease.token:
                idle.append(lease)
            else:
                self._take_over(lease, trusted_until, tasks)
                begun.append(lease.duty)
                # A thousand that begin in the same moment would keep everything else waiting, in each of their steps.
                await asyncio.sleep(0)
        _tell_begun(begun, standing.workers)
        for lease in idle:
            await self._store.release(lease)
        if idle and not stop.is_set():
            self._wake.set()

    def _take_over(self, lease: Lease, trusted_until: float | None, tasks: asyncio.TaskGroup) -> None:
        duty = self._under_way[lease.duty] = _Duty(lease, asyncio.timeout_at(trusted_until))
        duty.task = tasks.create_task(self._do(duty), name=lease.duty)
        duty.task.add_done_callback(partial(self._over, duty))

    async def _do(self, duty: _Duty) -> None:
        name = duty.lease.duty
        try:
            await duty.do(self._works[name])
        except Exception as error:
            if duty.trust.expired():
                log.warning("a lease could not be renewed in time; what it was for is left to others", duty=name)
            elif not _only(LeaseLost, error):
                # It must end neither the service nor, at every beat, in the log.
                log.exception("a duty failed unexpectedly, will try again", duty=name)
                await first_of([duty.stop.wait(), asyncio.sleep(FAILED_SECONDS)])
            elif not duty.lost:
                log.warning("another worker took over", duty=name)
                duty.lost = True
        await self._give_back(duty.lease)

    async def _give_back(self, lease: Lease) -> None:
        """Release it; where that fails, the next beat finds the lease idle, and gives it back."""
        try:
            await self._store.release(lease)
        except StoreUnavailable as error:
            log.debug("a lease could not be given back yet", duty=lease.duty, error=str(error))
        except Exception:
            log.exception("a lease could not be given back yet", duty=lease.duty)

    def _over(self, duty: _Duty, _: object) -> None:
        self._ended[duty.lease.duty] = duty.lease.token
        del self._under_way[duty.lease.duty]
        if duty.stop.is_set():
            if not self._under_way:
                self._wake.set()
        elif math.isinf(self._seconds):
            # Whoever shares with nobody looks at nothing, unless there is something to begin anew.
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._wake.set)

    def _trusted_until(self, asked: float) -> float | None:
        return asked + self._seconds * TRUSTED if math.isfinite(self._seconds) else None

    def _pause(self) -> float:
        if self._silent or math.isfinite(self._seconds):
            return min(self._seconds * RENEWED, LOOK_SECONDS)
        return math.inf

    async def _rest(self, seconds: float) -> None:
        waits: list[Awaitable[object]] = [self._wake.wait()]
        if math.isfinite(seconds):
            waits.append(asyncio.sleep(seconds))
        await first_of(waits)


def _tell_begun(duties: Sequence[str], workers: int) -> None:
    if len(duties) > FEW:
        kinds = Counter(split_duty(each)[0] for each in duties)
        log.info("taking over", duties=len(duties), **kinds, workers=workers)
        return
    for each in duties:
        log.info("taking over", duty=each, workers=workers)


def _only(kind: type[Exception], error: BaseException) -> bool:
    """Whether nothing else is in it, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return all(_only(kind, each) for each in error.exceptions)
    return isinstance(error, kind)
