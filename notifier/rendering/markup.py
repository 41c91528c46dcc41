"""How plain text, Markdown and HTML are written, so that text which is not ours stays text and calls nobody."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from notifier.rendering.story import Link

_BREAK = "\u200b"
"""Seen by nobody, and no part of any name: what follows an @ is then nobody's."""
_CALLING = re.compile(rf"(?<=[@<])(?=[^\s{_BREAK}])|(?<=\])(?=[(\[:])")
"""After `@` (`@everyone`, `@room`), after `<` (`<!channel>`, `<at id="all">`), inside `](` and alike."""
_MARKDOWN = re.compile(r"[\\`*\[\]<>~|&]|(?<![^\W_])_|_(?![^\W_])")
"""Signs that mean something wherever they stand; an underscore inside a word does not."""
_BEGINNING = re.compile(r"^(\s*\d*)([-+.)#=])", re.MULTILINE)
"""What makes a line a list's, a heading, or a heading of the line before it."""

_QUOTE = '<blockquote style="margin: 0; padding-left: 12px; border-left: 3px solid #bbb">'


class Markup(StrEnum):
    """What a reader understands, by Apprise's names."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Writer:
    """How one markup is written. All but `between` take text that is not ours, and make it inert."""

    strong: Callable[[str], str]
    paragraph: Callable[[str], str]
    items: Callable[[tuple[str, ...]], str]
    quote: Callable[[str], str]
    code: Callable[[str], str]
    links: Callable[[tuple[Link, ...]], str]
    between: str


def inert(text: str) -> str:
    """The text with nothing in it that a chat service would take for a mention, a tag or a link under other words."""
    return _CALLING.sub(_BREAK, text)


def markdown_text(text: str) -> str:
    """The text as Markdown shows it literally."""
    # Not before every sign: not every reader takes the backslashes away.
    return _BEGINNING.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", inert(text)))


def html_text(text: str) -> str:
    """The text as HTML shows it literally."""
    return html.escape(inert(text))


def _plain_links(links: tuple[Link, ...]) -> str:
    return "\n".join(f"{each.label}: {each.url}" for each in links)


def _markdown_links(links: tuple[Link, ...]) -> str:
    # Percent-encoded, so that only a bracket of the address itself could end it.
    return " · ".join(f"[{each.label}]({each.url.replace('(', '%28').replace(')', '%29')})" for each in links)


def _html_links(links: tuple[Link, ...]) -> str:
    written = (f'<a href="{html.escape(each.url)}">{each.label}</a>' for each in links)
    return f"<p>{' · '.join(written)}</p>"


def _html_quote(text: str) -> str:
    lines = html_text(text).replace("\n", "<br/>")
    return f"{_QUOTE}{lines}</blockquote>"


def _fenced(text: str) -> str:
    return "```\n{}\n```".format(inert(text.replace("`", "'")))


def _quoted(text: str, mark: str, write: Callable[[str], str]) -> str:
    return "\n".join(f"{mark}{write(each)}".rstrip() for each in text.splitlines())


WRITERS: Mapping[Markup, Writer] = {
    Markup.TEXT: Writer(
        strong=inert,
        paragraph=inert,
        items=lambda texts: "\n".join(inert(each) for each in texts),
        quote=lambda text: _quoted(text, "| ", inert),
        code=inert,
        links=_plain_links,
        between="\n",
    ),
    Markup.MARKDOWN: Writer(
        strong=lambda text: f"**{markdown_text(text)}**",
        paragraph=markdown_text,
        # A list, because some readers make one line of several.
        items=lambda texts: "\n".join(f"- {markdown_text(each)}" for each in texts),
        quote=lambda text: _quoted(text, "> ", markdown_text),
        code=_fenced,
        links=_markdown_links,
        between="\n\n",
    ),
    Markup.HTML: Writer(
        strong=lambda text: f"<p><b>{html_text(text)}</b></p>",
        paragraph=lambda text: f"<p>{html_text(text)}</p>",
        items=lambda texts: f"<ul>{''.join(f'<li>{html_text(each)}</li>' for each in texts)}</ul>",
        quote=_html_quote,
        code=lambda text: f'<pre style="white-space: pre-wrap">{html_text(text)}</pre>',
        links=_html_links,
        between="\n",
    ),
}
