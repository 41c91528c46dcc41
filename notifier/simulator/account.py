"""A simulated account: its tuning jobs, and which of them exist at a moment. Pure; the moment is an argument."""

import bisect
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from notifier.simulator.job import SimulatedJob, Trial
from notifier.simulator.runs import Run, load_runs

ACCOUNT_ID = "111122223333"
REGION = "us-east-1"

_DAY = 86400.0
_HISTORY_DAYS = (2.0, 180.0)


@dataclass(frozen=True)
class Account:
    """Tuning jobs of one AWS account. Its region is where requests go that name none."""

    jobs: tuple[SimulatedJob, ...] = ()
    account_id: str = ACCOUNT_ID
    region: str = REGION

    def existing(self, now: float) -> tuple[SimulatedJob, ...]:
        """The jobs created by this moment, oldest first."""
        return self._by_creation[: bisect.bisect_right(self._by_creation, now, key=lambda job: job.created)]

    def unfinished(self, now: float) -> tuple[SimulatedJob, ...]:
        """The existing jobs that have not come to their end."""
        return tuple(job for job in self.existing(now) if not job.ended_at(now))

    def job(self, name: str, now: float) -> SimulatedJob | None:
        """The job of this name, whatever its case; None before its creation."""
        job = self._by_name.get(name.lower())
        return job if job is not None and job.created <= now else None

    def training_job(self, name: str, now: float) -> tuple[SimulatedJob, Trial] | None:
        """The trial of this name, with its tuning job; None before its creation."""
        job = self.job(name.rsplit("-", 2)[0], now)
        for trial in job.trials if job else ():
            if job is not None and trial.name.lower() == name.lower() and job.created + trial.created <= now:
                return job, trial
        return None

    def adding(self, jobs: Iterable[SimulatedJob]) -> "Account":
        """The account with further jobs."""
        return Account((*self.jobs, *jobs), self.account_id, self.region)

    @cached_property
    def _by_creation(self) -> tuple[SimulatedJob, ...]:
        return tuple(sorted(self.jobs, key=lambda job: (job.created, job.name)))

    @cached_property
    def _by_name(self) -> dict[str, SimulatedJob]:
        return {job.name.lower(): job for job in self._by_creation}


def history(count: int, now: float, seed: int = 0) -> Iterator[SimulatedJob]:
    """Jobs that ended long ago: half a year of recorded runs in their own time, some failed and some stopped."""
    dice = random.Random(seed)  # noqa: S311 - for a story, not for a secret
    runs = list(load_runs().values())
    for number in range(count):
        run = dice.choice(runs)
        yield SimulatedJob(
            name=f"{_family(run)}-{number + 1:05d}",
            run=run,
            created=now - _DAY * dice.uniform(*_HISTORY_DAYS),
            failing=5 if dice.random() < 0.08 else 0,
            stopped_after=dice.uniform(0.1, 1.0) * run.seconds if dice.random() < 0.08 else None,
        )


def quiet(count: int, now: float, seed: int = 0) -> Iterator[SimulatedJob]:
    """Jobs in progress whose trials take days: they will say nothing for hours."""
    dice = random.Random(seed)  # noqa: S311 - for a story, not for a secret
    runs = list(load_runs().values())
    for number in range(count):
        run = dice.choice(runs)
        days = dice.uniform(20.0, 40.0)
        yield SimulatedJob(
            name=f"{_family(run)}-long-{number + 1:03d}",
            run=run,
            created=now - 3600.0 * dice.uniform(2.0, 30.0),
            speed=run.seconds / (days * _DAY),
        )


def _family(run: Run) -> str:
    """What a team would call its sweeps of this kind: at most 20 characters, for a job's name has 32."""
    return {
        "dengai": "dengue-deepar",
        "aim318": "mnist-mxnet",
        "jihys": "mnist-pytorch",
        "amtviz": "digits-xgboost",
        "churn": "churn-xgboost",
        "ahrav": "bin-images-resnet50",
        "piotr": "dog-breeds-resnet50",
        "ensiyeh": "dog-breeds-vgg16",
    }[run.key]
