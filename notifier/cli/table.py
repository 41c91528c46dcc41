"""Tables as people read them, and as `grep` does: on a terminal long cells fold, elsewhere a row is a line."""

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 10_000


_NEAR = 180 * 86400.0
"""Moments further away than so many seconds need their year."""


def at(seconds: float) -> str:
    """A moment (epoch seconds) as people read it: `31 Jan 12:00 UTC`, with its year where that could be another."""
    from notifier.rendering.numbers import moment

    then = datetime.fromtimestamp(seconds, UTC)
    return moment(then) if abs(seconds - time.time()) < _NEAR else f"{then.year} {moment(then)}"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print rows under headings; the cells are text, never markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        # The first column names the row: cut in two, it could not be copied.
        table.add_column(heading, overflow="fold", no_wrap=not table.columns)
    for row in rows:
        table.add_row(*(each if isinstance(each, Text) else Text(each) for each in row))
    Console(width=None if sys.stdout.isatty() else _UNBOUNDED).print(table)
