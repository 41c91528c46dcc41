"""A Slack channel with a bot in it: the real destination, its loops and its store, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from notifier.delivery import open_http
from notifier.delivery.slack import Slack, SlackSettings
from notifier.model import Event, Notice, Scope, ScopeState, Trial, TuningJob
from notifier.pipeline.cards import Album, CardKeeping, Threads
from notifier.pipeline.deliver import Delivery, Timing
from notifier.pipeline.pace import Turns
from notifier.ports import Routed
from notifier.rendering import DIGEST_JOBS
from notifier.simulator.loopback import serving
from notifier.simulator.workspace import API_PATH, CHANNEL, TOKEN, Post, Workspace
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, NOON, REGION
from tests.pipeline.deliver_stage import Counter
from tests.store.looks import look
from tests.virtual import now

SCOPE = Scope(ACCOUNT, REGION)
NAME = "slack"


def headline(post: Post) -> str:
    """What a message says first."""
    blocks = post.body.get("blocks")
    return str(blocks[0]["text"]["text"] if blocks else post.body["text"].splitlines()[0])


@dataclass
class Bot:
    """A bot in its channel. `start` it again and it is another process on the old store."""

    workspace: Workspace
    store: Store
    http: aiohttp.ClientSession
    address: str
    wall: Callable[[], float]
    """Everybody's clock, epoch seconds."""

    def slack(self, channel: str = CHANNEL, **settings: Any) -> Slack:
        """The destination."""
        given = {"token": SecretStr(TOKEN), "channel": channel, "url": self.address + API_PATH, **settings}
        return Slack(NAME, SlackSettings(**given), self.http)

    @asynccontextmanager
    async def running(self, slack: Slack | None = None, outcomes: Counter | None = None) -> AsyncIterator[None]:
        """Its loops, until the end of the block."""
        slack, stop = slack or self.slack(), asyncio.Event()
        timing = Timing(clock=now, dice=lambda: 0.5, look_every=1.0)
        album = Album(slack, self.store.cards, Turns(slack.policy.rate, clock=now))
        delivery = Delivery(
            Threads(album),
            self.store.outbox,
            operator=(),
            meter=outcomes or Counter(),
            wake=asyncio.Event(),
            digest_jobs=DIGEST_JOBS,
            timing=timing,
        )
        async with asyncio.TaskGroup() as loops:
            loops.create_task(delivery.run(stop))
            loops.create_task(CardKeeping(album, self.store.outbox, timing=timing).run(stop))
            yield
            stop.set()

    async def see(self, job: TuningJob, *events: Event, trials: Sequence[Trial] = ()) -> None:
        """A look at a job, and the events and trials that it brings."""
        seen = look(job, *events, to=(NAME,), looked_at=self.wall())
        await self.store.watch.commit(SCOPE, [replace(seen, trials=tuple(trials))])

    async def owe(self, notices: Iterable[Event | Notice]) -> None:
        """Owe what no look brings."""
        await self.store.watch.complete(SCOPE, ScopeState(), [Routed(each, (NAME,)) for each in notices])

    async def told(self, *, within: float = 60.0) -> None:
        """Wait until nothing is owed any more."""
        async with asyncio.timeout(within):
            while await self.store.outbox.owed(NAME, 1):  # noqa: ASYNC110
                await asyncio.sleep(0.25)

    @property
    def cards(self) -> list[Post]:
        """What stands in the channel by itself."""
        return [each for each in self.workspace.posts.values() if each.thread is None]


@asynccontextmanager
async def bot(folder: Path, **workspace: Any) -> AsyncIterator[Bot]:
    """A bot whose database lies in this folder."""
    loop = asyncio.get_running_loop()

    def wall() -> float:
        # The store asks for it from threads of its own.
        return NOON.timestamp() + loop.time()

    slack = Workspace(clock=wall, **workspace)
    app = web.Application()
    app.router.add_routes([slack.route()])
    async with (
        serving(app, "127.0.0.1") as address,
        open_store(f"sqlite:///{folder / 'notifier.db'}", exclusive=True, clock=wall) as store,
        open_http() as http,
    ):
        yield Bot(slack, store, http, address, wall)
