"""The composition root: the only place that knows every part. Start, run and stop on one screen."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol

import structlog

from notifier import __version__
from notifier.app.board import Board, queues
from notifier.app.opening import Opening
from notifier.app.parts import (
    Parts,
    destinations,
    make_duties,
    open_queue,
    open_session,
    open_sources,
    watched_regions,
)
from notifier.app.signals import stopping
from notifier.app.tidying import Tidying
from notifier.delivery import open_http
from notifier.settings import Settings
from notifier.store import Store
from notifier.store.disk import fleeting
from notifier.web import Health, Heartbeat, Metrics, make_app, serve

__all__ = [
    "Board",
    "destinations",
    "keep_running",
    "open_queue",
    "open_session",
    "open_sources",
    "queues",
    "run",
    "start",
    "watched_regions",
]

log = structlog.get_logger()


class Loop(Protocol):
    """What the service runs until it is stopped."""

    async def run(self, stop: asyncio.Event) -> None: ...


async def run(settings: Settings) -> int:
    """Run the service until SIGTERM or SIGINT; the exit status. Raises NotifierError where it cannot start."""
    stop = asyncio.Event()
    with stopping(stop) as forced:
        try:
            async with AsyncExitStack() as stack:
                loops = await start(settings, stack, stop)
                if loops:
                    log.info("started", version=__version__, destinations=sorted(settings.destinations))
                    await keep_running(loops, stop, settings.grace)
        except asyncio.CancelledError:
            if not forced:
                raise
            log.warning("stopped by force; what was under way will be taken up at the next start")
            return 128 + forced[0]
    log.info("stopped")
    return 0


async def start(settings: Settings, stack: AsyncExitStack, stop: asyncio.Event) -> list[Loop]:
    """Open everything, in the order in which things can fail, and return the loops that make up the service.

    A store that does not answer yet is waited for, with the pages up: none are returned where `stop` comes first.
    """
    for each in settings.lookalikes:
        log.warning("a variable's name is nearly a setting's", variable=each.variable, advice=each.message)
    health, metrics = Health(), Metrics(__version__)
    session, board, opening = open_session(settings), Board(health, metrics), Opening(settings)
    opening_sources, opening_queue = open_sources(settings, metrics, session), open_queue(settings, session, metrics)
    await opening.attempt(stack)
    if settings.http is not None:
        app = make_app(health, metrics, opening.queues, opening.probe)
        port = await stack.enter_async_context(serve(app, settings.http.host, settings.http.port))
        log.info("answering", host=settings.http.host, port=port, paths="/healthz /readyz /metrics")
    store = await opening.persist(stack, stop)
    if store is None:
        return []
    _warn_of_fleeting_disk(store)
    http = await stack.enter_async_context(open_http())
    if settings.heartbeat_url is not None:
        board.heartbeat = Heartbeat(http, settings.heartbeat_url.get_secret_value())
    parts = Parts(settings, store, board)
    works = parts.deliveries(destinations(settings, http))
    sources = [await stack.enter_async_context(each) for each in opening_sources]
    works |= parts.watches(sources)
    if opening_queue is not None:
        works |= parts.hearing(await stack.enter_async_context(opening_queue), sources)
    loops: list[Loop] = [make_duties(settings, store, works), Tidying(store, settings), board]
    # What another worker hears, or owes since, wakes nobody here by itself.
    return [*loops, parts.bells] if opening_queue is not None and store.shared else loops


async def keep_running(loops: Sequence[Loop], stop: asyncio.Event, grace: float) -> None:
    """Run the loops until `stop`; give what is under way `grace` seconds to finish, and cut the rest off."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(loop.run(stop), name=type(loop).__name__) for loop in loops]
        await stop.wait()
        log.info("stopping", grace_seconds=grace)
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            log.warning("some work did not finish within the grace; it will be taken up at the next start")


def _warn_of_fleeting_disk(store: Store) -> None:
    lies_on = fleeting(store.file) if store.file else None
    if lies_on:
        log.warning(
            "the database will be lost with what it lies on, and with it what is owed; put it on a volume",
            lies_on=lies_on,
            file=str(store.file),
            setting="NOTIFIER_DATABASE_URL",
        )
