"""A story as one of Apprise's services takes it: a title, a body in its markup, and as many pieces as it must be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from notifier.rendering.markup import WRITERS, Markup, Writer, inert
from notifier.rendering.slack import EMOJI
from notifier.rendering.story import Row, Story
from notifier.rendering.text import cut

HEADS = (200, 100, 60, 20)
QUOTES = (1500, 500, 150)
PARAMETERS = (20, 8, 3)
ROWS = (200, 100, 60, 30)
"""The most characters of a headline, a quote and a row, the most parameters: the first that there is room for."""
ROOMY = 500
"""Below this, a row is short from the beginning: what counts is that all of them are named in few messages."""
SHORT = 1024
"""A service that takes no more than this wants a short word: hyperparameters to be copied are not."""
LEAST = 80
"""A body shorter than this is none: whatever a service says of itself, so much is written."""
_NUMBER = len(" (100)")
_TITLE_MARKS = str.maketrans("`*~", "'∗∼")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a service takes: its markup, the most characters of a body and of a title; 0: it has no titles."""

    markup: Markup
    body: int
    title: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One message. `title` is empty where the service has none: then the body begins with it."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a body. Of its `forms` the first that there is room for is taken, or none.

    Room is given by `need`, the smallest first; the order on paper is another.
    """

    need: int
    forms: tuple[str, ...]


def pieces(story: Story, shape: Shape) -> list[Piece]:
    """The messages that tell a story, at least one, each within the shape.

    What matters most is kept where there is little room, and of a digest every row: it may be several messages.
    """
    writer, limit = WRITERS[shape.markup], max(LEAST, shape.body)
    if not story.rows:
        # No service takes a message without a body.
        body = _body(list(_parts(story, writer, shape)), limit, writer) or writer.paragraph(cut(_headline(story), 40))
        return [Piece(_title(story, shape), body)]
    return [_digest_piece(story, shape, each) for each in _digest_bodies(story, writer, shape, limit)]


def _title(story: Story, shape: Shape) -> str:
    """The headline where it stands alone, as text: what reads Markdown in a title as well must find none."""
    if not shape.title:
        return ""
    # Cut where a name began to call somebody, the ellipsis would be called.
    return inert(cut(inert(_headline(story)).translate(_TITLE_MARKS), shape.title - _NUMBER - 1))


def _headline(story: Story) -> str:
    return f"{EMOJI[story.tone]} {story.headline}"


def _parts(story: Story, writer: Writer, shape: Shape) -> Iterator[_Part]:
    """The parts in the order in which they are read."""
    if not shape.title:
        yield _Part(0, tuple(writer.strong(cut(_headline(story), size)) for size in HEADS))
    if story.lines:
        yield _Part(1, tuple(writer.items(story.lines[:many]) for many in (len(story.lines), 3, 1)))
    if story.quote:
        yield _Part(2, tuple(writer.quote(cut(story.quote, size)) for size in QUOTES))
    if story.sparkline:
        yield _Part(6, (writer.paragraph(story.sparkline),))
    if story.progress:
        yield _Part(3, (writer.paragraph(story.progress),))
    if story.parameters:
        yield _Part(7, tuple(writer.paragraph(_parameters(story, many)) for many in PARAMETERS))
    if story.copyable and shape.body > SHORT:
        yield _Part(8, (writer.code(story.copyable),))
    if story.links:
        yield _Part(4, (writer.links(story.links),))
    if story.place:
        yield _Part(5, (writer.paragraph(" · ".join(story.place)),))


def _parameters(story: Story, many: int) -> str:
    shown, hidden = story.shown(many)
    return ", ".join([*map(str, shown), *([f"+{hidden} more"] if hidden else [])])


def _body(parts: Sequence[_Part], limit: int, writer: Writer) -> str:
    chosen: dict[int, str] = {}
    room = limit
    for place in sorted(range(len(parts)), key=lambda place: parts[place].need):
        fitting = next((form for form in parts[place].forms if len(form) <= room), None)
        if fitting is not None:
            chosen[place] = fitting
            room -= len(fitting) + len(writer.between)
    return writer.between.join(chosen[place] for place in sorted(chosen))


def _digest_bodies(story: Story, writer: Writer, shape: Shape, limit: int) -> Iterator[tuple[int, str]]:
    """The number of each piece, and its body: the rows that it has room for, at the end how far they go."""
    rows = list(story.rows)
    for number in count(1):
        head = _head(story, writer, shape, number)
        taken = _fitting(rows, writer, limit - sum(len(each) + len(writer.between) for each in head))
        written = [*head, writer.items(tuple(taken))]
        del rows[: len(taken)]
        if rows:
            yield number, writer.between.join(written)
            continue
        tail = [writer.paragraph(each) for each in (story.progress, " · ".join(story.place)) if each]
        rest = [_Part(0, (writer.between.join(written),)), *(_Part(1, (each,)) for each in tail)]
        yield number, _body(rest, limit, writer)
        return


def _head(story: Story, writer: Writer, shape: Shape, number: int) -> list[str]:
    if shape.title:
        return []
    # Where there is little room, what follows is told from what came before by its number alone.
    text = _headline(story) if number == 1 or shape.body > ROOMY else "…"
    mark = f" ({number})" if number > 1 else ""
    forms = [writer.strong(cut(text, size) + mark) for size in HEADS]
    return [next((form for form in forms if len(form) <= shape.body // 2), forms[-1])]


def _fitting(rows: Sequence[Row], writer: Writer, room: int) -> list[str]:
    """As many of the rows as there is room for, but always one, the first shortened if it must be."""
    most = ROWS[0] if room > ROOMY else ROWS[2]
    texts: list[str] = []
    for row in rows:
        text = f"{EMOJI[row.tone]} {cut(row.text, most)}"
        if texts and len(writer.items((*texts, text))) > room:
            break
        if not texts:
            text = next((short for short in _shortened(row) if len(writer.items((short,))) <= room), text)
        texts.append(text)
    return texts


def _shortened(row: Row) -> Iterator[str]:
    return (f"{EMOJI[row.tone]} {cut(row.text, size)}" for size in ROWS)


def _digest_piece(story: Story, shape: Shape, numbered: tuple[int, str]) -> Piece:
    number, body = numbered
    title = _title(story, shape)
    return Piece(f"{title} ({number})" if title and number > 1 else title, body)
