"""A TCP proxy on loopback whose connections a test can cut, stall, delay, or stop at a word that is said on them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65536
TAIL = 200
"""So many bytes of what was said last are kept, for a word that comes in two pieces."""


@dataclass(eq=False)
class Line:
    """One connection through the proxy: the caller's half, and the server's."""

    caller: asyncio.StreamWriter
    server: asyncio.StreamWriter
    said: bytes = b""
    """The last that the caller said."""
    marked: bool = False
    """Whether it has said the first word of an ambush, and not ended its transaction since."""
    answered: int = 0
    """Bytes of the server's that were passed on."""
    deaf: bool = False
    """Whether the server's answers are lost on the way."""
    silent: bool = False
    """Whether nothing is passed on any more, though both ends believe that they are connected."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """The server has answered something that was lost."""

    def cut(self) -> None:
        """Reset it at both ends at once."""
        for half in (self.caller, self.server):
            sock = half.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            half.transport.abort()


Strike = Callable[[Line, bytes], Awaitable[None]]
"""What is done to a line instead of passing this piece on."""


@dataclass
class Ambush:
    """Lies in wait for a caller that says `mark` and then, it may be in the same breath, `word`. It strikes once."""

    mark: bytes
    word: bytes
    strike: Strike
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def springs(self, line: Line, piece: bytes) -> bool:
        """Whether this is the moment."""
        heard = line.said[-TAIL:] + piece
        if self.mark in heard:
            line.marked = True
            heard = heard[heard.index(self.mark) :]
        springs = line.marked and self.word in heard and not self.struck.is_set()
        if b"COMMIT" in piece or b"ROLLBACK" in piece:
            line.marked = False
        return springs


@dataclass
class Proxy:
    """Stands before one server. What it does to connections is said by its fields, at any time."""

    host: str
    to: int
    port: int = 0
    lines: set[Line] = field(default_factory=set)
    refuses: bool = False
    """Whether new connections are reset at once."""
    delay: float = 0.0
    """Seconds by which every piece of an answer is late."""
    cut_after: int | None = None
    """Cut each connection after so many bytes of answers."""
    ambush: Ambush | None = None
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set nothing passes, in either direction, and nobody is told."""

    def before(self, url: str) -> str:
        """The same URL, with this proxy as the server."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login[0]}{login[1]}127.0.0.1:{self.port}"))

    def cut(self) -> None:
        """Reset every connection there is."""
        for line in [*self.lines]:
            line.cut()

    def forget(self) -> None:
        """Every connection there is goes nowhere from now on, as after a router lost its tables; new ones work."""
        for line in self.lines:
            line.silent = True

    def wait_for(self, mark: bytes, word: bytes, strike: Strike) -> asyncio.Event:
        """Lie in wait; what is set when it has struck."""
        self.ambush = Ambush(mark, word, strike)
        return self.ambush.struck

    async def take(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        if self.refuses:
            caller.transport.abort()
            return
        try:
            answers, server = await asyncio.open_connection(self.host, self.to)
        except OSError:
            caller.transport.abort()
            return
        line = Line(caller, server)
        self.lines.add(line)
        ways = [asyncio.ensure_future(way) for way in (self._ask(line, reader), self._answer(line, answers))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.lines.discard(line)
            caller.transport.abort() if line.deaf else caller.close()
            server.close()

    async def _ask(self, line: Line, reader: asyncio.StreamReader) -> None:
        """Pass on what the caller says."""
        while piece := await reader.read(CHUNK):
            await self.flows.wait()
            ambush = self.ambush
            if ambush is not None and ambush.springs(line, piece):
                ambush.struck.set()
                await ambush.strike(line, piece)
            elif not line.silent:
                line.server.write(piece)
                await line.server.drain()
            line.said = (line.said + piece)[-TAIL:]

    async def _answer(self, line: Line, answers: asyncio.StreamReader) -> None:
        """Pass on what the server says."""
        while piece := await answers.read(CHUNK):
            await self.flows.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            if line.deaf or line.silent:
                line.heard.set()
                continue
            left = len(piece) if self.cut_after is None else max(0, self.cut_after - line.answered)
            line.caller.write(piece[:left])
            await line.caller.drain()
            line.answered += min(left, len(piece))
            if left < len(piece):
                # What was passed on must have arrived before the reset takes it back.
                await asyncio.sleep(0.01)
                line.cut()
                return


async def lose_the_question(line: Line, piece: bytes) -> None:
    """The connection breaks before the server hears this."""
    line.cut()


async def lose_the_answer(line: Line, piece: bytes) -> None:
    """The server hears this and does it, and the connection breaks before its answer arrives."""
    line.deaf = True
    line.server.write(piece)
    async with asyncio.timeout(20):
        await line.heard.wait()
    line.cut()


@asynccontextmanager
async def proxying(port: int, host: str = "127.0.0.1") -> AsyncIterator[Proxy]:
    """A proxy before a server on loopback, on a port of its own."""
    proxy = Proxy(host, port)
    proxy.flows.set()
    listening = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        proxy.flows.set()
        proxy.cut()
        # Those who carry a line end with it.
        while proxy.lines:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def before(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before whatever this URL names, and the URL by which it is reached through it."""
    port = urlsplit(url).port
    assert port is not None
    async with proxying(port) as proxy:
        yield proxy, proxy.before(url)
