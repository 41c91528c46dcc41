"""Ctrl-C and SIGTERM as something to wait for."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptions() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set while the block lasts. A second signal acts as it always does."""
    interrupted, loop = asyncio.Event(), asyncio.get_running_loop()
    heard = (signal.SIGINT, signal.SIGTERM)

    def interrupt() -> None:
        interrupted.set()
        for each in heard:
            loop.remove_signal_handler(each)

    for each in heard:
        loop.add_signal_handler(each, interrupt)
    try:
        yield interrupted
    finally:
        for each in heard:
            loop.remove_signal_handler(each)
