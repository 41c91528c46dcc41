"""What was told, held against what happened: everything that should not be so, in words. Pure.

What counts is what receivers took, whatever they answered: a repeat is excused only where the answer to the one before
may not have come to the database.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from notifier.model import EventType
from soak.harm import STOP, Harm
from soak.lives import Life
from soak.receivers import OK, SLACK, Attempt, Told

SETTLING = 2.0
"""Seconds after an answer within which it is written down: who dies or loses its lease before may have to repeat it."""
EARLY = 0.01
"""Seconds by which clocks and rounding may differ."""

_ENDINGS = {"Completed": "completed", "Failed": "failed", "Stopped": "stopped"}
LAST_WORDS = frozenset({"deleted", *_ENDINGS.values()})
"""How Slack's messages call the end of a job."""

Key = tuple[str, str, str, int]
"""Which job: account, region, lower-cased name, creation in whole seconds."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a soak. `webhooks` says which destination hears of which account; `losses` when a lease was
    lost in the middle of something."""

    lives: Sequence[Life]
    attempts: Sequence[Attempt]
    harms: Sequence[Harm]
    losses: Sequence[float]
    webhooks: Mapping[str, str]

    @cached_property
    def taken(self) -> list[Attempt]:
        """The requests that a receiver took, in order."""
        return sorted((each for each in self.attempts if each.took), key=lambda each: each.at)

    def ambiguous(self, attempt: Attempt) -> bool:
        """Whether its sender may not have learnt, or not have written down, that it was taken."""
        return attempt.answered != OK or self.interrupted(attempt)

    def interrupted(self, attempt: Attempt) -> bool:
        """Whether a process or a lease was lost from its beginning until its answer was written down."""
        until = attempt.until + SETTLING
        harmed = any(each.begins <= until and each.ends >= attempt.at for each in self.harms if each.what != STOP)
        return harmed or any(attempt.at <= at <= until for at in self.losses)

    @cached_property
    def by_key(self) -> dict[Key, Life]:
        """The lives by what identifies a job."""
        return {(each.account, each.region, each.name.lower(), int(each.created)): each for each in self.lives}


@dataclass(frozen=True, slots=True)
class Fact:
    """What one CloudEvent tells: of which life, which type of event, and the status or training job it speaks of."""

    life: Life
    type: str
    subject: str

    @property
    def happened(self) -> float | None:
        """Since when it is so; None where it never was, or is no news."""
        match self.type:
            case EventType.STARTED:
                return self.life.created if self.life.newborn else None
            case EventType.STATUS_CHANGED:
                return self.life.statuses.get(self.subject) if self.subject != "InProgress" else None
            case EventType.DELETED:
                return self.life.deleted if self.life.ending is None else None
        leader = self.life.leaders.get(self.subject)
        return leader.at if leader and leader.at > self.life.began and leader.value > self.life.known else None

    @property
    def ends(self) -> bool:
        """Whether nothing is told of the life after it."""
        return self.type == EventType.DELETED or (self.life.ending is not None and self.subject == self.life.ending[1])

    def __str__(self) -> str:
        place = f"{self.life.account}/{self.life.region}"
        return f"{self.type} {self.subject} of {self.life.name} in {place} ({self.life.kind.value})"


def violations(evidence: Evidence) -> list[str]:
    """Everything that is not as promised; empty where all is well."""
    return [*_of_webhooks(evidence), *_of_slack(evidence)]


def missing(evidence: Evidence) -> list[str]:
    """What should have been told and is not, or not yet: at every destination every ending, deletion and final best."""
    told = {fact for _, _, fact in facts(evidence)}
    # Of two trials that are equally good the one that was seen first is told, and then the other is no news.
    bests = {(fact.life, _value(fact)) for fact in told if fact.type == EventType.NEW_BEST}
    owed = [fact for life in evidence.lives for fact in due(life)]
    absent = [fact for fact in owed if fact not in told and (fact.life, _value(fact)) not in bests]
    people = {(line.job, line.what) for each in evidence.taken if each.destination == SLACK for line in each.told}
    unheard = [life for life in evidence.lives if (word := last_word(life)) and (life.name, word) not in people]
    return [f"not told: {each}" for each in absent] + [
        f"not told in Slack: {each.name} {last_word(each)}" for each in unheard
    ]


def due(life: Life) -> Iterator[Fact]:
    """What must be told of a life, whatever happens."""
    if life.ending is not None:
        best = life.final_best
        if best is not None and best.at > life.began and best.value > life.known:
            yield Fact(life, EventType.NEW_BEST, best.name)
        yield Fact(life, EventType.STATUS_CHANGED, life.ending[1])
    elif life.deleted is not None:
        yield Fact(life, EventType.DELETED, "")


def last_word(life: Life) -> str | None:
    """How Slack's message calls the end of a life; None where it has none that is news."""
    if life.ending is not None:
        return _ENDINGS[life.ending[1]]
    return "deleted" if life.deleted is not None else None


def facts(evidence: Evidence) -> Iterator[tuple[Attempt, str, Fact]]:
    """What the webhooks took of jobs that exist, in order, with the event's id."""
    for attempt in evidence.taken:
        for told in attempt.told:
            life = evidence.by_key.get(_key(told.event)) if told.event and told.what.startswith("tuning_job.") else None
            if life is not None:
                yield attempt, told.event["id"], Fact(life, told.what, _subject(told))


def _of_webhooks(evidence: Evidence) -> Iterator[str]:
    yield from _unknown(evidence)
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    ids: dict[Fact, set[str]] = defaultdict(set)
    meanings: dict[str, set[Fact]] = defaultdict(set)
    for attempt, identity, fact in facts(evidence):
        attempts[identity].append(attempt)
        ids[fact].add(identity)
        meanings[identity].add(fact)
        if fact.happened is None or attempt.at < fact.happened - EARLY:
            yield f"false: {fact} was told, and it was not so"
        if evidence.webhooks[attempt.destination] != fact.life.account:
            yield f"at {attempt.destination}, which hears of another account: {fact}"
    yield from (f"{len(found)} ids of one event: {fact}" for fact, found in ids.items() if len(found) > 1)
    yield from (f"one id of several events: {identity}" for identity, found in meanings.items() if len(found) > 1)
    for identity, each in attempts.items():
        yield from _unexcused(evidence, each, str(next(iter(meanings[identity]))))
    yield from _disorder(evidence)


def _unknown(evidence: Evidence) -> Iterator[str]:
    for attempt in evidence.taken:
        for told in attempt.told:
            known = not told.event or not told.what.startswith("tuning_job.") or _key(told.event) in evidence.by_key
            if not known:
                yield f"false: {told.what} of a job that never was: {_key(told.event)}"


def _unexcused(evidence: Evidence, attempts: Sequence[Attempt], what: str) -> Iterator[str]:
    """Every request but the last must have been one whose success may not be known."""
    certain = sum(not evidence.ambiguous(each) for each in attempts[:-1])
    if certain:
        yield f"told {len(attempts)} times though its success was known: {what} at {attempts[0].destination}"


def _disorder(evidence: Evidence) -> Iterator[str]:
    """Of one job started comes first and its end last, bests grow and statuses go on; what is passed stays so.

    A best may come after a status that is older: where a worse trial leads for a while, it is seen later.
    """
    told: dict[Life, list[Fact]] = defaultdict(list)
    for attempt, _, fact in facts(evidence):
        before = [each for each in told[fact.life] if each != fact]
        if any(_precedes(fact, each) for each in before):
            yield f"out of order at {attempt.destination}: {fact}"
        told[fact.life].append(fact)


def _precedes(fact: Fact, other: Fact) -> bool:
    """Whether a fact has to be told before another one of the same life."""
    if fact.type == EventType.STARTED or other.ends:
        return True
    if fact.type != other.type:
        return False
    if fact.type == EventType.NEW_BEST:
        return _value(fact) <= _value(other)
    return fact.life.statuses.get(fact.subject, 0.0) < fact.life.statuses.get(other.subject, 0.0)


def _value(fact: Fact) -> float:
    leader = fact.life.leaders.get(fact.subject)
    return leader.value if leader else 0.0


def _of_slack(evidence: Evidence) -> Iterator[str]:
    lives: dict[str, list[Life]] = defaultdict(list)
    for life in sorted(evidence.lives, key=lambda each: each.created):
        lives[life.name].append(life)
    seen: dict[tuple[Life, str], list[tuple[Attempt, Told]]] = defaultdict(list)
    for attempt in evidence.taken:
        for told in attempt.told if attempt.destination == SLACK else ():
            # Slack knows a job by its name alone: where that was used again, the later job is meant if it can be.
            meant = [life for life in lives[told.job] if _so(life, told, attempt.at)]
            if meant:
                seen[meant[-1], told.what].append((attempt, told))
            else:
                yield f"false: Slack was told that {told.job} is {told.what} ({told.value})"
    for (life, what), tellings in seen.items():
        if what == "started" or what in LAST_WORDS:
            yield from _unmarked(f"{life.name} {what}", [told for _, told in tellings[1:]])
            yield from _unexcused(evidence, [attempt for attempt, _ in tellings], f"{life.name} {what}")


def _unmarked(what: str, repeats: Sequence[Told]) -> Iterator[str]:
    if not all(told.repeated for told in repeats):
        yield f"told again in Slack, unmarked: {what}"


def _so(life: Life, told: Told, at: float) -> bool:
    """Whether what Slack was told of a job is true of this life."""
    if told.what == "started":
        return life.newborn and at >= life.created - EARLY
    if told.what == "new best":
        leaders = [each for each in life.leaders.values() if each.value == told.value and each.value > life.known]
        return any(at >= each.at - EARLY for each in leaders)
    if told.what == "stopping":
        return at >= life.statuses.get("Stopping", at + 1.0) - EARLY
    if told.what != last_word(life):
        return False
    if life.ending is None:
        return at >= (life.deleted or at + 1.0) - EARLY
    best = life.final_best
    return at >= life.ending[0] - EARLY and told.value == (best.value if best else None)


def _subject(told: Told) -> str:
    change: Mapping[str, Any] = told.event["data"].get("change") or {}
    return str((change.get("current") or {}).get("training_job_name") or change.get("to") or "")


def _key(event: Mapping[str, Any]) -> Key:
    data = event["data"]
    created = int(datetime.fromisoformat(data["created_at"]).timestamp())
    return data["account_id"], data["region"], event["subject"].lower(), created
