"""`notifier silence`: keep people from hearing of some jobs for a while, beside a running service."""

from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.execution import FAILED, WRONG, beside, complain, execute
from notifier.cli.outbox import LARGEST
from notifier.cli.table import at

if TYPE_CHECKING:
    from notifier.model import Silence
    from notifier.settings import Settings
    from notifier.store import Store

LONGEST = 365 * 86400.0
NAMED = 3
"""So many of the jobs that a silence matches are named."""

silence = typer.Typer(
    help="Keep people from hearing of some jobs for a while; safe beside a running service.", no_args_is_help=True
)


@silence.command()
def add(
    job: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="The name of a tuning job, or a glob; may be given several times. Else all."),
    ] = None,
    destination: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only here, be it a program too; else wherever people read.")
    ] = None,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 30m, 2h, 1d.")] = "1h",
    comment: Annotated[str, typer.Option(help="Why, for others to read.")] = "",
) -> None:
    """Begin a silence now. `outbox list --silenced` shows what it keeps back, and `outbox retry` sends that still."""
    execute(lambda settings: _add(settings, job or ["*"], destination, duration, comment))


@silence.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended lately, too.")] = False,
) -> None:
    """Print the silences, oldest first."""
    execute(lambda settings: _list(settings, everything))


@silence.command()
def end(
    ids: Annotated[list[int], typer.Argument(min=1, max=LARGEST, metavar="ID…", help="As `silence list` prints it.")],
) -> None:
    """End silences before their time. What was not told meanwhile stays untold."""
    execute(lambda settings: _end(settings, ids))


async def _add(settings: "Settings", jobs: list[str], destination: str | None, duration: str, comment: str) -> int:
    from notifier.rendering.text import clean

    problem, seconds = _wrong(settings, jobs, destination), 0.0
    try:
        seconds = _seconds(duration)
    except ValueError as error:
        problem = problem or f"--for {clean(duration)}: {error}"
    if problem:
        complain(problem)
        return WRONG
    async with beside(settings) as store:
        for job in dict.fromkeys(jobs):
            made = await store.silences.add(job, destination, seconds, " ".join(clean(comment).split()))
            heard = f"silence {made.id}: {_where(made)} hears nothing of {_which(made)} until {at(made.until)}"
            typer.echo(f"{heard}; `notifier silence end {made.id}` ends it.")
            await _tell_what_it_matches(settings, store, made)
    return 0


async def _list(settings: "Settings", everything: bool) -> int:
    from notifier.cli.table import print_table
    from notifier.rendering.text import clean

    async with beside(settings) as store:
        now = await store.silences.now()
        known = [each for each in await store.silences.all() if everything or each.until > now]
    if not known:
        typer.echo("Nothing was silenced lately." if everything else "Nothing is silenced.")
        return 0
    rows = (
        (str(each.id), clean(each.jobs), _where(each), at(each.since), _left(each, now), clean(each.comment))
        for each in known
    )
    print_table(("id", "jobs", "who", "since", "until", "comment"), rows)
    return 0


async def _end(settings: "Settings", ids: list[int]) -> int:
    async with beside(settings) as store:
        ended = await store.silences.end(ids)
    typer.echo(f"{len(ended)} silence{'' if len(ended) == 1 else 's'} ended.")
    if left := sorted(set(ids) - set(ended)):
        complain(f"not ended, for they are over or unknown: {', '.join(map(str, left))}")
    return FAILED if left else 0


def _wrong(settings: "Settings", jobs: list[str], destination: str | None) -> str | None:
    from notifier.settings.values import NAME_OR_GLOB, unknown_words

    if not all(NAME_OR_GLOB.fullmatch(job) for job in jobs):
        return "--job can match no tuning job: write a name, or a glob with * ? [ ]"
    asked = [destination] if destination is not None else []
    complaint = unknown_words(asked, tuple(sorted(settings.destinations)), "destination")
    return f"--destination {complaint}" if complaint else None


def _seconds(duration: str) -> float:
    from notifier.model.duration import parse_duration

    seconds = parse_duration(duration)
    if not 0 < seconds <= LONGEST:
        raise ValueError("a silence lasts longer than nothing, and a year at most")
    return seconds


async def _tell_what_it_matches(settings: "Settings", store: "Store", made: "Silence") -> None:
    """A silence may be meant for jobs to come; but whoever has misspelt one should hear of it."""
    from notifier.model.globs import may_meet
    from notifier.rendering.text import clean

    known = [job for _, job in await store.desk.jobs() if job.watched and made.concerns(job.name)]
    running = [clean(job.name) for job in known if job.unfinished]
    if running:
        more = f" and {len(running) - NAMED} more" if len(running) > NAMED else ""
        typer.echo(f"In progress now: {', '.join(running[:NAMED])}{more}.")
    elif known:
        complain("it matches no job in progress, only such as have ended, and those to come")
    elif not any(may_meet(made.jobs, each) for each in settings.jobs):
        complain("it can match nothing that is watched: NOTIFIER_JOBS names other jobs")
    else:
        complain("it matches no job that is known, only such as are to come")
    if not any(made.quiets(name, people=each.people) for name, each in settings.destinations.items()):
        complain("no destination is for people: it quiets nothing, unless --destination names one")


def _where(made: "Silence") -> str:
    return made.destination or "whoever reads messages"


def _which(made: "Silence") -> str:
    return "any job" if made.jobs == "*" else made.jobs


def _left(made: "Silence", now: float) -> str:
    return at(made.until) if made.until > now else f"{at(made.until)} (over)"
