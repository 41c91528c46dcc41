"""`notifier jobs`: what is being watched, as a table. Reads the store beside a running service."""

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli.execution import beside, execute

if TYPE_CHECKING:
    from notifier.model import Remembered, Scope
    from notifier.settings import Settings


def jobs(
    everything: Annotated[bool, typer.Option("--all", help="Ended jobs, and those left out, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the tuning jobs that are being watched, newest first."""
    execute(lambda settings: _jobs(settings, everything, as_json))


async def _jobs(settings: "Settings", everything: bool, as_json: bool) -> int:
    from notifier.cli.table import print_table

    async with beside(settings) as store:
        known = await store.desk.jobs()
    shown = [(scope, job) for scope, job in known if everything or (job.watched and job.unfinished)]
    if as_json:
        for scope, job in shown:
            typer.echo(json.dumps(_object(scope, job)))
        return 0
    if not shown:
        typer.echo("No tuning job is in progress." if known else "No tuning job has been seen yet.")
        return 0
    many = len({scope.account_id for scope, _ in shown}) > 1
    columns = ("name", *(("account",) if many else ()), "region", "status", "trials", "best", "age")
    print_table(columns, (_row(scope, job, with_account=many) for scope, job in shown))
    return 0


def _row(scope: "Scope", job: "Remembered", *, with_account: bool) -> tuple[str, ...]:
    from notifier.rendering.numbers import duration, number
    from notifier.rendering.text import clean

    counts = job.counts
    failed = f", {counts.failed} failed" if counts.failed else ""
    status = job.status if job.watched else f"{job.status} (left out)"
    return (
        clean(job.name),
        *((scope.account_id,) if with_account else ()),
        scope.region,
        clean(status),
        f"{counts.completed} done{failed}",
        "" if job.best_value is None else number(job.best_value),
        duration(time.time() - job.identity.created),
    )


def _object(scope: "Scope", job: "Remembered") -> dict[str, Any]:
    return {
        "account_id": scope.account_id,
        "region": scope.region,
        "name": job.name,
        "status": job.status,
        "created": job.identity.created,
        "counts": {name: value for name, value in asdict(job.counts).items() if value is not None},
        "best_training_job": job.best_name,
        "best_value": job.best_value,
        "watched": job.watched,
    }
