"""Messages on a terminal or in a log: what is told when no other destination is set."""

import asyncio
import os
import select
import sys
from typing import Literal, TextIO

import aiohttp

from notifier.delivery.settings import PeopleSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from notifier.rendering import tell
from notifier.rendering.console import lines

PATIENCE = 15.0
"""Seconds that a reader may be slow."""
_CHUNK = 4096
"""A pipe that says it is ready takes so many bytes at once (PIPE_BUF)."""
_AGAIN = 0.05


class ConsoleSettings(PeopleSettings):
    """The console has no settings of its own."""

    kind: Literal["console"] = "console"


class Console:
    """A text stream, standard output unless another is given."""

    def __init__(
        self,
        name: str,
        settings: ConsoleSettings,
        http: aiohttp.ClientSession | None = None,
        *,
        stream: TextIO | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._stream, self._patience = stream or sys.stdout, patience
        self._turn = asyncio.Lock()
        self.policy = settings.policy(name, "console")

    async def send(self, batch: Batch) -> None:
        """Write one message; raises DeliveryError where the stream is closed, or its reader does not read."""
        text = "\n".join([*lines(tell(batch)), ""])
        try:
            # One after the other: a long message goes in parts, and another must not come between them.
            async with asyncio.timeout(self._patience), self._turn:
                await self._write(text)
        except TimeoutError:
            # Some of it may stand there already.
            raise DeliveryError("nobody reads the output", Fault.DESTINATION, ambiguous=True) from None
        except (OSError, ValueError) as error:
            # ValueError is what a closed stream raises.
            raise DeliveryError(f"the output is closed ({type(error).__name__})", Fault.DESTINATION) from None

    async def probe(self) -> str:
        """Whether the stream is open."""
        if self._stream.closed:
            raise DeliveryError("the output is closed", Fault.DESTINATION)
        return "written to the terminal" if self._stream.isatty() else "written to the output"

    async def _write(self, text: str) -> None:
        data = text.encode(self._stream.encoding or "utf-8", "replace")
        descriptor = self._descriptor()
        if descriptor is None:
            self._stream.write(text)
            self._stream.flush()
            return
        # Past the stream's buffer: what a broken pipe refused must not come back when the process ends.
        self._stream.flush()
        while data:
            await _ready(descriptor)
            data = data[os.write(descriptor, data[:_CHUNK]) :]

    def _descriptor(self) -> int | None:
        try:
            return self._stream.fileno()
        except OSError:
            return None


async def _ready(descriptor: int) -> None:
    """Wait until a write would not block: no thread to be left behind, and the loop goes on."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    # A loop, for an event loop cannot watch regular files, and output may be one.
    while not poll.poll(0):  # noqa: ASYNC110
        await asyncio.sleep(_AGAIN)
