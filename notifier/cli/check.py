"""`notifier check`: what works and what is missing, in plain words, before the service is started."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from notifier.cli.execution import FAILED, WRONG, execute

if TYPE_CHECKING:
    import aiohttp
    from pydantic import SecretStr

    from notifier.delivery import Reachable
    from notifier.model import Summary
    from notifier.ports import Source
    from notifier.settings import Settings

UNKNOWN_JOB = "notifier-permission-check"
"""No tuning job has this name: that it is not found proves that it may be looked for."""


def check(
    send: Annotated[bool, typer.Option("--send", help="Send a test message to each destination.")] = False,
) -> None:
    """Check settings, credentials, permissions and the reach of each destination; say what is missing."""
    execute(lambda settings: _check(settings, send))


class Report:
    """Lines as people read them, and the exit status that they come to."""

    def __init__(self) -> None:
        self.status = 0

    def good(self, line: str) -> None:
        """Something works."""
        typer.secho(f"✓ {line}", fg="green")

    def plain(self, line: str) -> None:
        """Something worth knowing that is neither."""
        typer.echo(f"– {line}")

    def bad(self, line: str, status: int = FAILED) -> None:
        """Something is missing: the line says what to do."""
        self.status = max(self.status, status)
        typer.secho(f"✗ {line}", fg="red")

    @asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[None]:
        """A step that may fail in a way that people can mend."""
        from notifier.errors import NotifierError

        try:
            yield
        except NotifierError as error:
            self.bad(f"{what}: {error}")


async def _check(settings: "Settings", send: bool) -> int:
    from notifier.app import destinations, open_queue, open_session, open_sources
    from notifier.delivery import open_http
    from notifier.errors import SettingsError
    from notifier.web import Metrics

    report = Report()
    _check_settings(settings, report)
    startable = await _check_store(settings, report)
    try:
        session, meter = open_session(settings), Metrics("")
        accounts: set[str | None] = set()
        for opening in open_sources(settings, meter, session):
            async with opening as source:
                accounts.add(await _check_source(source, settings, report))
        _check_accounts(settings, accounts, report)
        if (opening_queue := open_queue(settings, session, meter)) is not None:
            async with opening_queue as queue, report.step(f"queue {queue.name}"):
                await queue.probe()
                report.good(f"queue {queue.name}: sqs:ReceiveMessage and sqs:DeleteMessage are allowed")
    except SettingsError as error:
        report.bad(str(error), WRONG)
    async with open_http() as http:
        for destination in destinations(settings, http):
            await _check_destination(destination, report, send)
        startable &= await _check_address(http, settings, report)
    if report.status:
        typer.echo("Some things are missing; mend them, then check again.")
    else:
        typer.echo("All is well; `notifier run` starts the service." if startable else "All is well.")
    return report.status


def _check_settings(settings: "Settings", report: Report) -> None:
    if settings.destinations.keys() != {"console"}:
        report.good(f"settings: messages go to {', '.join(sorted(settings.destinations))}")
    else:
        # As often as not it is the wrong directory.
        unread = "" if Path(".env").is_file() else f"; there is no .env in {Path.cwd()}"
        report.plain(f"settings: messages go to the standard output alone{unread}")
    for each in settings.lookalikes:
        report.plain(f"{each.variable}: {each.message}")
    for name, destination in settings.destinations.items():
        if _in_the_clear(getattr(destination, "url", None)):
            report.plain(f"destination {name}: its URL is http: whoever is on the way can read it, and every message")


def _in_the_clear(url: "SecretStr | str | None") -> bool:
    """Whether a URL leads off this machine without TLS; one that holds no secret is plain text."""
    if url is None:
        return False
    parts = urlsplit(url if isinstance(url, str) else url.get_secret_value())
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


async def _check_store(settings: "Settings", report: Report) -> bool:
    """Whether no running notifier has the database to itself already, which is no fault."""
    from notifier.errors import NotifierError
    from notifier.store import examine, holder

    url = settings.database_url.get_secret_value()
    try:
        report.good(f"database {await examine(url)}")
        who = await holder(url)
    except NotifierError as error:
        # It names the database itself.
        report.bad(str(error))
        return True
    if who:
        report.plain(f"database: {who} runs on it now; a second `notifier run` needs another one")
    return who is None


async def _check_source(source: "Source", settings: "Settings", report: Report) -> str | None:
    """The account's number, where it can be told."""
    from notifier.errors import JobMissing
    from notifier.model import Api

    place = source.place
    account = place.account
    async with report.step(f"{place}: credentials"):
        account, role = await source.account() or account, await source.role()
        if role is not None:
            report.good(f"{place}: the role {role} can be assumed")
        elif account is None:
            # No permission is needed for it, so this is the network, or a fence around it; the first job's ARN will do.
            report.plain(f"{place}: STS does not say which account this is; the first tuning job will")
        else:
            report.good(f"{place}: credentials of account {account}")
        preview = source.api == Api.PREVIEW
        if not preview:
            async with report.step(f"{place}: listing tuning jobs"):
                rows: Sequence[Summary] = ()
                async for page in source.pages():
                    rows = page.rows
                    break
                report.good(f"{place}: sagemaker:ListHyperParameterTuningJobs is allowed, {len(rows)} on page 1")
            if any(each.tags for each in settings.destinations.values()):
                await _check_tags(source, next((each.arn for each in rows if each.arn), None), report)
        async with report.step(f"{place}: describing a tuning job"):
            with suppress(JobMissing):
                await source.describe(settings.jobs[0] if preview else UNKNOWN_JOB)
            report.good(f"{place}: describing a tuning job is allowed")
        if not preview and any(each.people for each in settings.destinations.values()):
            await _check_trials(source, report)
    return account


async def _check_trials(source: "Source", report: Report) -> None:
    """What people are told of trials needs a permission more; without it all the rest is told."""
    from notifier.errors import CallFailed, JobMissing
    from notifier.model import KnownTrials

    try:
        with suppress(JobMissing):
            await source.trials(UNKNOWN_JOB, KnownTrials())
    except CallFailed as error:
        report.plain(f"{source.place}: messages will do without the story of the trials: {error}")
    else:
        report.good(f"{source.place}: listing the trials of a tuning job is allowed")


async def _check_tags(source: "Source", arn: str | None, report: Report) -> None:
    """Filters by tag need a permission more; without it they let everything through."""
    from notifier.errors import CallFailed, JobMissing

    if arn is None:
        report.plain(f"{source.place}: no tuning job is there to read the tags of, as filters by tag do")
        return
    try:
        with suppress(JobMissing):
            await source.tags(arn)
    except CallFailed as error:
        report.plain(f"{source.place}: filters by tag will let everything through: {error}")
    else:
        report.good(f"{source.place}: reading the tags of a tuning job is allowed")


def _check_accounts(settings: "Settings", watched: "set[str | None]", report: Report) -> None:
    """A destination for an account that is not watched hears nothing of it."""
    for name, destination in settings.destinations.items():
        if None not in watched and (unwatched := sorted({*destination.accounts} - watched)):
            report.plain(f"destination {name}: its ACCOUNTS names what is not watched: {', '.join(unwatched)}")


async def _check_address(http: "aiohttp.ClientSession", settings: "Settings", report: Report) -> bool:
    """Whether no running notifier has the address already, which is no fault."""
    from notifier.errors import AddressUnusable
    from notifier.web import examine

    address = settings.http
    if address is None:
        report.plain("NOTIFIER_HTTP is empty: no pages for health and metrics")
        return True
    try:
        free = await examine(http, address.host, address.port)
    except AddressUnusable as error:
        report.bad(str(error), WRONG)
        return True
    if free:
        report.good(f"NOTIFIER_HTTP: {address} is free")
    else:
        report.plain(f"NOTIFIER_HTTP: a notifier runs already at {address}; a second one needs another address")
    return free


async def _check_destination(destination: "Reachable", report: Report, send: bool) -> None:
    from notifier.model import Batch, Notice, NoticeType
    from notifier.model.event import digest

    name, now = destination.policy.name, datetime.now(UTC)
    async with report.step(f"destination {name}"):
        if not send:
            report.good(f"destination {name}: {await destination.probe()}")
            return
        notice = Notice(
            id=digest("check", name, now.isoformat()),
            type=NoticeType.WATCHING,
            time=now,
            title="A test message from notifier",
            lines=("It arrived: tuning jobs will be told here.",),
        )
        await destination.send(Batch((notice,)))
        report.good(f"destination {name}: took the test message")
