"""Housekeeping: what is settled and old is let go."""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from notifier.errors import StoreUnavailable
from notifier.settings import Settings
from notifier.store import Store

log = structlog.get_logger()

TIDY_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Tidying:
    """Housekeeping: what is settled and old is let go, an hour apart, in small bites."""

    store: Store
    settings: Settings

    async def run(self, stop: asyncio.Event) -> None:
        """Tidy now and every hour until `stop` is set."""
        while not stop.is_set():
            try:
                await self.store.upkeep.tidy(set(self.settings.destinations))
            except StoreUnavailable as error:
                log.warning("the store could not be tidied, will try again", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TIDY_SECONDS):
                    await stop.wait()
