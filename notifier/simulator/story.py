"""What happens in the demo: which recorded runs play when, and which of them go wrong. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from notifier.simulator.account import history, quiet
from notifier.simulator.job import SimulatedJob
from notifier.simulator.runs import load_runs

HISTORY, QUIET = 600, 40
"""Jobs that ended long ago, and jobs that say nothing: what an account holds besides."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One tuning job of the story. `starts` and `lasts` are shares of the story's length; `name` None: as recorded.

    `stopped`: the share of its length after which a user stops it.
    """

    run: str
    starts: float
    lasts: float
    name: str | None = None
    failing: int = 0
    stopped: float | None = None
    retried: frozenset[int] = frozenset()


SCENES = (
    Scene("dengai", 0.0, 0.95, retried=frozenset({3, 17})),
    Scene("aim318", 0.04, 0.45),
    Scene("jihys", 0.1, 0.55),
    Scene("amtviz", 0.28, 0.6),
    Scene("churn", 0.34, 0.38),
    Scene("ahrav", 0.12, 0.3, name="bin-images-resnet50", failing=5),
    Scene("piotr", 0.45, 0.5, name="dog-breeds-resnet50", stopped=0.7),
    # Begins and ends between two sweeps.
    Scene("ensiyeh", 0.6, 0.003, name="dog-breeds-smoke-test"),
)


def story(begins: float, seconds: float, *, jobs: int, seed: int, speed: float | None = None) -> list[SimulatedJob]:
    """The tuning jobs of a story that begins at a moment and lasts so many seconds.

    Each run is fitted to its scene; `speed` gives all of them the same pace instead, in recorded seconds a second.
    """
    return [_cast(scene, begins, seconds, speed) for scene in _scenes(jobs, seed)]


def background(now: float, seed: int, *, ended: int = HISTORY, silent: int = QUIET) -> list[SimulatedJob]:
    """What the account holds before the story begins."""
    return [*history(ended, now, seed), *quiet(silent, now, seed)]


def _cast(scene: Scene, begins: float, seconds: float, speed: float | None) -> SimulatedJob:
    run = load_runs()[scene.run]
    job = SimulatedJob(
        name=scene.name or run.name,
        run=run,
        created=begins + scene.starts * seconds,
        failing=scene.failing,
        retried=scene.retried,
    )
    pace = speed or job.ends / (scene.lasts * seconds)
    stop = None if scene.stopped is None else scene.stopped * job.ends / pace
    return replace(job, speed=pace, stopped_after=stop)


def _scenes(jobs: int, seed: int) -> Iterator[Scene]:
    """The first scenes as written, then further ones as the dice fall."""
    yield from SCENES[:jobs]
    dice = random.Random(seed)  # noqa: S311 - for a story, not for a secret
    for number in range(len(SCENES), jobs):
        starts = dice.uniform(0.0, 0.6)
        yield Scene(
            run=dice.choice(list(load_runs())),
            starts=starts,
            lasts=dice.uniform(0.1, 0.95 - starts),
            name=f"sweep-{number + 1:03d}",
            failing=5 if dice.random() < 0.1 else 0,
            stopped=dice.uniform(0.3, 0.9) if dice.random() < 0.1 else None,
        )
