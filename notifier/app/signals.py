"""SIGTERM and SIGINT: the first asks for a stop, the second forces it."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def stopping(stop: asyncio.Event) -> Iterator[list[int]]:
    """SIGTERM and SIGINT set `stop`; a second one cancels everything at once. Yields the signal that forced."""
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    forced: list[int] = []

    def caught(number: int) -> None:
        if stop.is_set() and main is not None:
            forced.append(number)
            main.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, caught, number)
    try:
        yield forced
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
