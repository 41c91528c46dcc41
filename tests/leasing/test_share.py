"""Shares: complete, disjoint, even, lazy; and whatever the start and the order, a few beats and it is so."""

import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.leasing import DELIVER, WATCH, Share, duty, share, split_duty

Holders = dict[str, str | None]

NAMES = "abcdef"
ROUNDS = 2
"""Beats of each worker after which everything is where it should be: one to give up, one to take."""


@dataclass
class Table:
    """What the workers share, as the store keeps it."""

    able: dict[str, frozenset[str]]
    holders: Holders = field(default_factory=dict)

    def beat(self, worker: str) -> Share:
        """One worker looks, takes, and gives up; what it gives up is finished at once."""
        decided = share(worker, self.able, self.holders)
        for each in decided.take:
            assert self.holders.get(each) not in self.able, "it took what another holds"
            self.holders[each] = worker
        for each in decided.give_up:
            assert self.holders[each] == worker, "it gave up what it does not hold"
            self.holders[each] = None
        return decided

    def round(self, dice: random.Random) -> list[Share]:
        """Every worker beats once, in any order."""
        return [self.beat(worker) for worker in dice.sample(sorted(self.able), len(self.able))]

    def settle(self, dice: random.Random) -> None:
        """So many rounds that nothing may change any more."""
        for _ in range(ROUNDS):
            self.round(dice)

    def counts(self, kind: str) -> list[int]:
        """How many duties of a kind each worker holds."""
        held = Counter(holder for each, holder in self.holders.items() if split_duty(each)[0] == kind)
        return [held[worker] for worker in self.able]

    def totals(self) -> list[int]:
        """How many duties each worker holds."""
        held = Counter(self.holders.values())
        return [held[worker] for worker in self.able]

    def undone(self) -> set[str]:
        """The duties that somebody could do and nobody does."""
        return {each for worker in self.able for each in self.able[worker] if self.holders.get(each) not in self.able}


def even(counts: Collection[int]) -> bool:
    return max(counts) - min(counts) <= 1


duties_of_all = st.builds(
    lambda watched, told: frozenset(
        [duty(WATCH, f"region-{number}") for number in range(watched)]
        + [duty(DELIVER, f"place-{number}") for number in range(told)]
    ),
    st.integers(0, 12),
    st.integers(0, 6),
)
workers = st.sets(st.sampled_from(NAMES), min_size=1)


@st.composite
def tables(draw: st.DrawFn, differing: bool = False) -> Table:
    """Any state: free duties, duties of the dead, duties heaped upon a few."""
    duties = draw(duties_of_all)
    alive = sorted(draw(workers))
    some = st.sets(st.sampled_from(sorted(duties))) if duties and differing else st.just(duties)
    able = {worker: frozenset(draw(some)) for worker in alive}
    holder = st.sampled_from([None, "dead", *alive])
    return Table(able, {each: draw(holder) for each in sorted(duties)})


dice = st.randoms(use_true_random=False)


@given(tables(), dice)
def test_whatever_the_start_and_the_order_of_beats_everything_is_done_evenly_after_two_rounds(
    table: Table, dice: random.Random
) -> None:
    table.settle(dice)

    assert table.undone() == set()
    assert even(table.counts(WATCH))
    assert even(table.counts(DELIVER))
    assert even(table.totals())


@given(tables(), dice)
def test_what_is_settled_stays_where_it_is(table: Table, dice: random.Random) -> None:
    table.settle(dice)
    before = dict(table.holders)

    assert set(table.round(dice)) == {Share()}
    assert table.holders == before


@given(tables(), st.lists(workers, min_size=1, max_size=4), dice)
def test_workers_may_join_and_die_in_between_and_it_comes_to_rest_again(
    table: Table, crews: list[set[str]], dice: random.Random
) -> None:
    duties = frozenset(table.holders)
    for crew in crews:
        # A change in the middle of a round: some have beaten since, others have not.
        table.able = dict.fromkeys(crew, duties)
        for worker in dice.sample(sorted(crew), dice.randint(0, len(crew))):
            table.beat(worker)

    table.settle(dice)

    assert table.undone() == set()
    assert even(table.totals())


@given(tables())
def test_from_one_look_all_that_is_free_is_dealt_out_and_nothing_to_two(table: Table) -> None:
    taken = [each for worker in table.able for each in share(worker, table.able, table.holders).take]

    assert len(set(taken)) == len(taken)
    assert set(taken) == table.undone()


@given(st.integers(0, 12), workers, st.data())
def test_no_more_is_given_up_than_any_even_spread_demands(count: int, alive: set[str], data: st.DataObject) -> None:
    duties = frozenset(duty(WATCH, f"region-{number}") for number in range(count))
    holders = {each: data.draw(st.sampled_from(sorted(alive))) for each in sorted(duties)}
    table = Table(dict.fromkeys(alive, duties), dict(holders))

    given_up = [each for worker in alive for each in share(worker, table.able, table.holders).give_up]

    each, over = divmod(count, len(alive))
    held = sorted(table.counts(WATCH), reverse=True)
    spread = [each + 1] * over + [each] * (len(alive) - over)
    assert len(given_up) == sum(max(0, has - may) for has, may in zip(held, spread, strict=True))


@given(tables(), dice)
def test_an_even_spread_moves_nowhere(table: Table, dice: random.Random) -> None:
    names = dice.sample(sorted(table.able), len(table.able))
    table.holders = {each: names[number % len(names)] for number, each in enumerate(sorted(table.holders))}

    assert {share(worker, table.able, table.holders) for worker in table.able} == {Share()}


@given(tables(differing=True), dice)
def test_where_settings_differ_each_duty_is_done_by_one_who_knows_of_it(table: Table, dice: random.Random) -> None:
    table.holders = {each: holder for each, holder in table.holders.items() if each in table.able.get(holder or "", ())}

    table.settle(dice)

    assert table.undone() == set()
    assert all(each in table.able[holder] for each, holder in table.holders.items() if holder is not None)


def test_a_duty_that_only_one_of_many_workers_knows_is_done_whatever_else_it_has_to_do() -> None:
    old = frozenset(duty(WATCH, name) for name in ("one", "two"))
    table = Table({"a": old, "b": old, "c": old | {duty(WATCH, "new")}})
    table.holders = {duty(WATCH, "one"): "c"}

    for worker in "abc":
        table.beat(worker)

    assert table.holders[duty(WATCH, "new")] == "c"


@pytest.mark.parametrize(
    ("alive", "expected"),
    [
        pytest.param("a", {"a": 7}, id="one-worker-has-all"),
        pytest.param("ab", {"a": 4, "b": 3}, id="two"),
        pytest.param("abc", {"a": 3, "b": 2, "c": 2}, id="three"),
        pytest.param("abcdefgh", dict.fromkeys("abcdefg", 1) | {"h": 0}, id="more-workers-than-duties"),
    ],
)
def test_four_regions_and_three_destinations_are_spread_like_this(alive: str, expected: Mapping[str, int]) -> None:
    duties = frozenset([duty(WATCH, name) for name in "wxyz"] + [duty(DELIVER, name) for name in "xyz"])
    table = Table(dict.fromkeys(alive, duties))

    table.settle(random.Random(1))

    assert dict(zip(alive, table.totals(), strict=True)) == expected


def test_a_worker_that_ends_and_names_no_duties_any_more_is_dealt_none() -> None:
    duties = frozenset(duty(WATCH, name) for name in "xyz")
    table = Table({"a": frozenset(), "b": duties}, {duty(WATCH, "x"): "a"})

    assert share("a", table.able, table.holders) == Share()
    assert share("b", table.able, table.holders) == Share(take=(duty(WATCH, "y"), duty(WATCH, "z")))


@pytest.mark.parametrize("alive", ["a", "ab"], ids=["alone", "two"])
def test_nothing_to_do_is_nothing_to_share(alive: str) -> None:
    assert Table(dict.fromkeys(alive, frozenset())).beat("a") == Share()


def test_a_duty_is_named_by_its_kind_and_whose_it_is() -> None:
    assert duty(WATCH, "us-east-1/hyperparameter") == "watch us-east-1/hyperparameter"
    assert split_duty("deliver slack to all") == (DELIVER, "slack to all")
