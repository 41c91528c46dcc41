"""The table of docs/performance.md: new figures take the place of old ones."""

from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.written import BEGIN, END, PAGE, write


def rows(page: Path) -> list[str]:
    """The lines of the table, without its head."""
    return [line for line in page.read_text().splitlines() if line.startswith("| ")][2:]


def test_figures_take_the_place_of_those_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\n{END}\n\nText.\n")

    write([Figure("old", 2.0, "×", 1.0)], page)
    write([Figure("CPU of 1,000 jobs (7.0 ms bare)", 0.5, "×", 1.0), Figure("memory", 100.0, "MB")], page)

    assert rows(page) == [
        "| CPU of 1,000 jobs (7.0 ms bare) | 0.5 × | ≤ 1 × | reached |",
        "| memory | 100.0 MB |  |  |",
    ]
    text = page.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n") and text.endswith(f"{END}\n\nText.\n")
    assert "cores" in text and "Python" in text


def test_the_page_has_a_place_for_them() -> None:
    text = PAGE.read_text()

    assert text.index(BEGIN) < text.index(END)
    assert len(rows(PAGE)) > 20
