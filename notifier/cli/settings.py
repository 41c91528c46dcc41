"""`notifier settings`: every setting with its meaning, default and present value."""

from typing import Annotated

import typer

from notifier.cli.execution import complain, finish


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
            for row in describe_settings(now)
        ),
    )
    return 0
