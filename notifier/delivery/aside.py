"""Blocking work beside the event loop, in threads that may hang for ever without keeping anything from its end."""

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

from notifier.errors import DeliveryError, Fault

Result = TypeVar("Result")


class Aside:
    """Threads of one destination. Each ends with its work; none is waited for when the process ends.

    Not an executor: those join their threads at the interpreter's exit, so that one that hangs would keep the process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.busy = 0
        """How many threads have not come to their end, also those that nobody waits for any more."""

    async def run(self, work: Callable[[], Result]) -> Result:
        """What the work returns or raises; DeliveryError where no thread begins. A cancellation leaves it to itself."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def settle(result: Result | None, error: BaseException | None) -> None:
            self.busy -= 1
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def labour() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            # A loop that is closed waits for nobody.
            if not loop.is_closed():
                _tell(loop, lambda: settle(result, error))

        try:
            Thread(target=labour, name=self._name, daemon=True).start()
        except RuntimeError:
            raise DeliveryError("no thread can be started to send it", Fault.DESTINATION) from None
        self.busy += 1
        return await done


def _tell(loop: asyncio.AbstractEventLoop, settle: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        # Closed in this very moment.
        return
