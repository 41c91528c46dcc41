"""Slack's rules for a message, and what it answers to one that breaks them."""

from typing import Any

import pytest

from notifier.simulator.slack_rules import refusal


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def blocks(*given: Any) -> dict[str, Any]:
    return {"text": "told", "blocks": list(given)}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Open"), "url": "https://example.com"} | changes


PREFORMATTED = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "Traceback"}]}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"text": "told"}, id="text-alone"),
        pytest.param(blocks({"type": "header", "text": plain("x" * 150)}), id="header"),
        pytest.param(blocks({"type": "section", "text": mrkdwn("x" * 3000)}), id="section"),
        pytest.param(blocks({"type": "section", "fields": [plain("x")] * 10}), id="fields"),
        pytest.param(blocks({"type": "section", "text": mrkdwn("x"), "accessory": button()}), id="accessory"),
        pytest.param(blocks({"type": "context", "elements": [mrkdwn("x")] * 10}), id="context"),
        pytest.param(blocks({"type": "actions", "elements": [button()]}), id="actions"),
        pytest.param(blocks({"type": "rich_text", "elements": [PREFORMATTED]}), id="rich-text"),
        pytest.param(blocks(*[{"type": "divider"}] * 50), id="fifty-blocks"),
        pytest.param({"attachments": [{"color": "#ff0000", "blocks": [{"type": "divider"}]}]}, id="attachment"),
    ],
)
def test_takes_what_keeps_the_rules(payload: dict[str, Any]) -> None:
    assert refusal(payload) is None


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        pytest.param(None, (400, "invalid_payload"), id="not-json"),
        pytest.param([], (400, "invalid_payload"), id="not-an-object"),
        pytest.param({}, (400, "no_text"), id="empty"),
        pytest.param({"text": ["told"]}, (400, "invalid_payload"), id="text-is-no-text"),
        pytest.param({"text": "told", "blocks": "none"}, (400, "invalid_blocks"), id="blocks-are-no-list"),
        pytest.param({"text": "told", "channel": "#general"}, (404, "channel_not_found"), id="chooses-a-channel"),
        pytest.param(blocks(*[{"type": "divider"}] * 51), (400, "invalid_blocks"), id="too-many-blocks"),
        pytest.param(blocks({"type": "marquee"}), (400, "invalid_blocks"), id="unknown-block"),
        pytest.param(blocks("divider"), (400, "invalid_blocks"), id="a-block-is-no-object"),
        pytest.param(blocks({"type": "header", "text": plain("x" * 151)}), (400, "invalid_blocks"), id="long-header"),
        pytest.param(blocks({"type": "header", "text": mrkdwn("x")}), (400, "invalid_blocks"), id="header-in-mrkdwn"),
        pytest.param(blocks({"type": "section"}), (400, "invalid_blocks"), id="section-without-text"),
        pytest.param(blocks({"type": "section", "text": mrkdwn("")}), (400, "invalid_blocks"), id="empty-text"),
        pytest.param(blocks({"type": "section", "fields": [plain("x")] * 11}), (400, "invalid_blocks"), id="fields"),
        pytest.param(blocks({"type": "context", "elements": []}), (400, "invalid_blocks"), id="context-empty"),
        pytest.param(blocks({"type": "actions", "elements": []}), (400, "invalid_blocks"), id="actions-empty"),
        pytest.param(
            blocks({"type": "actions", "elements": [button(url="javascript:alert(1)")]}),
            (400, "invalid_blocks"),
            id="not-a-web-address",
        ),
        pytest.param(
            blocks({"type": "actions", "elements": [{"type": "select"}]}), (400, "invalid_blocks"), id="no-button"
        ),
        pytest.param(
            blocks({"type": "rich_text", "elements": [{"type": "text"}]}), (400, "invalid_blocks"), id="rich-text"
        ),
        pytest.param(
            blocks(*[{"type": "section", "text": mrkdwn("x" * 3000)}] * 5),
            (400, "invalid_blocks"),
            id="too-long-in-all",
        ),
    ],
)
def test_refuses_what_breaks_them(payload: Any, answer: tuple[int, str]) -> None:
    assert refusal(payload) == answer
