"""How long the scopes of a killed worker were without one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soak.harm import KILL, Harm
from soak.sagemaker import Poll

LATELY = 10.0
"""Seconds within which whoever polled a scope last is taken to be still at it."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """A scope of a worker that was killed: how many seconds until somebody asked for it again.

    `disturbed`: something else was done meanwhile, so that it says nothing of the lease.
    """

    scope: str
    killed: float
    seconds: float
    disturbed: bool


def takeovers(harms: Sequence[Harm], polls: Iterable[Poll]) -> list[Takeover]:
    """What became of the scopes of each worker that was killed with -9."""
    by_scope: dict[str, list[Poll]] = defaultdict(list)
    for poll in sorted(polls, key=lambda each: each.at):
        by_scope[poll.scope].append(poll)
    kills = [each for each in harms if each.what == KILL]
    found = [_takeover(kill, harms, scope, asked) for kill in kills for scope, asked in by_scope.items()]
    return [each for each in found if each is not None]


def _takeover(kill: Harm, harms: Sequence[Harm], scope: str, asked: Sequence[Poll]) -> Takeover | None:
    """None where the scope was not this worker's, or the soak was over before it was asked for again."""
    last = next((each for each in reversed(asked) if each.at <= kill.begins), None)
    again = next((each.at for each in asked if each.at > kill.begins), None)
    if last is None or last.worker != kill.worker or kill.begins - last.at > LATELY or again is None:
        return None
    others = [each for each in harms if each is not kill and each.begins <= again and each.ends >= kill.begins]
    return Takeover(scope, kill.begins, again - kill.begins, disturbed=bool(others))
