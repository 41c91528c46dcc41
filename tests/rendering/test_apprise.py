"""Whatever a service takes, a story fits it, calls nobody, and stays text; of a digest nothing is left out."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from notifier.model import Batch, Event, Status
from notifier.rendering import DIGEST_JOBS, tell
from notifier.rendering.apprise import Piece, Shape, pieces
from notifier.rendering.markup import Markup, html_text, inert, markdown_text
from notifier.rendering.text import clean
from tests.examples import best, ended, new_best, started, tuning_job
from tests.rendering.hostile import TEXT, batches

CALL = re.compile(r"[@<](?=[^\s\u200b])|\](?=[(\[:])")
"""What chat services take for the beginning of a mention, of a tag, or for a link under other words."""
TAGS = {"p", "b", "ul", "li", "blockquote", "br", "pre", "a"}
LABELS = {"Tuning job", "Best training job", "Log of a failed trial"}
OURS = {"strong", "bullet_list", "list_item", "blockquote", "paragraph", "link", "fence", "text", "softbreak", "inline"}
TITLES = st.sampled_from([0, 60, 250])
SHAPES = st.builds(Shape, st.sampled_from(Markup), st.sampled_from([1000, 1024, 2000, 4096, 32768]), TITLES)
SMALL = st.builds(Shape, st.just(Markup.TEXT), st.sampled_from([80, 140, 160, 500]), TITLES)


class Page(HTMLParser):
    """What a browser makes of a body: the tags that are open, those that there were, and the text."""

    def __init__(self, body: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: set[str] = set()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


def check(piece: Piece, shape: Shape) -> None:
    """All that must hold for any piece."""
    assert piece.body.strip()
    assert len(piece.body) <= shape.body
    assert len(piece.title) <= shape.title
    assert not CALL.search(piece.title)
    piece.body.encode()
    match shape.markup:
        case Markup.TEXT:
            assert not CALL.search(piece.body)
        case Markup.HTML:
            check_html(piece.body)
        case Markup.MARKDOWN:
            check_markdown(piece.body)


def check_html(body: str) -> None:
    page = Page(body)
    assert not page.open
    assert page.seen <= TAGS
    assert all(each.startswith("https://") for each in page.links)
    assert not CALL.search(page.text)


def check_markdown(body: str) -> None:
    for token in MarkdownIt().parse(body):
        kind = re.sub(r"_(open|close)$", "", token.type)
        assert kind in OURS, (kind, body)
        for child in token.children or ():
            kind = re.sub(r"_(open|close)$", "", child.type)
            assert kind in OURS, (kind, body)
            assert kind != "link" or child.nesting < 0 or str(child.attrs["href"]).startswith("https://")
            assert not CALL.search(child.content)


@given(batches(), SHAPES | SMALL)
@settings(suppress_health_check=list(HealthCheck), max_examples=200, deadline=None)
def test_hostile_text_fits_every_service_and_stays_text(batch: Batch, shape: Shape) -> None:
    told = pieces(tell(batch), shape)

    assert told
    for each in told:
        check(each, shape)


@given(TEXT)
def test_escaped_text_is_shown_as_it_was(text: str) -> None:
    plain = " ".join(clean(text).split())
    (paragraph,) = [each for each in MarkdownIt().parse(markdown_text(plain) or "x") if each.type == "inline"]

    assert "".join(each.content for each in paragraph.children or ()) == (inert(plain) or "x")
    assert Page(html_text(plain)).text == inert(plain)


@pytest.mark.parametrize(
    "text",
    ["@everyone", "@here", "@room", "@**all**", "<!channel>", "<@123>", "<@&123>", "<users/all>", "<at>bob</at>"],
)
def test_no_mention_of_any_service_survives_in_any_markup(text: str) -> None:
    story = tell(Batch((ended(tuning_job(failure_reason=f"asked {text} for help"), Status.FAILED),)))

    for markup in Markup:
        (piece,) = pieces(story, Shape(markup, 4000))
        assert text not in Page(piece.body).text.replace("\\", "")
        assert "asked" in piece.body


@pytest.mark.parametrize("markup", Markup)
@pytest.mark.parametrize("size", [160, 1000, 2000, 4096])
@pytest.mark.parametrize("title", [0, 250], ids=["untitled", "titled"])
def test_a_digest_names_every_job_that_ended_in_as_many_pieces_as_it_takes(
    markup: Markup, size: int, title: int
) -> None:
    names = [f"job-{number:02d}-of-the-long-night" for number in range(DIGEST_JOBS)]
    shape = Shape(markup, size, title)

    told = pieces(tell(Batch(tuple(ended(tuning_job(name)) for name in names))), shape)

    for each in told:
        check(each, shape)
    together = "".join(each.body for each in told)
    assert [name for name in names if together.count(name) != 1] == []
    assert len({each.title for each in told}) == (len(told) if title else 1)


def test_a_digest_tells_its_failures_first_even_where_it_is_split() -> None:
    events: list[Event] = [ended(tuning_job(f"fine-{number}")) for number in range(20)]
    events.append(ended(tuning_job("broken", failure_reason="ClientError: no data"), Status.FAILED))

    first = pieces(tell(Batch(tuple(events))), Shape(Markup.TEXT, 160))[0]

    assert first.body.startswith(
        "❌ 21 tuning jobs ended: 1 failed, 20 completed\n❌ broken: failed, ClientError: no data\n"
    )


def test_where_there_is_little_room_what_matters_most_is_kept() -> None:
    job = tuning_job(best=best(), failure_reason="AlgorithmError: " + "the file is not there " * 60)
    story = tell(Batch((ended(job, Status.FAILED),)))

    bodies = {size: pieces(story, Shape(Markup.TEXT, size))[0].body for size in (160, 1000, 4000)}

    assert bodies[160].splitlines()[0] == "❌ xgb-churn: failed, best 0.9"
    assert "AlgorithmError" not in bodies[160]
    assert all(part in bodies[1000] for part in ("AlgorithmError", "4 of 20 trials", "Tuning job: https://"))
    assert '{"eta": 0.3' not in bodies[1000]
    assert '{"eta": 0.3, "max_depth": 6}' in bodies[4000]
    assert len(bodies[4000]) > len(bodies[1000])


def test_a_new_best_in_markdown() -> None:
    batch = Batch((new_best(best(2, 0.91, eta="0.2", max_depth="6"), best(1, 0.9)),))

    (piece,) = pieces(tell(batch), Shape(Markup.MARKDOWN, 2000))

    assert piece == Piece(
        "",
        "**🏆 xgb-churn: new best 0.91**\n\n"
        "- up 0.01 (1.1 %) from the previous best\n"
        "- validation:auc, higher is better\n\n"
        "██▒░░░░░░░ 4 of 20 trials · 2 running · 1 h so far\n\n"
        "eta: 0.3 → 0.2, max\\_depth: 6\n\n".replace("\\_", "_")
        + '```\n{"eta": 0.2, "max_depth": 6}\n```\n\n'
        "[Tuning job](https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1"
        "#/hyper-tuning-jobs/xgb-churn) · "
        "[Best training job](https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/xgb-002)\n\n"
        "us-east-1 · 111122223333 · 31 Jan 12:00 UTC",
    )


def test_a_title_of_its_own_holds_the_headline_and_the_body_does_not_repeat_it() -> None:
    (piece,) = pieces(tell(Batch((started(),))), Shape(Markup.HTML, 32768, 250))

    assert piece.title == "🚀 xgb-churn: started"
    assert "started" not in piece.body


def test_a_title_is_text_to_those_too_who_read_markdown_in_it() -> None:
    (piece,) = pieces(tell(Batch((started(tuning_job("**a** `b` [c](http://d) @e")),))), Shape(Markup.TEXT, 4000, 250))

    assert piece.title == "🚀 ∗∗a∗∗ 'b' [c]\u200b(http://d) @\u200be: started"
