"""The figures of a soak, and the table of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, quantiles

from rich.table import Table

from notifier.model import EventType
from soak.receivers import OK, SLACK, Attempt
from soak.sagemaker import Book
from soak.takeover import takeovers
from soak.verdict import LAST_WORDS, Evidence, facts, last_word


def lags(evidence: Evidence) -> tuple[list[float], list[float]]:
    """Seconds from each ending to its first arrival: at the webhooks, and in Slack."""
    webhooks: dict[object, float] = {}
    for attempt, _, fact in facts(evidence):
        if fact.type == EventType.STATUS_CHANGED and fact.life.ending and fact.subject == fact.life.ending[1]:
            webhooks.setdefault(fact, attempt.at - fact.life.ending[0])
    ends = {(life.name, last_word(life)): life.ending[0] for life in evidence.lives if life.ending}
    people: dict[object, float] = {}
    for attempt in evidence.taken:
        for told in attempt.told if attempt.destination == SLACK else ():
            if (end := ends.get((told.job, told.what))) is not None:
                people.setdefault((told.job, told.what), attempt.at - end)
    return list(webhooks.values()), list(people.values())


def table(evidence: Evidence, book: Book, memory: Sequence[float], bound: float) -> Table:
    """All of it, for people."""
    shown = Table(box=None, show_header=False)
    shown.add_column("what")
    shown.add_column("how much")
    for what, figure in _rows(evidence, book, memory, bound):
        shown.add_row(what, figure)
    return shown


def _rows(evidence: Evidence, book: Book, memory: Sequence[float], bound: float) -> Iterator[tuple[str, str]]:
    kinds = Counter(life.kind.value for life in evidence.lives)
    yield "tuning jobs", f"{len(evidence.lives):,}: {_counted(kinds)}"
    yield "calls to AWS", _counted(book.calls)
    yield "  answered with trouble", _counted(book.troubles)
    yield "done to the workers", _counted(Counter(each.what for each in evidence.harms))
    yield "leases lost in the middle of something", f"{len(evidence.losses):,}"
    told = {(identity, fact.type) for _, identity, fact in facts(evidence)}
    yield "events told at the webhooks", _counted(Counter(each.partition(".")[2] for _, each in told))
    for name, attempts in (
        ("webhooks", [each for each in evidence.attempts if each.destination != SLACK]),
        ("Slack", [each for each in evidence.attempts if each.destination == SLACK]),
    ):
        yield f"attempts at {name}", f"{len(attempts):,}: {_counted(Counter(each.answered for each in attempts))}"
    yield from _doubles(evidence)
    taken = takeovers(evidence.harms, book.polls)
    alone = [each.seconds for each in taken if not each.disturbed]
    yield "scopes polled again after a kill -9", f"{_times(alone)}; at most {bound:g} s expected"
    yield "  where something else was done meanwhile", _times([each.seconds for each in taken if each.disturbed])
    webhooks, people = lags(evidence)
    yield "from an ending to a webhook", _times(webhooks)
    yield "from an ending to Slack", _times(people)
    yield "memory of a worker, at its highest", f"{mean(memory):.0f} MB on average, {max(memory):.0f} MB at most"


def _doubles(evidence: Evidence) -> Iterator[tuple[str, str]]:
    taken = evidence.taken
    refused = sum(each.answered != OK for each in taken)
    harmed = sum(each.answered == OK and evidence.interrupted(each) for each in taken)
    yield "ambiguous attempts", f"{refused + harmed:,}: {refused:,} taken and answered otherwise, {harmed:,} in a harm"
    told: dict[str, list[Attempt]] = defaultdict(list)
    for attempt, identity, _ in facts(evidence):
        told[identity].append(attempt)
    repeated = [attempt for same in told.values() for attempt in same[:-1]]
    before = Counter("after a harm" if each.answered == OK else "after another answer" for each in repeated)
    yield "duplicates at the webhooks", f"{before.total():,}: {_counted(before)}"
    people = [each for each in taken if each.destination == SLACK]
    endings = Counter((line.job, line.what) for each in people for line in each.told if line.what in LAST_WORDS)
    yield "endings told again in Slack, and marked", f"{endings.total() - len(endings):,}"


def _times(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return f"{len(seconds)} times" + "".join(f", {each:.1f} s" for each in seconds)
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"{len(seconds):,} times: p50 {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s, at most {max(seconds):.1f} s"


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{count:,} {what}" for what, count in ordered if count) or "none"
