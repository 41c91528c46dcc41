"""One queue as messages: people get a job's new bests folded and paced, programs get every event alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from notifier.dispatch.notices import end_of
from notifier.model import Direction, EventType, NoticeType, Owed, Policy, Told

Message = tuple[Owed, ...]
"""Rows that go out as one, in the order in which they came to be owed. Never empty."""


_OF_A_SCOPE = frozenset[str](
    {NoticeType.WATCHING, NoticeType.CAUGHT_UP, NoticeType.SCOPE_BLIND, NoticeType.SCOPE_RECOVERED}
)


@dataclass(frozen=True, slots=True)
class Folded:
    """What a job's queue comes to: messages due now, in order; rows that need no telling; when the next falls due."""

    messages: tuple[Message, ...] = ()
    silent: Message = ()
    wake_at: float | None = None


def fold(
    queue: Sequence[Owed], policy: Policy, told: Told | None, now: float, apart: Collection[int] = frozenset()
) -> Folded:
    """Fold the unsettled rows of one queue, oldest first. Rows whose `seq` is in `apart` go alone.

    Nothing overtakes: the first message that must wait ends the answer.
    """
    if not policy.people:
        return _one_by_one(queue, now)
    messages: list[Message] = []
    silent = [row for row in queue if _over(row, queue)]
    paced_until = _paced_until(policy, told, now)
    rest = [row for row in queue if row not in silent]
    while rest:
        bests = list(takewhile(lambda row: _foldable(row, apart), rest))
        rest = rest[len(bests) :]
        worth = list(dropwhile(lambda row: not worth_telling(row, told, policy.min_improvement), bests))
        small = bests[: len(bests) - len(worth)]
        if not worth and not rest:
            # The newest best waits: only what something later supersedes goes silently.
            silent += small[:-1]
            break
        silent += small
        # Whatever comes next takes the pending new bests with it: the ending, above all.
        takes_next = not worth or (bool(rest) and not _alone(rest[0], apart))
        taken = _together(rest, apart) if takes_next else ()
        rest = rest[len(taken) :]
        message = (*worth, *taken)
        ready = max(row.next_at for row in message)
        # Only a new best that nobody waits behind keeps the pace: others may not overtake it, and should not be late.
        if not takes_next and not rest:
            ready = max(ready, paced_until)
        if ready > now:
            return Folded(tuple(messages), tuple(silent), ready)
        messages.append(message)
        if worth:
            paced_until = now + policy.best_cooldown
    return Folded(tuple(messages), tuple(silent))


def _one_by_one(queue: Sequence[Owed], now: float) -> Folded:
    ready = tuple(takewhile(lambda row: row.next_at <= now, queue))
    wake_at = queue[len(ready)].next_at if len(ready) < len(queue) else None
    return Folded(tuple((row,) for row in ready), (), wake_at)


def worth_telling(row: Owed, told: Told | None, least: float) -> bool:
    """Whether a new best is better than the last one told by at least this fraction of it (0.01 = 1 %)."""
    if least <= 0 or told is None or told.value is None or row.best_value is None:
        return True
    gain = row.best_value - told.value
    if row.direction == Direction.MINIMIZE:
        gain = -gain
    elif row.direction != Direction.MAXIMIZE:
        gain = abs(gain)
    return gain > 0 if told.value == 0 else gain / abs(told.value) >= least


def newest_best(message: Message) -> Owed | None:
    """The last new best that a message tells."""
    return next((row for row in reversed(message) if row.event_type == EventType.NEW_BEST), None)


def _together(rest: Sequence[Owed], apart: Collection[int]) -> Message:
    """The next row, and with a word on one scope those on others behind it: many begin, or fall silent, at once."""
    first = rest[0]

    def like_it(row: Owed) -> bool:
        return row.event_type == first.event_type and not _alone(row, apart)

    shared = tuple(takewhile(like_it, rest)) if first.event_type in _OF_A_SCOPE else ()
    return shared or (first,)


def _paced_until(policy: Policy, told: Told | None, now: float) -> float:
    # A last message from the future means that the clock was set back: pace anew.
    return told.at + policy.best_cooldown if told is not None and told.at <= now else now


def _over(row: Owed, queue: Sequence[Owed]) -> bool:
    """Whether it tells of a hold whose end is to be told too: it would read as if nothing were taken now."""
    return row.event_type == NoticeType.DESTINATION_HELD and end_of(row.event_id) in {each.event_id for each in queue}


def _foldable(row: Owed, apart: Collection[int]) -> bool:
    return row.event_type == EventType.NEW_BEST and not _alone(row, apart)


def _alone(row: Owed, apart: Collection[int]) -> bool:
    return row.alone_since is not None or row.seq in apart
