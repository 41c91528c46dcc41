"""Serving an aiohttp application on this machine for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from notifier.errors import NotifierError


class PortTaken(NotifierError):
    """The address cannot be listened on."""


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, `http://host:port`. Port 0 takes a free one. Raises PortTaken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another port") from None
        bound = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        await runner.cleanup()
