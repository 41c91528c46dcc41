"""`notifier outbox`: look at what is owed, and help it along, beside a running service."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.execution import FAILED, WRONG, beside, complain, execute

if TYPE_CHECKING:
    from notifier.settings import Settings
    from notifier.store import Letter, State

LARGEST = 2**63 - 1
"""The largest number that a database counts to."""
NUMBERS = "As `outbox list` prints it."
HEADINGS = ("id", "destination", "event", "job", "state", "tries", "age", "last error")

outbox = typer.Typer(
    help="Look at the messages that are owed, retry or discard them; safe beside a running service.",
    no_args_is_help=True,
)


@outbox.command("list")
def list_(
    destination: Annotated[str | None, typer.Option(help="Only this destination's.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters.")] = False,
    silenced: Annotated[
        bool, typer.Option("--silenced", help="What a silence kept back within the last week; `retry` still sends it.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST, help="At most so many.")] = 100,
) -> None:
    """Print the messages that are not delivered yet, oldest first."""
    execute(lambda settings: _list(settings, destination, dead, silenced, limit))


@outbox.command()
def show(
    row: Annotated[int, typer.Argument(min=1, max=LARGEST, metavar="ID", help=NUMBERS)],
) -> None:
    """Print one message: its state, its last error, and the event it tells."""
    execute(lambda settings: _show(settings, row))


@outbox.command()
def retry(
    rows: Annotated[list[int] | None, typer.Argument(min=1, max=LARGEST, metavar="ID…", help=NUMBERS)] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every dead letter, and all that waits or is held; lifts every hold.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            help="Send them to this destination instead; with --all, those that do not go by themselves: dead letters,"
            " what is held until somebody asks, and what is orphaned."
        ),
    ] = None,
) -> None:
    """Owe messages again at once: dead letters start anew, waits and holds are lifted."""
    execute(lambda settings: _retry(settings, rows or [], everything, to))


@outbox.command()
def discard(
    rows: Annotated[list[int], typer.Argument(min=1, max=LARGEST, metavar="ID…", help=NUMBERS)],
) -> None:
    """Give messages up for ever."""
    execute(lambda settings: _discard(settings, rows))


async def _list(settings: "Settings", destination: str | None, dead: bool, silenced: bool, limit: int) -> int:
    from notifier.cli.table import print_table
    from notifier.store import State

    states = [state for state, asked in ((State.DEAD, dead), (State.SILENCED, silenced)) if asked]

    async with beside(settings) as store:
        letters = await store.desk.letters(
            destinations=[destination] if destination else None, states=states or None, limit=limit
        )
        holds = await store.desk.holds()
        for name, hold in sorted(holds.items()):
            complain(f"{name} has been held for {_ago(hold.since)}: {hold.reason}")
        if not letters:
            if destination and destination not in settings.destinations:
                complain(f"--destination {_no_destination(destination, settings)}")
                return WRONG
            typer.echo(_nothing(states))
            return 0
        print_table(HEADINGS, (_cells(each, settings) for each in letters))
        return 0


def _no_destination(name: str, settings: "Settings") -> str | None:
    from notifier.settings.values import unknown_words

    return unknown_words([name], tuple(sorted(settings.destinations)), "destination")


def _nothing(states: "list[State]") -> str:
    return f"No message is {' or '.join(each.value for each in states)}." if states else "Nothing is owed."


async def _show(settings: "Settings", row: int) -> int:
    from notifier.model import Batch
    from notifier.rendering import tell
    from notifier.rendering.console import lines
    from notifier.rendering.text import clean

    async with beside(settings) as store:
        found = await store.desk.letter(row)
        if found is None:
            complain(f"there is no message {row}; `notifier outbox list` prints those that are owed")
            return FAILED
        letter, event = found
        for name, value in (
            ("id", str(letter.seq)),
            ("event id", letter.event_id),
            ("event", letter.event_type),
            ("job", letter.job_key),
            ("destination", letter.destination),
            ("state", _state(letter, settings)),
            ("tries", str(letter.attempts)),
            ("owed for", _ago(letter.created_at)),
            ("last error", letter.error or "none"),
        ):
            typer.echo(f"{name + ':':<14}{clean(value)}")
        typer.echo("")
        if event is None:
            typer.echo("(delivered long ago; its text is not kept)")
        else:
            typer.echo("\n".join(lines(tell(Batch((event,))))))
        return 0


async def _retry(settings: "Settings", rows: list[int], everything: bool, to: str | None) -> int:
    if bool(rows) == everything:
        complain("name the messages to retry, or say --all for every one that waits")
        return WRONG
    if to is not None and to not in settings.destinations:
        complain(f"--to {_no_destination(to, settings)}")
        return WRONG

    async with beside(settings) as store:
        done = await store.desk.retry(None if everything else rows, to=to, present=settings.destinations)
        return _report("owed again", done, [] if everything else rows, f", or {to} has them already" if to else "")


async def _discard(settings: "Settings", rows: list[int]) -> int:
    async with beside(settings) as store:
        return _report("discarded", await store.desk.discard(rows), rows)


def _report(what: str, done: list[int], asked: list[int], besides: str = "") -> int:
    typer.echo(f"{len(done)} message{'' if len(done) == 1 else 's'} {what}.")
    left = sorted(set(asked) - set(done))
    if left:
        complain(f"left alone, for they are settled, under way or unknown{besides}: {', '.join(map(str, left))}")
    return FAILED if left else 0


def _cells(letter: "Letter", settings: "Settings") -> tuple[str, ...]:
    from notifier.model import JobIdentity
    from notifier.rendering.text import clean

    return (
        str(letter.seq),
        letter.destination,
        letter.event_type,
        clean(JobIdentity.name_in(letter.job_key) or ""),
        _state(letter, settings),
        str(letter.attempts),
        _ago(letter.created_at),
        clean(letter.error or ""),
    )


def _state(letter: "Letter", settings: "Settings") -> str:
    orphaned = letter.destination not in settings.destinations
    return f"{letter.state.value} (orphaned)" if orphaned else letter.state.value


def _ago(moment: float) -> str:
    from notifier.rendering.numbers import duration

    return duration(max(0.0, time.time() - moment))
