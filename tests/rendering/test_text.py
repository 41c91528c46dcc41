"""Text from AWS is data: cleaned, cut, escaped."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering import text

ANY = st.text(st.characters(exclude_categories=()))
"""Lone surrogates included."""


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        pytest.param("a\x00b\x1b[31mc\x7fd\x9be", "ab[31mcde", id="control-characters"),
        pytest.param("a\ud800b", "ab", id="lone-surrogate"),
        pytest.param("pay\u202egpj.exe\u202c", "paygpj.exe", id="bidirectional-override"),
        pytest.param("\u2066a\u2069\u200b\ufeff", "a", id="isolates-and-invisible"),
        pytest.param("a\r\nb\rc\u2028d", "a\nb\nc\nd", id="line-ends"),
        pytest.param("a\tb", "a b", id="tab"),
        pytest.param("שלום 👩\u200d🔬", "שלום 👩\u200d🔬", id="right-to-left-and-emoji-stay"),
    ],
)
def test_what_could_deceive_is_taken_out(given_text: str, cleaned: str) -> None:
    assert text.clean(given_text) == cleaned


@given(ANY, st.integers(2, 50))
def test_a_line_is_one_line_within_its_limit_and_can_be_sent(given_text: str, limit: int) -> None:
    told = text.line(given_text, limit)

    assert len(told) <= limit
    assert len(told.splitlines()) <= 1
    assert told.encode().decode() == told


def test_what_is_cut_says_so() -> None:
    assert text.cut("abcdef", 4) == "abc…"
    assert text.cut("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("given_text", "limit", "escaped"),
    [
        pytest.param("<!channel> & co", 99, "&lt;!channel&gt; &amp; co", id="whole"),
        pytest.param("&lt;", 99, "&amp;lt;", id="an-escape-is-text-too"),
        pytest.param("ab<cd", 6, "ab…", id="before-an-escape"),
        pytest.param("ab<cdefgh", 7, "ab&lt;…", id="after-an-escape"),
    ],
)
def test_escapes_are_never_cut_in_two(given_text: str, limit: int, escaped: str) -> None:
    assert text.escape(given_text, limit) == escaped


@given(st.text("&<>;lgtamp x", max_size=40), st.integers(2, 60))
def test_escaped_text_is_a_beginning_of_the_text(given_text: str, limit: int) -> None:
    escaped = text.escape(given_text, limit)

    assert len(escaped) <= limit
    assert not set("<>") & set(escaped)
    assert given_text.startswith(html.unescape(escaped.removesuffix(text.ELLIPSIS)))
