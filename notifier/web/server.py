"""The pages for machines: `/healthz`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from notifier.errors import AddressUnusable, NotifierError
from notifier.web.health import Health
from notifier.web.metrics import Metrics
from notifier.web.question import Question
from notifier.web.queues import Queue, QueueSnapshot, StoreProbe

STORE_SECONDS = 3.0
"""How long a page waits for the store: below the 5 s and more that probes and scrapers wait for a page."""
CLOSE_SECONDS = 1.0
SERVER = "notifier"
"""What its answers call the server, and what `check` knows a running one by."""
_ASKED = aiohttp.ClientTimeout(total=3.0)

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
        """200 while the store takes writes and an account is swept; what else is held, deaf or not swept is shown."""
        store, queues = await asyncio.gather(self._store_trouble(), self._snapshot())
        reasons = ([store] if store else []) + self._health.blind()
        detail = {
            "ready": not reasons,
            "reasons": reasons,
            "sweeps": _rounded(self._health.sweep_ages()),
            "stale": self._health.stale(),
            "deaf": self._health.unheard(),
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
    """Serve while the block runs; yields the port, which matters where 0 was asked for. Raises AddressUnusable."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise _unusable(host, port, error) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def examine(http: aiohttp.ClientSession, host: str, port: int) -> bool:
    """Whether `serve` would find the address free; False where a running notifier has it. Raises AddressUnusable."""
    try:
        # Bound, but never listened on: nobody can connect to what is closed in a moment.
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        unusable = _unusable(host, port, error)
        if unusable.taken and await _notifier_answers(http, host, port):
            return False
        raise unusable from None
    server.close()
    return True


def _unusable(host: str, port: int, error: OSError) -> AddressUnusable:
    return AddressUnusable("NOTIFIER_HTTP", host, port, error, instead="set another address, or nothing to turn it off")


async def _notifier_answers(http: aiohttp.ClientSession, host: str, port: int) -> bool:
    url = URL.build(scheme="http", host=host, port=port, path="/healthz")
    try:
        async with http.get(url, timeout=_ASKED, allow_redirects=False) as answer:
            return answer.headers.get("Server") == SERVER
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _guard(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    # aiohttp would say its version and Python's.
    response.headers["Server"] = SERVER


def _answer(well: bool, detail: dict[str, Any]) -> web.Response:
    return web.json_response(detail, status=200 if well else 503)


def _rounded(ages: dict[str, float]) -> dict[str, float]:
    return {name: round(age, 1) for name, age in ages.items()}
