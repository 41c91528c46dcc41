"""`notifier settings`: every setting with its meaning, default and present value."""

from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.execution import complain, finish

if TYPE_CHECKING:
    from notifier.settings import Settings


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table of the README.", hidden=True)] = False,
) -> None:
    """Print every setting: its meaning, its default and its present value, secrets masked."""
    finish(lambda: _print(markdown))


def _print(markdown: bool) -> int:
    from rich.text import Text

    from notifier.cli.table import print_table
    from notifier.settings import describe_settings, load_settings, settings_table

    if markdown:
        typer.echo(settings_table())
        return 0
    now = load_settings()
    for each in now.lookalikes:
        complain(f"{each.variable}: {each.message}")
    print_table(
        ("variable", "meaning", "default", "now"),
        (
            (row.variable, row.meaning, row.default, Text(row.value, style="bold" if row.value != row.default else ""))
            for row in describe_settings(_found(now))
        ),
    )
    return 0


def _found(settings: "Settings") -> "Settings":
    """The settings with the regions that AWS's own settings come to, if they come to any."""
    from notifier.app import watched_regions
    from notifier.errors import SettingsError

    try:
        return settings.model_copy(update={"regions": watched_regions(settings)})
    except SettingsError as error:
        for problem in error.problems:
            complain(f"{problem.variable}: {problem.message}")
        return settings
