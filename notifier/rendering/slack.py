"""A story as a Slack message: Block Kit, within Slack's limits, and unable to mention anybody by accident.

Text that is not ours stands in plain_text or preformatted rich_text only, where Slack reads no markup. Our own words
and percent-encoded addresses may be mrkdwn. Links are text, not buttons: a button of an app without an interactivity
endpoint, and an incoming webhook is one, gets a warning sign when it is pressed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from notifier.rendering.console import lines as plain_lines
from notifier.rendering.slack_chart import CHART
from notifier.rendering.story import Chart, Story, Tone
from notifier.rendering.text import escape

TEXT = 3000
"""The most characters of a text without blocks."""
EMOJI = {
    Tone.STARTED: "🚀",
    Tone.GOING: "⏳",
    Tone.BETTER: "🏆",
    Tone.GOOD: "✅",
    Tone.BAD: "❌",
    Tone.CALM: "⏹️",
    Tone.GONE: "🗑️",
    Tone.TROUBLE: "⚠️",
    Tone.NEWS: "📋",
}
_MENTION = re.compile(r"here|channel|[UW][A-Z0-9]{2,20}|S[A-Z0-9]{2,20}")


def mention_markup(who: str) -> str:
    """Slack's markup for `here`, `channel`, a user id (U…, W…) or a user group's (S…); ValueError for anything else."""
    if not who:
        return ""
    if not _MENTION.fullmatch(who):
        raise ValueError("not somebody to mention: write here, channel, a user id (U…) or a group id (S…)")
    if who in {"here", "channel"}:
        return f"<!{who}>"
    return f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>"


def messages(story: Story, mention: str = "") -> Iterator[dict[str, Any]]:
    """The payloads to try, the richest first, for the case that Slack refuses it. `mention` is the setting, not markup.

    With a chart, with a line of text in its place, and without any blocks; `text` is for the notification.
    """
    if story.chart is not None:
        yield message(story, mention, chart=story.chart)
    yield message(story, mention)
    yield plain_message(story, mention)


def message(story: Story, mention: str = "", chart: Chart | None = None) -> dict[str, Any]:
    """The payload with blocks: `text` for the notification, `blocks` for the channel."""
    # Slack's models are two megabytes that nobody pays for who has no Slack.
    from notifier.rendering.slack_blocks import blocks

    built = blocks(story, _headline(story), _called(story, mention), EMOJI, chart)
    return {**_quiet(), "text": escape(_notification(story), TEXT), "blocks": built}


def has_chart(payload: Mapping[str, Any]) -> bool:
    """Whether a payload has a chart, which not every Slack takes."""
    return any(block["type"] == CHART for block in payload.get("blocks", ()))


def plain_message(story: Story, mention: str = "") -> dict[str, Any]:
    """The same without blocks."""
    told = escape("\n".join((_headline(story), *plain_lines(story)[1:])), TEXT)
    return {**_quiet(), "text": f"{_called(story, mention)} {told}".strip()}


def _notification(story: Story) -> str:
    """What a locked phone shows: what happened, and in one line why, or how far it came."""
    return " · ".join((_headline(story), *(story.quote.splitlines()[:1] or story.lines[:1])))


def _quiet() -> dict[str, Any]:
    """No formatting in `text`, no previews of links: both would act upon text that is not ours."""
    return {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _called(story: Story, mention: str) -> str:
    return mention_markup(mention) if story.alarming else ""


def _headline(story: Story) -> str:
    return f"{EMOJI[story.tone]} {story.headline}"
