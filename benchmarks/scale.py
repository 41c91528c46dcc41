"""How much is measured: as much as figures need, or as little as shows that every benchmark still runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`sizes` are unfinished jobs; small accounts are swept so often that a round has `jobs_a_round` at least.

    `workers` are how many share a database, one crew after the other; each is told so many `events`.
    `messages` are sent in a round of deliveries. `told` jobs of so many `remembered` move at once, and each is told.
    `scopes` are accounts and regions of one worker, swept at this `interval` (seconds).
    """

    sizes: tuple[int, ...] = (100, 1_000, 10_000)
    rounds: int = 5
    jobs_a_round: int = 5_000
    commits: int = 100
    remembered: int = 10_000
    starts: int = 3
    messages: int = 1_000
    told: int = 100
    workers: tuple[int, ...] = (1, 2, 3)
    events: int = 48
    scopes: tuple[int, ...] = (20, 100, 300, 1_000)
    interval: float = 30.0


FULL = Scale()
SMOKE = Scale(
    sizes=(100,),
    rounds=1,
    jobs_a_round=100,
    commits=2,
    remembered=200,
    starts=1,
    messages=10,
    told=8,
    workers=(2,),
    events=6,
    scopes=(5,),
    interval=1.0,
)
