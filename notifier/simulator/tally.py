"""What the simulator did against what was told, and what the watching cost. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.model import FINAL, EventType
from notifier.simulator.account import Account
from notifier.simulator.job import SimulatedJob

_PAGE = 100

Ending = tuple[str, str]
"""A job's name and the status it ended with."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Endings by how they were told. Each happened in the simulation, except the `invented` ones."""

    once: tuple[Ending, ...]
    missed: tuple[Ending, ...]
    repeated: tuple[Ending, ...]
    invented: tuple[Ending, ...]

    @property
    def right(self) -> bool:
        """Whether every ending was told exactly once, and nothing else."""
        return not (self.missed or self.repeated or self.invented)


def compare(jobs: Sequence[SimulatedJob], told: Iterable[Mapping[str, Any]], now: float, grace: float = 0.0) -> Tally:
    """Compare the jobs that ended by now with the CloudEvents that arrived.

    An ending younger than `grace` seconds may still be on its way: it is counted if it was told, not missed if not.
    """
    counts = Counter(endings_told(told))
    happened = {_ending(job): job for job in jobs if job.ended_at(now)}
    return Tally(
        once=tuple(ending for ending in happened if counts[ending] == 1),
        missed=tuple(ending for ending, job in happened.items() if not counts[ending] and job.ended_at(now - grace)),
        repeated=tuple(ending for ending in happened if counts[ending] > 1),
        invented=tuple(ending for ending in counts if ending not in happened),
    )


def endings_told(events: Iterable[Mapping[str, Any]]) -> Iterable[Ending]:
    """The endings that these CloudEvents tell of, repeated ones as often as they came."""
    for event in events:
        if event["type"] == EventType.STATUS_CHANGED and (status := event["data"]["change"]["to"]) in FINAL:
            yield event["subject"], status


def describe_each_calls(account: Account, sweeps: Iterable[float]) -> int:
    """The calls of a loop that, at each of these moments, lists every page and describes every unfinished job.

    Its retries are not counted.
    """
    return sum(math.ceil(len(account.existing(moment)) / _PAGE) + len(account.unfinished(moment)) for moment in sweeps)


def _ending(job: SimulatedJob) -> Ending:
    return job.name, job.outcome
