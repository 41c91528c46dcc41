"""`notifier settings`: every setting with its meaning, default and present value."""

from typing import Annotated

import typer

from notifier.cli.execution import finish


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table of the README.", hidden=True)] = False,
) -> None:
    """Print every setting: its meaning, its default and its present value, secrets masked."""
    finish(lambda: _print(markdown))


def _print(markdown: bool) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from notifier.settings import describe_settings, load_settings, settings_table

    if markdown:
        typer.echo(settings_table())
        return 0
    table = Table("variable", "meaning", "default", "now", box=None, pad_edge=False, header_style="bold")
    for row in describe_settings(load_settings()):
        changed = row.value != row.default
        table.add_row(
            Text(row.variable, overflow="fold"),
            Text(row.meaning),
            Text(row.default, overflow="fold"),
            Text(row.value, style="bold" if changed else "", overflow="fold"),
        )
    Console().print(table)
    return 0
