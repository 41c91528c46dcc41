"""A receiver that answers as it is told: a real server on loopback, and a raw one for what no server would do."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SECRET_PATH = "/services/T0123456/B0123456/sEcReTtOkEn"


@dataclass
class Received:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What to answer, in turn (the last for ever), and what came in."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(200, {}, b"ok")])
    received: list[Received] = field(default_factory=list)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer all that follows so; `Retry_After` becomes `Retry-After`."""
        self.answers = [(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.method, request.path, headers, await request.read()))
        status, told, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=told, body=body)


@asynccontextmanager
async def receiving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None,
) -> AsyncIterator[Receiver]:
    """A receiver that runs inside the block; `handler` instead of the answers."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler or receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}{SECRET_PATH}"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The address of a server that speaks as `talk` does, byte by byte."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}{SECRET_PATH}"
    finally:
        server.close()


async def request_read(reader: asyncio.StreamReader) -> None:
    """Read a whole request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length"))
    await reader.readexactly(length)
