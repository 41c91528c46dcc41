"""How much is measured: as much as figures need, or as little as shows that every benchmark still runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`sizes` are unfinished jobs; small accounts are swept so often that a round has `jobs_a_round` at least.

    `gathered` of them are described at once, and the rest reckoned; `describes` are made one by one; `triggers` are
    clients of their own. `many` is the large account, beside one of `remembered` jobs.

    `workers` are how many share a database, one crew after the other; each is told so many `events`.
    `messages` are sent in a round of deliveries. `told` jobs of so many `remembered` move at once, and each is told.
    `scopes` are accounts and regions of one worker, swept at this `interval` (seconds); `shared` are so many, of which
    only the memory is looked at.
    """

    sizes: tuple[int, ...] = (100, 1_000, 10_000)
    rounds: int = 5
    jobs_a_round: int = 5_000
    gathered: int = 1_000
    describes: int = 200
    triggers: int = 100
    many: int = 100_000
    commits: int = 100
    remembered: int = 10_000
    starts: int = 3
    messages: int = 1_000
    told: int = 100
    workers: tuple[int, ...] = (1, 2, 3)
    events: int = 48
    scopes: tuple[int, ...] = (20, 100, 300, 1_000)
    interval: float = 30.0
    shared: int = 100


FULL = Scale()
SMOKE = Scale(
    sizes=(100,),
    rounds=1,
    jobs_a_round=100,
    gathered=20,
    describes=5,
    triggers=3,
    many=300,
    commits=2,
    remembered=200,
    starts=1,
    messages=10,
    told=8,
    workers=(2,),
    events=6,
    scopes=(5,),
    interval=1.0,
    shared=5,
)
