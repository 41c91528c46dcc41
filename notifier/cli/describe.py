"""`notifier describe NAME`: the canonical record of a tuning job, as JSON."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli.execution import FAILED, complain, execute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from notifier.errors import CallFailed
    from notifier.model import Place, TuningJob
    from notifier.ports import Source
    from notifier.settings import Settings

AT_ONCE = 8
"""Places that are asked at the same time."""


def describe(
    name: Annotated[str, typer.Argument(help="The tuning job's name.")],
    account: Annotated[str | None, typer.Option(help="Where to look; by default in every account watched.")] = None,
    region: Annotated[str | None, typer.Option(help="Where to look; by default in every region watched.")] = None,
    trials: Annotated[bool, typer.Option(help="Also ask for what only the training jobs tell.")] = True,
) -> None:
    """Print one tuning job as the preview's describe_tuning_job answers it, from whichever API is configured."""
    execute(lambda settings: _describe(_narrowed(settings, account, region), name, trials))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one place says of the job: its record, or why there is none; neither where it is not there."""

    place: "Place"
    job: "TuningJob | None" = None
    failed: "CallFailed | None" = None


def _narrowed(settings: "Settings", account: str | None, region: str | None) -> "Settings":
    """The settings with the one account and region that were chosen. Raises SettingsError."""
    from notifier.errors import Problem, SettingsError
    from notifier.settings.values import ACCOUNT

    if account is not None and settings.accounts and account not in settings.accounts:
        watched = ", ".join(settings.accounts)
        raise SettingsError([Problem("--account", f"is none that is watched: there are {watched}")])
    if account is not None and not ACCOUNT.fullmatch(account):
        raise SettingsError([Problem("--account", "is no account: write its 12 digits")])
    chosen = {"accounts": (account,) if account else None, "regions": (region,) if region else None}
    return settings.model_copy(update={name: value for name, value in chosen.items() if value})


async def _describe(settings: "Settings", name: str, trials: bool) -> int:
    answers = await _asked(settings, name, trials)
    found = [(each.place, each.job) for each in answers if each.job is not None]
    # One account that shuts us out says nothing of the others: the job may be there, so this is told in any case.
    for each in answers:
        if each.failed is not None:
            complain(f"{each.place}: {each.failed}" if len(answers) > 1 else str(each.failed))
    if len(found) == 1:
        place, job = found[0]
        if len(answers) > 1:
            complain(f"found in {place}")
        typer.echo(json.dumps(job.to_response(), indent=2, default=_plain, ensure_ascii=False))
        return 0
    if found:
        complain(f"{name} is in {_listed(place for place, _ in found)}; choose with --account and --region")
    elif missing := [each.place for each in answers if each.failed is None]:
        complain(f"no tuning job named {name} in {_listed(missing)}")
    return FAILED


async def _asked(settings: "Settings", name: str, trials: bool) -> list[Answer]:
    """What each place says, in the order of the settings."""
    from notifier.app import open_sources
    from notifier.web import Metrics

    async with AsyncExitStack() as stack:
        sources = [await stack.enter_async_context(each) for each in open_sources(settings, Metrics(""))]
        free = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(_ask(each, name, trials, free)) for each in sources]
        return [each.result() for each in asking]


async def _ask(source: "Source", name: str, trials: bool, free: asyncio.Semaphore) -> Answer:
    from notifier.errors import CallFailed, JobMissing

    async with free:
        try:
            if source.place.account is not None:
                await source.account()  # Whether the credentials are its own at all.
            return Answer(source.place, await source.describe(name, trials=trials))
        except JobMissing:
            return Answer(source.place)
        except CallFailed as failed:
            return Answer(source.place, failed=failed)


def _listed(places: "Iterable[Place]") -> str:
    return ", ".join(map(str, places))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
