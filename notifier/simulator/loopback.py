"""Serving an aiohttp application on this machine for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from notifier.errors import AddressUnusable


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, `http://host:port`. Port 0 takes a free one.

    Raises AddressUnusable, which is a fault of the command line's `--port`.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            instead = "choose another port, or 0 for any free one"
            raise AddressUnusable("--port", host, port, error, instead=instead) from None
        bound = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        await runner.cleanup()
