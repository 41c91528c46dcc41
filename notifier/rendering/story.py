"""A story: what one message says, before any destination decides how it looks.

Every text in it is clean and bounded (`text.py`), but may still be markup to somebody: destinations treat it as data.
"""

from dataclasses import dataclass
from enum import StrEnum

from notifier.model import TuningJob


class Tone(StrEnum):
    """How a message should feel at first sight."""

    STARTED = "started"
    GOING = "going"
    BETTER = "better"
    GOOD = "good"
    BAD = "bad"
    CALM = "calm"
    GONE = "gone"
    TROUBLE = "trouble"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyperparameter: its value, or `old → new` where it changed against the previous best, or its range."""

    name: str
    value: str
    changed: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


@dataclass(frozen=True, slots=True)
class Link:
    """A way to look closer. `label` is our own word, `url` percent-encoded."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    """How a value went, as few points as can be read: at least two, each with a label of its own.

    Texts are clean, but cut by who draws it.
    """

    title: str
    x_label: str
    y_label: str
    points: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One job's line in a digest."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Trials:
    """How far a search has come. `maximum` is None where the job has no limit of trials."""

    completed: int
    failed: int
    stopped: int
    running: int
    maximum: int | None

    @classmethod
    def of(cls, job: TuningJob) -> "Trials":
        """The trials of a job."""
        counts = job.counts
        return cls(counts.completed, counts.failed, counts.stopped, counts.active or 0, job.limits.max_training_jobs)

    @property
    def words(self) -> tuple[str, ...]:
        """`4 of 20 trials`, `1 failed`, …; what is nought goes without saying."""
        first = f"{self.completed} trials" if self.maximum is None else f"{self.completed} of {self.maximum} trials"
        rest = (("failed", self.failed), ("stopped", self.stopped), ("running", self.running))
        return first, *(f"{count} {what}" for what, count in rest if count)

    def bar(self, cells: int = 10) -> str:
        """`███×▒▒░░░░`: completed, failed or stopped, running, still to come. Empty without a maximum."""
        if not self.maximum:
            return ""
        # Failed trials are tried again, so all together may be more than the maximum.
        done, lost = self.completed, self.failed + self.stopped
        total = max(self.maximum, done + lost + self.running)
        # Edges are rounded down: a full bar means that nothing is left.
        edges = [cells * count // total for count in (done, done + lost, done + lost + self.running, total)]
        starts = (0, *edges)
        return "".join(symbol * (end - start) for symbol, start, end in zip("█×▒░", starts, edges, strict=False))


@dataclass(frozen=True, slots=True)
class Story:
    """One message. What matters most comes first, in the order of the fields."""

    tone: Tone
    headline: str
    """Which job, what happened, and the number that matters."""
    lines: tuple[str, ...] = ()
    quote: str = ""
    """A failure reason, as it was given: may have several lines."""
    rows: tuple[Row, ...] = ()
    chart: Chart | None = None
    sparkline: str = ""
    """The chart as one line, for where none can be drawn."""
    trials: Trials | None = None
    facts: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    copyable: str = ""
    """The best's hyperparameters as JSON, in one line."""
    links: tuple[Link, ...] = ()
    place: tuple[str, ...] = ()
    """Where and when: region, account, time."""
    alarming: bool = False
    """Whether somebody should be mentioned: a tuning job failed."""
    repeated: bool = False

    @property
    def progress(self) -> str:
        """The bar and the facts, as one line."""
        bar = self.trials.bar() if self.trials else ""
        words = self.trials.words if self.trials else ()
        repeated = ("(may be repeated)",) if self.repeated else ()
        return f"{bar} {' · '.join((*words, *self.facts, *repeated))}".strip()

    def shown(self, limit: int) -> tuple[tuple[Parameter, ...], int]:
        """At most `limit` parameters, changed ones first in need, in their own order; and how many are left out."""
        places = sorted(range(len(self.parameters)), key=lambda place: not self.parameters[place].changed)[:limit]
        return tuple(self.parameters[place] for place in sorted(places)), len(self.parameters) - len(places)
