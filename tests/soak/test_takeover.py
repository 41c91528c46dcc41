"""How long a killed worker's scopes waited is read from who asked for them, and when."""

import math

from soak.harm import KILL, SUSPEND, Harm
from soak.sagemaker import Poll
from soak.takeover import Takeover, takeovers

ONE, TWO = "111111111111/us-east-1", "111111111111/eu-west-1"
KILLED = Harm(KILL, "worker-1-1", 100.0, 100.0)
POLLS = [
    Poll(98.0, ONE, "worker-1-1"),
    Poll(99.0, TWO, "worker-1-1"),
    Poll(99.5, TWO, "worker-2-1"),
    Poll(101.0, TWO, "worker-2-1"),
    Poll(106.5, ONE, "worker-2-1"),
    Poll(108.5, ONE, "worker-2-1"),
]


def test_only_scopes_that_were_the_killed_workers_count_until_the_first_question() -> None:
    assert takeovers([KILLED], reversed(POLLS)) == [Takeover(ONE, 100.0, 6.5, disturbed=False)]


def test_a_scope_that_it_polled_long_ago_or_that_nobody_asked_for_again_says_nothing() -> None:
    assert takeovers([KILLED], [Poll(80.0, ONE, "worker-1-1"), Poll(106.5, ONE, "worker-2-1")]) == []
    assert takeovers([KILLED], POLLS[:1]) == []


def test_what_else_was_done_before_the_takeover_disturbs_it() -> None:
    asleep, later = Harm(SUSPEND, "worker-2-1", 103.0, math.inf), Harm(KILL, "worker-3-1", 107.0, 107.0)

    assert [each.disturbed for each in takeovers([KILLED, asleep], POLLS)] == [True]
    assert [each.disturbed for each in takeovers([KILLED, later], POLLS) if each.killed == 100.0] == [False]
