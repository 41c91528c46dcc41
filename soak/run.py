"""A soak from its beginning to its verdict."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from soak.figures import table
from soak.harm import Harm, Harming
from soak.lives import Plan
from soak.receivers import TOKEN, Receivers, receiving
from soak.sagemaker import Book, hostile
from soak.takeover import takeovers
from soak.verdict import Evidence, missing, violations
from soak.workers import Worker, crew
from tests.postgres import PASSWORD, Server

LEASE, INTERVAL = 6.0, 2.0
ALLOWANCE = 0.5
"""Seconds that a busy machine may add to what leases promise."""
BASELINE_WITHIN, QUIET_WITHIN = 60.0, 180.0
"""Seconds for the first look at everything, and, once nothing is disturbed any more, until everything is told."""


@dataclass(frozen=True, slots=True)
class Soak:
    """How long, how much and how bad."""

    seed: int = 1
    seconds: float = 600.0
    jobs: int = 500
    accounts: int = 5
    regions: tuple[str, ...] = ("us-east-1", "eu-west-1")
    workers: int = 3
    kill_every: float = 10.0

    @property
    def plan(self) -> Plan:
        """What is to happen."""
        scopes = tuple((number, region) for number in self.numbers for region in self.regions)
        return Plan(self.seed, self.seconds, self.jobs, scopes)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The accounts."""
        return tuple(f"{number}" * 12 for number in range(1, self.accounts + 1))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a soak found."""

    endings: int
    """How many jobs ended, all of which are told where nothing is violated."""
    figures: Table
    violations: list[str]


async def soak(what: Soak, server: Server, folder: Path) -> Outcome:
    """Let it all happen, wait until everything is told, and judge."""
    database = server.create("soak")
    async with AsyncExitStack() as stack:
        receivers = await stack.enter_async_context(receiving(what.seed))
        sagemaker = await stack.enter_async_context(hostile(what.plan))
        settings = _settings(what, database, receivers)
        workers = await stack.enter_async_context(crew(folder, what.workers, sagemaker.url, settings))
        await _until_all_is_seen(server, len(what.plan.scopes))
        started, began = await sagemaker.begin()
        harming = Harming(workers, server, what.seconds, LEASE, what.seed, what.kill_every)
        await harming.run()
        await asyncio.sleep(max(0.0, began + what.seconds - time.time()))
        await sagemaker.calm()
        receivers.calm = True

        lives = what.plan.lives(started, began)
        webhooks = {_team(number): number for number in what.numbers}

        def evidence(losses: Sequence[float] = ()) -> Evidence:
            return Evidence(lives, receivers.attempts, harming.done, losses, webhooks)

        found = await _told_in_time(evidence, server)
        for worker in workers:
            await worker.end(signal.SIGTERM)
        book, judged = await sagemaker.book(), evidence([at for worker in workers for at in worker.losses()])
        found += [*violations(judged), *_late(harming.done, book), *_beside(workers, receivers)]
        memory = [each for worker in workers for each in worker.memory]
        endings = sum(life.ending is not None for life in lives)
        return Outcome(endings, table(judged, book, memory, LEASE + INTERVAL), found)


def _team(number: str) -> str:
    """The webhook of an account."""
    return f"team{number[0]}"


def _settings(what: Soak, database: str, receivers: Receivers) -> Mapping[str, str]:
    teams: dict[str, str] = {}
    for number in what.numbers:
        prefix = f"NOTIFIER_DESTINATIONS__{_team(number).upper()}__"
        teams |= {
            f"{prefix}KIND": "webhook",
            f"{prefix}URL": receivers.webhook(_team(number)),
            f"{prefix}SECRET": receivers.secret,
            f"{prefix}ACCOUNTS": number,
        }
    return teams | {
        "NOTIFIER_DATABASE_URL": database,
        "NOTIFIER_LEASE": f"{LEASE}s",
        "NOTIFIER_POLL_INTERVAL": f"{INTERVAL}s",
        "NOTIFIER_API_RATE": "200",
        "NOTIFIER_ACCOUNTS": ",".join(what.numbers),
        "NOTIFIER_REGIONS": ",".join(what.regions),
        "NOTIFIER_ROLE": "notifier",
        "NOTIFIER_SLACK_WEBHOOK_URL": receivers.slack,
        "NOTIFIER_SLACK_RATE": "5",
        "NOTIFIER_BEST_COOLDOWN": "10s",
    }


async def _until_all_is_seen(server: Server, scopes: int) -> None:
    """Wait for the silent baseline: what moves before it could be told by nobody."""
    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'notifier_scopes'"
    query = "SELECT count(*) FROM notifier_scopes WHERE baseline_at IS NOT NULL"
    async with asyncio.timeout(BASELINE_WITHIN):
        while not await _asked(server, tables) or await _asked(server, query) < scopes:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.2)


async def _asked(server: Server, query: str) -> int:
    return int(await asyncio.to_thread(server.sql, query, "soak"))


async def _told_in_time(evidence: Callable[[], Evidence], server: Server) -> list[str]:
    """Wait until everything is told and nothing is owed any more; what is not, in words."""
    owed = "SELECT count(*) FROM notifier_outbox WHERE state <> 'settled'"
    until = time.monotonic() + QUIET_WITHIN
    while time.monotonic() < until:
        if not missing(evidence()) and not await _asked(server, owed):
            return []
        await asyncio.sleep(1.0)
    left = await _asked(server, owed)
    return missing(evidence()) + ([f"{left} messages are owed for ever"] if left else [])


def _late(harms: Sequence[Harm], book: Book) -> Iterator[str]:
    """Scopes of killed workers that waited for too long, though nothing else was done meanwhile."""
    for each in takeovers(harms, book.polls):
        if not each.disturbed and each.seconds > LEASE + INTERVAL + ALLOWANCE:
            yield f"{each.scope} was polled again {each.seconds:.1f} s after its worker was killed"


def _beside(workers: Sequence[Worker], receivers: Receivers) -> Iterator[str]:
    """What else should not be: ends unasked for, faults of our own in the log, secrets there, malformed requests."""
    yield from (f"a receiver was sent what it must refuse: {each}" for each in receivers.refused)
    for worker in workers:
        yield from worker.wrong
        yield from (f"{worker.notifier.log_file}: {line['event']}" for line in worker.log() if "exception" in line)
        text = worker.notifier.log_file.read_text()
        for what, secret in (("password", PASSWORD), ("token", TOKEN), ("signing key", receivers.secret)):
            if secret in text:
                yield f"{worker.notifier.log_file} tells the {what}"
