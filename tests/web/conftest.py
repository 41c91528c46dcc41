"""A service's pages on a real socket, fed by values that a test sets."""

import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import pytest
import structlog

from notifier.web import Health, Metrics, Queue, make_app, serve


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Pages:
    """The pages, where they are served, and the store they ask."""

    clock: Clock = field(default_factory=Clock)
    queues: Sequence[Queue] = ()
    trouble: Exception | None = None
    url: str = ""

    def __post_init__(self) -> None:
        self.health = Health(self.clock)
        self.metrics = Metrics("1.2.3")

    async def snapshot(self) -> Sequence[Queue]:
        await self.probe()
        return self.queues

    async def probe(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
async def pages() -> AsyncIterator[Pages]:
    pages = Pages()
    app = make_app(pages.health, pages.metrics, pages.snapshot, pages.probe)
    async with serve(app, "127.0.0.1", 0) as port:
        pages.url = f"http://127.0.0.1:{port}"
        yield pages


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def clean_logging() -> Iterator[None]:
    """Whatever a test makes of the process's logs, the next one finds them as they were."""
    root, ours = logging.getLogger(), logging.getLogger("notifier")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()
