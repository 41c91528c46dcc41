"""Text from AWS is data: what could steer a terminal, a page or a reader's eye is taken out, and it is cut to fit."""

import unicodedata

ELLIPSIS = "…"
_KEPT = frozenset({"\n", "\u200c", "\u200d"})
"""Line ends, and the two joiners that scripts and emoji need."""
_REMOVED = frozenset({"Cc", "Cf", "Cs"})
"""Control characters (NUL too), invisible ones (bidirectional overrides too), lone surrogates."""
_LONGEST_ESCAPE = len("&amp;")


def clean(text: str) -> str:
    """The text without anything invisible; its line ends stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    spaced = lines.replace("\t", " ")
    return "".join(each for each in spaced if each in _KEPT or unicodedata.category(each) not in _REMOVED)


def line(text: str, limit: int) -> str:
    """The text as one clean line of at most `limit` characters."""
    # A line of text is wanted, so 10 kB of it need not be read to its end.
    return cut(" ".join(clean(text[: limit * 8]).split()), limit)


def paragraph(text: str, limit: int) -> str:
    """The text, clean, with its line ends, of at most `limit` characters."""
    return cut(clean(text).strip(), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def escape(text: str, limit: int) -> str:
    """Slack's escapes for `& < >`, cut to `limit` characters and never inside an escape.

    After this, text can make no mention, no link and no channel reference.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(escaped) <= limit:
        return escaped
    kept = escaped[: limit - 1]
    start = kept.rfind("&", max(0, len(kept) - _LONGEST_ESCAPE))
    if start >= 0 and ";" not in kept[start:]:
        kept = kept[:start]
    return kept + ELLIPSIS
