"""Whatever happens in whatever order, the outbox agrees with a list that a child could keep."""

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from notifier.ports import Outcome, Postponed
from notifier.store import State, Store, open_store
from tests.store.looks import SCOPE, first_look

T = TypeVar("T")
NAMES = ("slack", "webhook", "console")
picks = st.integers(0, 10**6)


@dataclass
class Row:
    """One line of the list."""

    number: int
    destination: str
    state: State = State.PENDING
    repeated: bool = False
    attempts: int = 0


class OutboxRules(RuleBasedStateMachine):
    """The store on one side, a list of rows by their seq on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.rows: dict[int, Row] = {}
        self.known: set[int] = set()
        self.open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> None:
        self.stack = AsyncExitStack()
        url = f"sqlite:///{Path(self.directory.name) / 'notifier.db'}"
        self.store: Store = self.run(self.stack.enter_async_context(open_store(url, exclusive=True)))

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        self.directory.cleanup()

    def pick(self, pick: int, *states: State) -> tuple[int, Row] | None:
        """One of the rows in these states, if there is one."""
        found = [(seq, row) for seq, row in sorted(self.rows.items()) if row.state in states]
        return found[pick % len(found)] if found else None

    @rule(numbers=st.lists(st.integers(0, 30), max_size=4), names=st.lists(st.sampled_from(NAMES), max_size=3))
    def commit(self, numbers: list[int], names: list[str]) -> None:
        self.run(self.store.watch.commit(SCOPE, [first_look(number, to=tuple(names)) for number in numbers]))
        expected = [(number, name) for number in dict.fromkeys(numbers) for name in dict.fromkeys(names)]
        added = [pair for pair in expected if pair[0] not in self.known]
        self.known |= set(numbers)
        letters = [each for each in self.run(self.store.desk.letters()) if each.seq > max(self.rows, default=0)]
        assert [each.destination for each in letters] == [name for _, name in added]
        self.rows |= {letter.seq: Row(number, name) for letter, (number, name) in zip(letters, added, strict=True)}

    @rule(pick=picks)
    def send(self, pick: int) -> None:
        if chosen := self.pick(pick, State.PENDING):
            assert self.run(self.store.outbox.sending(chosen[1].destination, [chosen[0]])) == {chosen[0]}
            chosen[1].state = State.SENDING

    @rule(pick=picks, what=st.sampled_from(["settled", "dead", "postponed"]), repeated=st.booleans())
    def finish(self, pick: int, what: str, repeated: bool) -> None:
        if not (chosen := self.pick(pick, State.SENDING)):
            return
        seq, row = chosen
        outcome = {
            "settled": Outcome(row.destination, settled=(seq,)),
            "dead": Outcome(row.destination, dead=((seq, "no"),)),
            "postponed": Outcome(row.destination, postponed=(Postponed(seq, 1.0, row.attempts + 1, repeated, "no"),)),
        }[what]
        self.run(self.store.outbox.finish(outcome))
        row.state = {"settled": State.SETTLED, "dead": State.DEAD, "postponed": State.PENDING}[what]
        row.attempts += what != "settled"
        row.repeated = repeated if what == "postponed" else row.repeated

    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        if chosen := self.pick(pick, State.DEAD, State.PENDING):
            assert self.run(self.store.desk.retry([chosen[0]])) == [chosen[0]]
            chosen[1].state = State.PENDING
            chosen[1].attempts = 0

    @rule(pick=picks, to=st.sampled_from(NAMES))
    def readdress(self, pick: int, to: str) -> None:
        if not (chosen := self.pick(pick, State.DEAD, State.PENDING)):
            return
        seq, row = chosen
        taken = any(
            other.number == row.number and other.destination == to and other is not row for other in self.rows.values()
        )
        assert self.run(self.store.desk.retry([seq], to=to)) == ([] if taken else [seq])
        # One that is known there already is left alone.
        if not taken:
            row.state, row.destination, row.attempts = State.PENDING, to, 0

    @rule(pick=picks)
    def discard(self, pick: int) -> None:
        if chosen := self.pick(pick, State.DEAD, State.PENDING):
            assert self.run(self.store.desk.discard([chosen[0]])) == [chosen[0]]
            chosen[1].state = State.DISCARDED

    @rule()
    def restart(self) -> None:
        self.run(self.stack.aclose())
        self.open()
        for row in self.rows.values():
            if row.state == State.SENDING:
                row.state, row.repeated = State.PENDING, True

    @invariant()
    def agrees(self) -> None:
        for name in NAMES:
            owed = self.run(self.store.outbox.owed(name, 1000))
            assert [(row.seq, row.attempts, row.repeated) for row in owed] == [
                (seq, row.attempts, row.repeated or row.state == State.SENDING)
                for seq, row in sorted(self.rows.items())
                if row.destination == name and row.state in (State.PENDING, State.SENDING)
            ]
            bodies = self.run(self.store.outbox.events([row.event_id for row in owed]))
            assert len(bodies) == len(owed)

    @invariant()
    def keeps_every_state(self) -> None:
        letters = self.run(self.store.desk.letters(states=list(State)))
        assert {each.seq: each.state for each in letters} == {seq: row.state for seq, row in self.rows.items()}


TestOutboxRules = OutboxRules.TestCase
TestOutboxRules.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
