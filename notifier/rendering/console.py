"""A story as plain lines: for a terminal, a log, and wherever markup is refused."""

import textwrap

from notifier.rendering.story import Story

PARAMETERS = 20
WIDTH = 110
GLUE = "\u00a0"


def lines(story: Story) -> list[str]:
    """The headline first; what belongs to it is indented. No markup, no colours, no line longer than it must be."""
    told = [story.headline]
    told += [f"  {each}" for each in story.lines]
    told += [f"  - {row.text}" for row in story.rows]
    told += [f"  | {each}" for each in story.quote.splitlines()]
    told += [f"  {story.progress}"] if story.progress else []
    told += _parameters(story)
    told += [f"  {' · '.join(story.place)}"] if story.place else []
    told += [f"  {link.label}: {link.url}" for link in story.links]
    return told


def _parameters(story: Story) -> list[str]:
    shown, hidden = story.shown(PARAMETERS)
    texts = [str(each) for each in shown] + ([f"+{hidden} more"] if hidden else [])
    # A line may end between two parameters, not inside one.
    joined = ", ".join(each.replace(" ", GLUE) for each in texts)
    wrapped = textwrap.wrap(joined, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"  {each.replace(GLUE, ' ')}" for each in wrapped]
