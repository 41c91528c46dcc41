"""The share of one worker: which free duties it takes, and which of its own it gives up. No store, no clock.

A duty is a text whose first word is its kind (`watch us-east-1`, `deliver slack`); each kind is spread by itself.
Every worker reckons for itself from the same table, and their shares add up: nothing is left over, nothing contested.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

WATCH, DELIVER = "watch", "deliver"


def duty(kind: str, name: str) -> str:
    """The duty of this kind, as it stands in the store."""
    return f"{kind} {name}"


def split_duty(named: str) -> tuple[str, str]:
    """The kind of a duty, and whose it is."""
    kind, _, name = named.partition(" ")
    return kind, name


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker should take of what is free, and what it should give up once it has finished what is under way."""

    take: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()


def share(me: str, alive: Collection[str], duties: Collection[str], holders: Mapping[str, str | None]) -> Share:
    """The share of `me` among the workers that are `alive`, itself included.

    `holders` says who holds a duty; whoever is not alive holds nothing. A duty that stays where it is costs nobody
    anything, so nothing moves but what must.
    """
    workers = sorted(alive)
    take: list[str] = []
    give_up: list[str] = []
    for turn, kind in enumerate(_by_kind(duties)):
        mine = [each for each in kind if holders.get(each) == me]
        free = [each for each in kind if holders.get(each) not in alive]
        quota = _quota(me, workers, len(kind), turn)
        take += free[: max(0, quota - len(mine))]
        give_up += mine[quota:]
    return Share(tuple(take), tuple(give_up))


def _quota(me: str, workers: Sequence[str], duties: int, turn: int) -> int:
    """Who gets one more where it does not come out even differs from kind to kind."""
    each, over = divmod(duties, len(workers))
    return each + ((workers.index(me) + turn) % len(workers) < over)


def _by_kind(duties: Collection[str]) -> list[list[str]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for each in sorted(duties):
        kinds[split_duty(each)[0]].append(each)
    return [kinds[kind] for kind in sorted(kinds)]
