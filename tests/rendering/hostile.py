"""Text that wants to be more than text, and tuning jobs made of it."""

from dataclasses import replace

from hypothesis import strategies as st

from notifier.model import (
    Batch,
    BestTrainingJob,
    Event,
    EventType,
    Metric,
    Notice,
    NoticeType,
    ParameterRange,
    ResourceLimits,
    Status,
    TrialCounts,
    TuningJob,
)
from tests.examples import NOON, ended, new_best, started, tuning_job

MARKUP = (
    "<!channel>",
    "<!here|x>",
    "<@U012ABCDEF>",
    "<!subteam^S012ABCDEF>",
    "<https://evil.example|click>",
    "@here @channel @everyone",
    "[click](https://evil.example)",
    "![seen](https://evil.example/pixel.png)",
    "# loud\n---\n1. one\n> said",
    "*bold* _it_ ~no~ `code` ```pre```",
    ":tada:",
    "&lt;!channel&gt;",
    "<script>alert(1)</script>",
    "\x00\x07\x1b[2J\x9b",
    "\u202egnp.exe\u2066",
    "\ud800",
    "\udfff\ud800",
    "שלום عليكم",
    "\r\n\u2028\t",
    "e\u0301" * 30,
    "👩\u200d🔬" * 20,
)
TEXT = st.one_of(
    st.sampled_from(MARKUP),
    st.lists(st.sampled_from(MARKUP), min_size=2, max_size=6).map("".join),
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.sampled_from(MARKUP).map(lambda text: (text * 10_000)[:10_000]),
)
_VALUE = st.one_of(TEXT, st.floats().map(str), st.integers().map(str))
HYPERPARAMETERS = st.one_of(
    st.dictionaries(TEXT, _VALUE, max_size=12),
    st.integers(100, 400).map(lambda count: {f"parameter_{each:03d}_{'x' * 200}": "0.1" * 80 for each in range(count)}),
)
FLOAT = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1, width=32))
COUNT = st.one_of(st.integers(0, 20), st.integers(0, 10**9))


# Composites throughout: Hypothesis prints the arguments of `builds` and `map`, and these are long.


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    """A final value."""
    return Metric(draw(TEXT), draw(FLOAT))


@st.composite
def ranges(draw: st.DrawFn) -> ParameterRange:
    """What is tuned."""
    return ParameterRange(draw(TEXT), draw(TEXT), (draw(TEXT),))


@st.composite
def trials(draw: st.DrawFn) -> BestTrainingJob:
    """A leading trial."""
    return BestTrainingJob(
        training_job_name=draw(TEXT),
        status=draw(TEXT),
        metric=draw(st.one_of(st.none(), metrics())),
        hyperparameters=draw(HYPERPARAMETERS),
    )


@st.composite
def jobs(draw: st.DrawFn) -> TuningJob:
    """A tuning job of which everything that is text is hostile."""
    return tuning_job(
        draw(TEXT),
        draw(st.one_of(st.sampled_from(Status), TEXT)),
        region=draw(st.one_of(st.just("eu-west-1"), TEXT)),
        failure_reason=draw(st.one_of(st.none(), TEXT)),
        strategy=draw(TEXT),
        objective_metric=draw(TEXT),
        direction=draw(st.one_of(st.none(), st.sampled_from(["Maximize", "Minimize"]), TEXT)),
        best=draw(st.one_of(st.none(), trials())),
        overall_best=draw(st.one_of(st.none(), trials())),
        parameter_ranges=tuple(draw(st.lists(ranges(), max_size=15))),
        counts=TrialCounts(draw(COUNT), draw(COUNT), draw(COUNT), draw(COUNT), draw(COUNT)),
        limits=ResourceLimits(draw(st.one_of(st.none(), COUNT)), draw(COUNT), draw(COUNT)),
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event of a hostile job."""
    job = draw(jobs())
    match draw(st.sampled_from(EventType)):
        case EventType.STARTED:
            return started(job)
        case EventType.NEW_BEST:
            event = new_best(draw(trials()), draw(st.one_of(st.none(), trials())), job)
            assert event.best
            return replace(event, best=replace(event.best, first_value=draw(FLOAT)))
        case EventType.DELETED:
            return Event("id", EventType.DELETED, NOON, job)
    return ended(job, job.status)


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    """A word of the service that repeats hostile text."""
    kind, title = draw(st.sampled_from(NoticeType)), draw(TEXT)
    return Notice("n", kind, NOON, title, tuple(draw(st.lists(TEXT, max_size=30))), draw(st.one_of(st.none(), TEXT)))


EVENTS = st.one_of(events(), notices())


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Anything that can be owed as one message."""
    return Batch(tuple(draw(st.lists(EVENTS, min_size=1, max_size=5))), draw(st.booleans()))
