"""Opening the store when it answers: a server of databases may come up later than we do."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import structlog

from notifier.app.board import queues
from notifier.errors import StoreUnavailable
from notifier.settings import Settings
from notifier.store import Store, open_store
from notifier.web import Queue

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between two attempts, doubling from the first to the longest."""


@dataclass(slots=True)
class Opening:
    """The store, once it is open; until then the pages say what keeps it."""

    settings: Settings
    store: Store | None = None
    trouble: str = "the database is not open yet"

    async def attempt(self, stack: AsyncExitStack) -> bool:
        """Open it, to be closed by the stack; whether it answered. Raises StoreUnusable where it never will."""
        try:
            opening = open_store(self.settings.database_url.get_secret_value(), exclusive=True)
            self.store = await stack.enter_async_context(opening)
        except StoreUnavailable as error:
            if str(error) != self.trouble:
                log.warning("the database cannot be used yet, will try again", error=str(error))
            self.trouble = str(error)
        return self.store is not None

    async def persist(self, stack: AsyncExitStack, stop: asyncio.Event) -> Store | None:
        """Open it, however long that takes; None where `stop` came first."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            if self.store is not None or await self.attempt(stack):
                return self.store
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            pause = min(2 * pause, LONGEST_PAUSE)
        return None

    async def probe(self) -> None:
        """Prove that the store takes writes, or raise StoreUnavailable."""
        await self._open().upkeep.probe()

    async def queues(self) -> list[Queue]:
        """What each destination is owed."""
        return await queues(self._open(), self.settings)

    def _open(self) -> Store:
        if self.store is None:
            raise StoreUnavailable(self.trouble)
        return self.store
