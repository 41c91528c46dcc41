"""The share of one worker: which free duties it takes, and which of its own it gives up. No store, no clock.

A duty is a text whose first word is its kind (`watch us-east-1`, `deliver slack`, `hear us-east-1/…`); each kind is
spread by itself.
Every worker reckons for itself from the same table, and their shares add up: nothing is left over, nothing contested.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

WATCH, DELIVER, HEAR = "watch", "deliver", "hear"


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


def share(me: str, able: Mapping[str, Collection[str]], holders: Mapping[str, str | None]) -> Share:
    """The share of `me` among the workers that are alive.

    `able` has each of them, with the duties that its settings name: while a change of those is rolled out they differ.
    `holders` says who holds a duty; whoever is not alive holds nothing. A duty that stays where it is costs nobody
    anything, so nothing moves but what must.
    """
    take: list[str] = []
    give_up: list[str] = []
    load = dict.fromkeys(able, 0)
    for workers, duties in _groups(able):
        held = Counter(holders.get(each) for each in duties)
        free = [each for each in duties if holders.get(each) not in able]
        for worker, quota in _quotas(workers, len(duties), held, load).items():
            load[worker] += quota
            # What is free is dealt out in order: two who look at the same moment do not reach for the same.
            wanted = max(0, quota - held[worker])
            if worker == me:
                take += free[:wanted]
                give_up += [each for each in duties if holders.get(each) == me][quota:]
            del free[:wanted]
    return Share(tuple(take), tuple(give_up))


def _groups(able: Mapping[str, Collection[str]]) -> list[tuple[tuple[str, ...], list[str]]]:
    """The duties of one kind that the same workers can do, with those workers; all in an order that all agree on."""
    who: dict[str, list[str]] = defaultdict(list)
    for worker in sorted(able):
        for each in set(able[worker]):
            who[each].append(worker)
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for each in sorted(who):
        groups[split_duty(each)[0], tuple(who[each])].append(each)
    return [(workers, groups[kind, workers]) for kind, workers in sorted(groups)]


def _quotas(
    workers: Sequence[str], duties: int, held: Mapping[str | None, int], load: Mapping[str, int]
) -> dict[str, int]:
    """How many each worker should have.

    Where it does not come out even, one more goes to those with the lightest load of other kinds, and among them to
    those that have it already.
    """
    each, over = divmod(duties, len(workers))
    order = sorted(workers, key=lambda worker: (load[worker], held[worker] <= each, worker))
    return dict.fromkeys(order[:over], each + 1) | dict.fromkeys(order[over:], each)
