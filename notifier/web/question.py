"""A question to the store that whoever asked may stop waiting for, although it cannot be taken back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asked once at a time: those who ask while it is under way share its answer.

    A transaction of the store comes to its end whoever is cancelled, so a timeout around it would wait as long as it.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[T] | None = None

    async def answer(self, within: float) -> T:
        """The answer, or what asking raises; TimeoutError after `within` seconds without one."""
        asking = self._under_way()
        await asyncio.wait({asking}, timeout=within)
        if not asking.done():
            raise TimeoutError
        return asking.result()

    async def close(self) -> None:
        """Ask no more. Returns when the store is no longer being asked, so that it can be closed."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _under_way(self) -> asyncio.Task[T]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked(), name="question to the store")
            self._asking.add_done_callback(_heard)
        return self._asking

    async def _asked(self) -> T:
        return await self._ask()


def _heard(asking: "asyncio.Task[T]") -> None:
    """A failure that comes after everybody stopped waiting is nobody's any more."""
    if not asking.cancelled():
        asking.exception()
