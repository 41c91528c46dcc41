"""How a search went, trial by trial: who leads, since when, and the line that its best draws."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from notifier.model import Direction, Trial, TuningJob
from notifier.rendering.numbers import narrowed, number
from notifier.rendering.story import Chart
from notifier.rendering.text import line

POINTS = 20
"""The most points of a chart: Slack's limit."""
CELLS = 24
"""The most cells of a line of text."""
AXIS = 50
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class History:
    """The trials that ended with a value, in the order in which they ended. `direction` is which way is better."""

    scored: tuple[Trial, ...]
    direction: Direction

    @classmethod
    def of(cls, trials: Sequence[Trial], direction: str | None) -> "History | None":
        """The history of these trials; None where nothing says which way is better, or no trial has a value."""
        scored = [each for each in trials if each.value is not None and each.over]
        if not scored or direction not in set(Direction):
            return None
        return cls(tuple(sorted(scored, key=lambda each: each.ended_at or each.created_at)), Direction(direction))

    @property
    def bests(self) -> tuple[float, ...]:
        """The best value after each of these trials."""
        return tuple(self._bests())

    @property
    def since_gain(self) -> int:
        """How many of them ended since the best was last bettered."""
        bests = self.bests
        return len(bests) - 1 - bests.index(bests[-1])

    @property
    def gains(self) -> int:
        """How many of them led when they ended."""
        bests = self.bests
        return 1 + sum(before != after for before, after in pairwise(bests))

    def before_gain(self, name: str) -> int | None:
        """How many trials ended between this one's gain and the one before it; None where it was the first, or none."""
        place = next((place for place, each in enumerate(self.scored) if each.name == name), None)
        if not place:
            return None
        before = self.bests[:place]
        return place - 1 - before.index(before[-1])

    def _bests(self) -> Iterator[float]:
        better = max if self.direction is Direction.MAXIMIZE else min
        best: float | None = None
        for each in self.scored:
            if each.value is not None:
                best = each.value if best is None else better(best, each.value)
                yield best


def history_of(job: TuningJob, trials: Sequence[Trial]) -> History | None:
    """How a job's search went. Where several algorithms compete, as far as they go by the leader's metric."""
    best = job.best
    metric = best.metric.name if best and best.metric else job.objective_metric
    comparable = [each for each in trials if metric is None or each.metric_name in (None, metric)]
    return History.of(comparable, job.direction_of(best))


def chart_of(job: TuningJob, trials: Sequence[Trial]) -> Chart | None:
    """The best value by how many trials have ended; None where there is no line to draw yet."""
    history = history_of(job, trials)
    if history is None or len(bests := history.bests) < 2:
        return None
    # Without the digits that 32-bit values get on their way.
    points = tuple((str(place + 1), narrowed(bests[place])) for place in _spread(len(bests), POINTS))
    return Chart("Best so far", "trials with a value", line(job.objective_metric or "", AXIS) or "objective", points)


def sparkline_of(job: TuningJob, trials: Sequence[Trial]) -> str:
    """The same as one line of text, with its ends: `0.81 ▁▃▃▅█ 0.91`; empty where nothing was gained yet."""
    history = history_of(job, trials)
    if history is None or len(bests := history.bests) < 2:
        return ""
    shown = [bests[place] for place in _spread(len(bests), CELLS)]
    low, high = min(shown), max(shown)
    if low == high:
        return ""
    steps = len(_BLOCKS) - 1
    cells = (_BLOCKS[round((each - low) / (high - low) * steps)] for each in shown)
    return f"{number(bests[0])} {''.join(cells)} {number(bests[-1])}"


def _spread(count: int, most: int) -> list[int]:
    """Places among so many, the first and the last with them, as even as can be."""
    if count <= most:
        return list(range(count))
    return [round(step * (count - 1) / (most - 1)) for step in range(most)]
