"""Several workers as processes, each with a network of its own to their PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.proxy import Line, Proxy, Strike, before
from tests.pipeline.sagemaker import Job, SageMaker
from tests.postgres import Server
from tests.service.process import Hook, Notifier, notifying, until

LEASE = 3.0
OWE, MARK, SETTLE = b"INSERT INTO notifier_outbox", b"SET state=$1::VARCHAR WHERE", b"settled_at="
"""What a transaction says that owes events, that marks messages as under way, that writes down their end."""
COMMIT = b"COMMIT"


@dataclass
class Worker:
    """One worker, and its network."""

    notifier: Notifier
    network: Proxy

    @property
    def process(self) -> asyncio.subprocess.Process:
        """Its latest life."""
        return self.notifier.processes[-1]


@dataclass
class Crew:
    """The workers, their database, and what stands around them."""

    workers: list[Worker]
    server: Server
    database: str
    sagemaker: SageMaker
    hook: Hook

    async def begin(self) -> None:
        """Start all of them, and wait until the baseline is taken."""
        for each in self.workers:
            await each.notifier.start()
        for each in self.workers:
            await each.notifier.ready(each.process)
        await until(self.has_baseline, "the baseline is taken")

    def has_baseline(self) -> bool:
        """Whether what happens now is news."""
        return self.ask("SELECT count(*) FROM notifier_scopes WHERE baseline_at IS NOT NULL") == ["1"]

    def ask(self, query: str) -> list[str]:
        """Rows of the database, whatever the workers' networks are like."""
        return self.server.sql(query, self.database).splitlines()

    def under_way(self) -> list[str]:
        """Ids of the events that are being sent, or were when their sender died."""
        return self.ask("SELECT event_id FROM notifier_outbox WHERE state = 'sending'")

    def holder(self, duty: str) -> Worker | None:
        """Who does this now."""
        found = self.ask(f"SELECT worker FROM notifier_leases WHERE duty LIKE '{duty}%'")  # noqa: S608 - a word of ours
        pid = found[0].split("-")[-2] if found and found[0] else ""
        return next((each for each in self.workers if str(each.process.pid) == pid), None)

    def share(self) -> bool:
        """Whether one worker watches and another delivers."""
        watcher, sender = self.holder("watch"), self.holder("deliver")
        return watcher is not None and sender is not None and watcher is not sender

    def wait_for(self, mark: bytes, word: bytes, strike: Strike) -> asyncio.Event:
        """Lie in wait on all networks; whoever comes first is struck, and nobody else."""
        struck = asyncio.Event()

        async def once(line: Line, piece: bytes) -> None:
            for each in self.workers:
                each.network.ambush = None
            struck.set()
            await strike(line, piece)

        for each in self.workers:
            each.network.wait_for(mark, word, once)
        return struck

    def tell(self, *names: str) -> None:
        """These jobs have begun and ended since the last sweep."""
        now = time.time()
        self.sagemaker.put(*(Job(name, now, "Completed", completed=1, best=1, value=0.5, ended=now) for name in names))

    def told(self) -> set[str]:
        """The jobs whose ending was told."""
        return {job for job, kind, _ in self.hook.heard() if kind == "status_changed"}


@asynccontextmanager
async def crew(
    folder: Path, server: Server, url: str, sagemaker: SageMaker, hook: Hook, size: int, **env: str
) -> AsyncIterator[Crew]:
    """So many workers with settings alike, not started yet."""
    workers = []
    async with AsyncExitStack() as stack:
        for number in range(size):
            place = folder / f"worker-{number}"
            place.mkdir()
            network, through = await stack.enter_async_context(before(url))
            settings = {"NOTIFIER_DATABASE_URL": through, "NOTIFIER_LEASE": f"{LEASE}s"} | env
            notifier = await stack.enter_async_context(notifying(place, sagemaker.url, hook, **settings))
            workers.append(Worker(notifier, network))
        yield Crew(workers, server, urlsplit(url).path[1:], sagemaker, hook)
