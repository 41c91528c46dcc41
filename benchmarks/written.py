"""The figures as a table of docs/performance.md, with the machine that gave them."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figure import Figure

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
HEADINGS = ("what", "measured", "goal", "verdict")


def write(figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Put the figures in the place of those that stand there."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}"
    rows = [_line(HEADINGS), "| --- | ---: | ---: | --- |", *(_line(figure.cells) for figure in figures)]
    text = "\n".join([stamp, "", *rows])
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _machine() -> str:
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    kind = cpu[1] if cpu else platform.machine()
    return f"{os.cpu_count()} cores ({kind}), Python {platform.python_version()}, {platform.system()}"
