"""The pages for machines: `/healthz`, `/readyz`, `/metrics`."""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web

from notifier.errors import NotifierError
from notifier.web.health import Health
from notifier.web.metrics import Metrics
from notifier.web.question import Question
from notifier.web.queues import Queue, QueueSnapshot, StoreProbe

STORE_SECONDS = 3.0
"""How long a page waits for the store: below the 5 s and more that probes and scrapers wait for a page."""
CLOSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class _Pages:
    def __init__(self, health: Health, metrics: Metrics, queues: QueueSnapshot, probe: StoreProbe) -> None:
        self._health = health
        self._metrics = metrics
        self._queues = Question(queues)
        self._probe = Question(probe)

    async def alive(self, request: web.Request) -> web.Response:
        """200 while every loop turns, else 503: a restart may help."""
        stuck = self._health.stuck()
        return _answer(not stuck, {"healthy": not stuck, "reasons": stuck, "loops": _rounded(self._health.beats())})

    async def ready(self, request: web.Request) -> web.Response:
        """200 while the store takes writes and every scope is swept; a held destination is shown, and no reason."""
        store, queues = await asyncio.gather(self._store_trouble(), self._snapshot())
        reasons = ([store] if store else []) + self._health.stale()
        detail = {
            "ready": not reasons,
            "reasons": reasons,
            "sweeps": _rounded(self._health.sweep_ages()),
            "held": {queue.destination: queue.held for queue in queues or () if queue.held is not None},
        }
        return _answer(not reasons, detail)

    async def measures(self, request: web.Request) -> web.Response:
        """What Prometheus reads, whatever the store does."""
        queues = await self._snapshot()
        accept = request.headers.get("Accept", "")
        body, content_type = self._metrics.expose(queues, self._health.poll_ages(), accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def close(self, app: web.Application) -> None:
        """Leave the store alone."""
        await asyncio.gather(self._queues.close(), self._probe.close())

    async def _store_trouble(self) -> str | None:
        try:
            await self._probe.answer(STORE_SECONDS)
        except TimeoutError:
            return f"the store did not answer within {STORE_SECONDS:g} s"
        except NotifierError as error:
            return str(error)
        return None

    async def _snapshot(self) -> Sequence[Queue] | None:
        try:
            return await self._queues.answer(STORE_SECONDS)
        except (TimeoutError, NotifierError) as error:
            log.debug("the outbox could not be counted", error=str(error) or type(error).__name__)
        except Exception:
            # A fault of ours here must not blind whoever looks for faults.
            log.warning("the outbox could not be counted", exc_info=True)
        return None


def make_app(health: Health, metrics: Metrics, queues: QueueSnapshot, probe: StoreProbe) -> web.Application:
    """The pages as an application; `queues` and `probe` are asked whenever a page is."""
    pages = _Pages(health, metrics, queues, probe)
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", pages.alive),
            web.get("/readyz", pages.ready),
            web.get("/metrics", pages.measures),
        ]
    )
    app.on_response_prepare.append(_guard)
    app.on_cleanup.append(pages.close)
    return app


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port, which matters where 0 was asked for. Raises NotifierError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NotifierError(_cannot_listen(host, port, error)) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    where = f"cannot listen on {host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: another program does. Set NOTIFIER_HTTP to another port, or to nothing to turn it off"
    if error.errno == errno.EACCES:
        return f"{where}: not permitted. Set NOTIFIER_HTTP to a port from 1024 on"
    return f"{where}: {error.strerror or type(error).__name__}. Set NOTIFIER_HTTP to an address of this machine"


async def _guard(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    # aiohttp would say its version and Python's.
    response.headers["Server"] = "notifier"


def _answer(well: bool, detail: dict[str, Any]) -> web.Response:
    return web.json_response(detail, status=200 if well else 503)


def _rounded(ages: dict[str, float]) -> dict[str, float]:
    return {name: round(age, 1) for name, age in ages.items()}
