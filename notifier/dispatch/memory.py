"""What a deliver loop has learnt from the answers of its destination. It is forgotten with the process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notifier.dispatch.holds import alarming
from notifier.dispatch.verdict import Answer, deferred, doubted, suspects
from notifier.model import Hold
from notifier.ports import Outcome


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it serves to decide better; without it nothing is lost or doubled.

    `alarmed` is the last hold that the operator was told of and that is not over; `worked_at` when a message last went
    through (epoch seconds); `doubted` are jobs (`verdict.doubted`), `apart` and `deferred` rows (`queue.Look`).
    """

    alarmed: Hold | None = None
    worked_at: float | None = None
    doubted: frozenset[str] = frozenset()
    apart: Mapping[int, int] = field(default_factory=dict)
    deferred: Mapping[int, int] = field(default_factory=dict)

    def after(self, answers: Sequence[Answer], outcome: Outcome, now: float) -> "Memory":
        """With what these answers teach, once what they change is written down."""
        gone = {*outcome.settled, *(seq for seq, _ in outcome.dead)}
        return Memory(
            alarmed=self._alarmed(outcome),
            worked_at=now if outcome.settled else self.worked_at,
            doubted=doubted(self.doubted, answers),
            apart=_without(gone, {**self.apart, **suspects(answers)}),
            deferred=_without(gone, deferred(self.deferred, answers)),
        )

    def _alarmed(self, outcome: Outcome) -> Hold | None:
        if alarming(outcome.hold):
            return outcome.hold
        return None if outcome.hold is None and outcome.settled else self.alarmed


def _without(gone: set[int], rows: Mapping[int, int]) -> Mapping[int, int]:
    return {seq: number for seq, number in rows.items() if seq not in gone}
