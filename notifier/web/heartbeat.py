"""A sign of life to a watcher outside: nothing on a box can report its own death."""

import time
from collections.abc import Callable

import aiohttp
import structlog

EVERY_SECONDS = 30.0
DEADLINE = aiohttp.ClientTimeout(total=10.0)

log = structlog.get_logger(__name__)


class Heartbeat:
    """Pings NOTIFIER_HEARTBEAT_URL, which is a secret. A failure is told once, and never stops anything."""

    def __init__(self, http: aiohttp.ClientSession, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._next_at = -float("inf")
        self._failing = False

    async def ping(self) -> bool:
        """A sweep is fresh: say so, at most once in 30 s. Whether the watcher has heard it now; never raises."""
        now = self._clock()
        if now < self._next_at:
            return False
        self._next_at = now + EVERY_SECONDS
        trouble = await self._trouble()
        if trouble and not self._failing:
            log.warning("the heartbeat did not arrive", error=trouble, setting="NOTIFIER_HEARTBEAT_URL")
        elif self._failing and not trouble:
            log.info("the heartbeat arrives again")
        self._failing = trouble is not None
        return trouble is None

    async def _trouble(self) -> str | None:
        try:
            # A redirect may lead to a page that says 200 to everything: only the address itself counts.
            async with self._http.get(self._url, timeout=DEADLINE, allow_redirects=False) as answer:
                return None if answer.ok and answer.status < 300 else f"the address answers {answer.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The URL is the credential, and aiohttp's texts carry it.
            return type(error).__name__
