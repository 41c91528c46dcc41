"""Hears the queue: hints are written down, and only then their messages deleted. It looks at no job itself."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

import structlog

from notifier.errors import CallFailed, StoreUnavailable
from notifier.model import Hint, Place
from notifier.pipeline.pace import unless
from notifier.ports import Heard, HintQueue, HintStore

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts while the queue or the store is in trouble, doubling from the first to the longest."""

GIVEN_UP_AFTER = 10
"""A message that cannot be read and comes more often is not taken by any redrive policy: it is deleted then."""

TOLD_OF = 1000
"""Of so many unreadable messages it is remembered that they were told of."""


class Listener(Protocol):
    """Who is told how the hearing goes."""

    def heard(self, queue: str) -> None:
        """The queue answered, and what it said is written down."""
        ...

    def deaf(self, queue: str, why: str) -> None:
        """The queue cannot be heard, or what it says not be kept. The text holds no secret."""
        ...


class Hearing:
    """Hears one queue until it is stopped.

    `wanted` says of which hints anybody here would want to know; `ring` is told where there are new ones.
    """

    def __init__(
        self,
        queue: HintQueue,
        store: HintStore,
        *,
        wanted: Callable[[Hint], bool],
        ring: Callable[[set[Place]], None],
        listener: Listener,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._queue = queue
        self._store = store
        self._wanted = wanted
        self._ring = ring
        self._listener = listener
        self._ticks = ticks
        self._trouble: str | None = None
        self._pause = 0.0
        self._store_failed = False
        self._told_of: dict[str, None] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Hear until `stop` is set. What was received and not deleted by then comes again, to whoever hears next."""
        while not stop.is_set():
            await unless(stop, self.turn())

    async def turn(self) -> None:
        """Hear once; then rest where something is amiss."""
        began = self._ticks()
        try:
            heard = await self._hear()
        except (CallFailed, StoreUnavailable) as error:
            self._failed(error)
            await asyncio.sleep(self._pause)
            return
        self._well()
        if not heard and self._ticks() - began < FIRST_PAUSE:
            # Nothing, and that at once: whatever answers there keeps no question open.
            await asyncio.sleep(FIRST_PAUSE)

    async def _hear(self) -> Sequence[Heard]:
        if self._store_failed:
            # Received in vain too often, good messages would be set aside with the bad ones.
            await self._store.note(())
            self._store_failed = False
        messages = await self._queue.receive()
        hints = [each.hint for each in messages if each.hint is not None and self._wanted(each.hint)]
        if hints:
            await self._store.note(hints)
            self._ring({Place(hint.region, hint.account_id) for hint in hints})
        done = [each.receipt for each in messages if each.wrong is None or self._given_up(each)]
        if done and (left := await self._queue.delete(done)):
            log.debug("messages could not be deleted, and will come again", queue=self._queue.name, messages=left)
        return messages

    def _given_up(self, message: Heard) -> bool:
        """Whether a message that cannot be read must be deleted, for no redrive policy takes it; told of once."""
        lost = message.times > GIVEN_UP_AFTER
        if lost or message.id not in self._told_of:
            self._told_of[message.id] = None
            if len(self._told_of) > TOLD_OF:
                del self._told_of[next(iter(self._told_of))]
            log.warning(
                "a message cannot be read and is deleted, for the queue has no redrive policy that takes it"
                if lost
                else "a message cannot be read; it is left to the queue's redrive policy",
                queue=self._queue.name,
                message=message.id,
                error=message.wrong,
            )
        return lost

    def _failed(self, error: CallFailed | StoreUnavailable) -> None:
        """Say a trouble once in the log, not at every attempt."""
        text = str(error)
        self._store_failed = isinstance(error, StoreUnavailable)
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        if text != self._trouble:
            log.warning("the queue cannot be heard, will try again", queue=self._queue.name, error=text)
            self._trouble = text
        self._listener.deaf(self._queue.name, text)

    def _well(self) -> None:
        if self._trouble is not None:
            log.info("the queue is heard again", queue=self._queue.name)
        self._trouble, self._pause = None, 0.0
        self._listener.heard(self._queue.name)
