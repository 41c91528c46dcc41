"""A story as Slack's blocks, within the limits of Block Kit."""

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
    SectionBlock,
)

from notifier.rendering.slack_chart import ChartBlock
from notifier.rendering.story import Chart, Story, Tone
from notifier.rendering.text import cut, escape

HEADER, LINES, FIELD, FIELDS, CONTEXT = 150, 2000, 160, 10, 600
"""The most characters of each part, and the most fields: together below 10,000."""
ROWS = 10
"""Rows of a digest in one section: 10 of them stay below its 3,000 characters."""


def blocks(
    story: Story, headline: str, called: str, emoji: Mapping[Tone, str], chart: Chart | None
) -> list[dict[str, Any]]:
    """The story as blocks. `called` is markup that calls somebody, or nothing; `emoji` stand before a digest's rows."""
    return [block.to_dict() for block in _blocks(story, headline, called, emoji, chart)]


def _blocks(
    story: Story, headline: str, called: str, emoji: Mapping[Tone, str], chart: Chart | None
) -> Iterator[Block | ChartBlock]:
    yield HeaderBlock(text=_plain(headline, HEADER))
    if called:
        yield SectionBlock(text=MarkdownTextObject(text=f"{called} please have a look."))
    if story.lines:
        yield SectionBlock(text=_plain("\n".join(story.lines), LINES))
    if story.quote:
        yield _preformatted(story.quote)
    for start in range(0, len(story.rows), ROWS):
        rows = (f"{emoji[row.tone]} {row.text}" for row in story.rows[start : start + ROWS])
        yield SectionBlock(text=_plain("\n".join(rows), 3000))
    if chart is not None:
        yield ChartBlock(chart)
    elif story.sparkline:
        yield ContextBlock(elements=[_plain(story.sparkline, CONTEXT)])
    if story.progress:
        yield ContextBlock(elements=[_plain(story.progress, CONTEXT)])
    yield from _fields(story)
    if story.copyable:
        yield _preformatted(story.copyable)
    yield from _footer(story)


def _preformatted(text: str) -> RichTextBlock:
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[RichTextElementParts.Text(text=text)])])


def _fields(story: Story) -> Iterator[Block]:
    """The hyperparameters: an arrow marks the changed ones, and the last field counts what did not fit."""
    limit = FIELDS if len(story.parameters) <= FIELDS else FIELDS - 1
    shown, hidden = story.shown(limit)
    texts = [str(each) for each in shown] + ([f"+{hidden} more"] if hidden else [])
    if texts:
        yield SectionBlock(fields=[_plain(each, FIELD) for each in texts])


def _footer(story: Story) -> Iterator[Block]:
    links = " · ".join(f"<{escape(link.url, len(link.url) * 5)}|{link.label}>" for link in story.links)
    elements: list[Any] = [MarkdownTextObject(text=links, verbatim=True)] if links else []
    elements += [_plain(" · ".join(story.place), CONTEXT)] if story.place else []
    if elements:
        yield ContextBlock(elements=elements)


def _plain(text: str, limit: int) -> PlainTextObject:
    # Without `emoji`, Slack would turn ":name:" in a metric's name into a picture.
    return PlainTextObject(text=cut(text, limit), emoji=False)
