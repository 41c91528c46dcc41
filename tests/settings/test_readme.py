"""The README shows every setting as the code has it."""

import re
from pathlib import Path

import pytest

from notifier.settings import settings_table

README = Path(__file__).parents[2] / "README.md"
BETWEEN = re.compile(r"<!-- settings -->\n(.*)\n<!-- /settings -->", re.DOTALL)


@pytest.mark.parametrize("line", settings_table().splitlines())
def test_the_readme_contains_every_line_of_the_table_of_settings(line: str) -> None:
    section = BETWEEN.search(README.read_text("utf-8"))

    assert section, "README.md needs the output of `notifier settings --markdown` between the markers of settings"
    assert line in section[1].splitlines()
