"""From the settings to the parts: sources, destinations, routes, and the loops that join them."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import aiohttp
from aiobotocore.session import AioSession

from notifier.app.board import Board
from notifier.delivery import KINDS, Reachable
from notifier.errors import Problem, SettingsError
from notifier.model import Api
from notifier.pipeline.deliver import Delivery
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.ports import Destination, Meter, Source
from notifier.rendering import DIGEST_JOBS
from notifier.routing import Route, Selection
from notifier.settings import Settings
from notifier.sources import Role, default_region, hyperparameter_source, new_session, preview_source, role_arn
from notifier.store import Store

LOOP_SECONDS = 300.0
"""A loop that has not turned for so long hangs: every wait in it is bounded well below."""
FRESH_SECONDS = 300.0
"""A sweep may take so long and still be fresh: at one call a second, a hundred moved jobs take two minutes."""


def open_sources(settings: Settings, meter: Meter) -> list[AbstractAsyncContextManager[Source]]:
    """One source for each account and region. Raises SettingsError where there is no region, or no role for it."""
    # What `.env` says to AWS's client; the environment itself has the last word.
    for name, value in settings.aws_environment.items():
        os.environ.setdefault(name, value)
    session = new_session()
    regions = settings.regions or tuple(filter(None, [default_region(session)]))
    if not regions:
        problem = "no region is set; name at least one here, or set AWS_REGION"
        raise SettingsError([Problem("NOTIFIER_REGIONS", problem)])
    kind = preview_source if settings.api == Api.PREVIEW else hyperparameter_source
    return [
        kind(session, region, rate=settings.api_rate, meter=meter, account=account, role=role)
        for account, region, role in _scopes(settings, session, regions)
    ]


def _scopes(
    settings: Settings, session: AioSession, regions: tuple[str, ...]
) -> Iterator[tuple[str | None, str, Role | None]]:
    """Each account with each region, and the role that is assumed there; None: the credentials' own account."""
    for account in settings.accounts:
        for region in regions:
            arn = role_arn(session, settings.role, account, region) if settings.role else None
            yield account, region, Role(arn, settings.external_id or None) if arn else None
    if not settings.accounts:
        yield from ((None, region, None) for region in regions)


def destinations(settings: Settings, http: aiohttp.ClientSession) -> list[Reachable]:
    """Every destination of the settings, ready to send."""
    return [KINDS[each.kind].build(name, each, http) for name, each in settings.destinations.items()]


def routes(settings: Settings) -> tuple[Route, ...]:
    """What each destination wants to hear."""
    return tuple(
        Route(
            name,
            jobs=each.jobs,
            events=each.events or settings.events,
            statuses=each.statuses,
            accounts=each.accounts,
            regions=each.regions,
        )
        for name, each in settings.destinations.items()
    )


def make_watch(source: Source, store: Store, settings: Settings, board: Board, wakes: list[asyncio.Event]) -> Watch:
    """The watch loop of one source, known to health and metrics; it wakes the deliveries when it owes something."""
    place, fresh = source.place, max(3 * settings.poll_interval, FRESH_SECONDS)
    board.health.expect(f"watch {place}", settings.poll_interval + LOOP_SECONDS)
    board.health.watch(str(place), place.region, fresh, place.account or "")
    telling = Telling(routes(settings), settings.operator, settings.catch_up)
    watching = Watching(Selection(settings.jobs, settings.exclude), telling, settings.poll_interval)

    def owed() -> None:
        for wake in wakes:
            wake.set()

    return Watch(source, store.watch, watching, witness=board, owed=owed)


def make_delivery(
    destination: Destination, store: Store, settings: Settings, board: Board
) -> tuple[Delivery, asyncio.Event]:
    """The deliver loop of one destination, known to health and metrics, and what wakes it."""
    name, wake = destination.policy.name, asyncio.Event()
    board.health.expect(f"deliver {name}", LOOP_SECONDS)
    delivery = Delivery(
        destination,
        store.outbox,
        operator=settings.operator,
        meter=board.metrics,
        wake=wake,
        digest_jobs=DIGEST_JOBS,
        beat=lambda: board.health.beat(f"deliver {name}"),
    )
    return delivery, wake
