"""Slack's rules for a message to an incoming webhook, as far as a message can break them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_BLOCKS, _MOST_CHARACTERS = 50, 13_200
_TEXT, _HEADER, _SECTION, _FIELD, _BUTTON, _URL = 40_000, 150, 3_000, 2_000, 75, 3_000
_MOST_FIELDS, _MOST_ELEMENTS = 10, 10
_CHART_TITLE, _SERIES, _POINTS, _LABEL, _MOST_CHARTS = 50, 6, 20, 20, 2
# Hooks that are told to be someone else began to answer 404.
_FORBIDDEN = ("channel", "username", "icon_emoji", "icon_url")

Refusal = tuple[int, str]


def refusal(payload: Any) -> Refusal | None:
    """The status and body that Slack refuses this payload with; None where it is welcome."""
    if not isinstance(payload, dict):
        return 400, "invalid_payload"
    if any(name in payload for name in _FORBIDDEN):
        return 404, "channel_not_found"
    blocks = [*payload.get("blocks", ()), *_attached(payload)]
    text = payload.get("text", "")
    if not blocks and not text:
        return 400, "no_text"
    if not isinstance(text, str) or len(text) > _TEXT:
        return 400, "invalid_payload"
    return (400, "invalid_blocks") if any(_faults(blocks)) else None


def _attached(payload: Mapping[str, Any]) -> Iterator[Any]:
    for attachment in payload.get("attachments", ()):
        yield from attachment.get("blocks", ())


def _faults(blocks: list[Any]) -> Iterator[str]:
    if len(blocks) > _MOST_BLOCKS:
        yield "too many blocks"
    if sum(len(text) for text in _texts(blocks)) > _MOST_CHARACTERS:
        yield "too many characters"
    if sum(isinstance(each, dict) and each.get("type") == "data_visualization" for each in blocks) > _MOST_CHARTS:
        yield "too many charts"
    for block in blocks:
        check = _CHECKS.get(str(block.get("type"))) if isinstance(block, dict) else None
        if check is None:
            yield "a block of no known type"
        else:
            yield from check(block)


def _texts(part: Any) -> Iterator[str]:
    """Every text a reader sees."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)


def _text(value: Any, limit: int, *kinds: str) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield "a text of the wrong type"
    elif not isinstance(value.get("text"), str) or not 1 <= len(value["text"]) <= limit:
        yield "a text that is empty or too long"


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("text"), _HEADER, "plain_text")


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "a section without a text"
    if "text" in block:
        yield from _text(block["text"], _SECTION, "mrkdwn", "plain_text")
    if len(fields) > _MOST_FIELDS:
        yield "too many fields"
    for field in fields:
        yield from _text(field, _FIELD, "mrkdwn", "plain_text")
    if "accessory" in block:
        yield from _button(block["accessory"])


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= _MOST_ELEMENTS:
        yield "no elements, or too many"
    for element in elements:
        yield from _text(element, _SECTION, "mrkdwn", "plain_text")


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    if not block.get("elements"):
        yield "no elements"
    for element in block.get("elements", []):
        yield from _button(element)


def _button(element: Any) -> Iterator[str]:
    if not isinstance(element, dict) or element.get("type") != "button":
        yield "an element that is no button"
        return
    yield from _text(element.get("text"), _BUTTON, "plain_text")
    if len(element.get("url", "")) > _URL:
        yield "a URL that is too long"
    if not str(element.get("url", "https://")).startswith(("https://", "http://")):
        yield "a URL that is none"


def _rich_text(block: Mapping[str, Any]) -> Iterator[str]:
    known = {"rich_text_section", "rich_text_preformatted", "rich_text_list", "rich_text_quote"}
    if not block.get("elements"):
        yield "no elements"
    for element in block.get("elements", []):
        if not isinstance(element, dict) or element.get("type") not in known:
            yield "an element of no known type"


def _chart(block: Mapping[str, Any]) -> Iterator[str]:
    """A line chart: each series has a point for each category, and in their order."""
    if not isinstance(block.get("title"), str) or not 1 <= len(block["title"]) <= _CHART_TITLE:
        yield "a title that is empty or too long"
    chart = block.get("chart", {})
    axes = chart.get("axis_config", {})
    categories = axes.get("categories", [])
    if chart.get("type") != "line":
        yield "a chart of no known type"
    if not 1 <= len(chart.get("series", [])) <= _SERIES or not 1 <= len(categories) <= _POINTS:
        yield "nothing to show, or too much"
    if len(set(categories)) < len(categories) or not all(1 <= len(each) <= _LABEL for each in categories):
        yield "labels that are empty, too long or the same"
    if any(len(axes.get(name, "")) > _CHART_TITLE for name in ("x_label", "y_label")):
        yield "an axis's label that is too long"
    for series in chart.get("series", []):
        if not 1 <= len(series.get("name", "")) <= _LABEL:
            yield "a name that is empty or too long"
        if [point.get("label") for point in series.get("data", [])] != categories:
            yield "points that do not fit the axis"
        if not all(isinstance(point.get("value"), int | float) for point in series.get("data", [])):
            yield "a value that is no number"


def _divider(_: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


_CHECKS = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "data_visualization": _chart,
    "divider": _divider,
    "rich_text": _rich_text,
}
