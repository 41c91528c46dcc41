"""`notifier describe NAME`: the canonical record of a tuning job, as JSON."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli.execution import FAILED, complain, execute

if TYPE_CHECKING:
    from notifier.settings import Settings


def describe(
    name: Annotated[str, typer.Argument(help="The tuning job's name.")],
    region: Annotated[str | None, typer.Option(help="Where to look; by default in every region watched.")] = None,
    trials: Annotated[bool, typer.Option(help="Also ask for what only the training jobs tell.")] = True,
) -> None:
    """Print one tuning job as the preview's describe_tuning_job answers it, from whichever API is configured."""
    execute(lambda settings: _describe(settings, name, region, trials))


async def _describe(settings: "Settings", name: str, region: str | None, trials: bool) -> int:
    from notifier.app import open_sources
    from notifier.errors import JobMissing
    from notifier.web import Metrics

    chosen = settings.model_copy(update={"regions": (region,)}) if region else settings
    asked = []
    for opening in open_sources(chosen, Metrics("")):
        async with opening as source:
            asked.append(source.region)
            try:
                job = await source.describe(name, trials=trials)
            except JobMissing:
                continue
            typer.echo(json.dumps(job.to_response(), indent=2, default=_plain, ensure_ascii=False))
            return 0
    complain(f"no tuning job named {name} in {', '.join(asked)}")
    return FAILED


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
