"""A simulated tuning job: a recorded run on a timetable. Pure: what it would say at a moment follows from the moment.

Times within a job are seconds since its creation; the moments asked for are epoch seconds.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from notifier.model import Direction, Status, TrialCounts
from notifier.simulator.runs import RecordedTrial, Run

# A trial waits for its machine for a fifth of its time, two recorded minutes at most: what notebooks show.
_WAITING_SHARE, _WAITING_MOST = 0.2, 120.0
# A failing trial dies early, as most crashes do; a stopped job needs a recorded minute to wind its trials down.
_FAILING_AT, _RETRIED_AT, _WINDING_DOWN = 0.35, 0.2, 60.0

CUDA_OUT_OF_MEMORY = (
    'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: CUDA out of memory. Tried to '
    "allocate 1.53 GiB (GPU 0; 14.76 GiB total capacity; 12.91 GiB already allocated; 839.75 MiB free; 12.98 GiB "
    'reserved in total by PyTorch)"\nCommand "/opt/conda/bin/python3.8 train.py {arguments}", exit code: 1'
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One training job on its timetable. Each attempt is (training begins, it ends); all but the last were retried."""

    name: str
    created: float
    attempts: tuple[tuple[float, float], ...]
    outcome: Status
    value: float | None
    hyperparameters: Mapping[str, str]
    failure_reason: str | None = None
    stopping: float | None = None

    @property
    def begins(self) -> float:
        """When its last attempt began to train."""
        return self.attempts[-1][0]

    @property
    def ends(self) -> float:
        """When it ended for good."""
        return self.attempts[-1][1]

    def status(self, at: float) -> Status:
        """Its TrainingJobStatus."""
        if at >= self.ends:
            return self.outcome
        return Status.STOPPING if self.stopping is not None and at >= self.stopping else Status.IN_PROGRESS

    def retries(self, at: float) -> int:
        """How often it was started again so far."""
        return sum(1 for _, ends in self.attempts[:-1] if at >= ends)

    def running(self, at: float) -> bool:
        """Whether it trains, rather than waits for a machine."""
        return any(begins <= at < ends for begins, ends in self.attempts)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a tuning job is at one moment. `modified` and `ended` are seconds since its creation."""

    status: Status
    counts: TrialCounts
    best: Trial | None
    modified: float
    ended: float | None
    not_improving: int


@dataclass(frozen=True)
class SimulatedJob:
    """One tuning job that replays `run`, `speed` recorded seconds in a second.

    `failing`: its first so many trials crash, and the job fails with them. `stopped_after`: seconds until a user stops
    it. `retried`: numbers (from 1) of trials that crash once and are started again.
    """

    name: str
    run: Run
    created: float
    speed: float = 1.0
    parallel: int | None = None
    failing: int = 0
    stopped_after: float | None = None
    retried: frozenset[int] = field(default_factory=frozenset)
    strategy: str = "Bayesian"

    @property
    def max_parallel(self) -> int:
        """MaxParallelTrainingJobs."""
        return self.parallel or self.run.parallel

    @property
    def max_trials(self) -> int:
        """MaxNumberOfTrainingJobs."""
        return max(len(self.run.trials), self.failing)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial it will ever start, in the order of their numbers."""
        stop = self.stops
        if stop is None:
            return self._planned
        return tuple(self._cut(each, stop) for each in self._planned if each.created < stop)

    @cached_property
    def stops(self) -> float | None:
        """When the user's stop takes effect: the job is Stopping from here. None where it ends by itself before."""
        natural_end = max(each.ends for each in self._planned)
        return self.stopped_after if self.stopped_after is not None and self.stopped_after < natural_end else None

    @cached_property
    def ends(self) -> float:
        """When it comes to its end."""
        last = max((each.ends for each in self.trials), default=0.0)
        return last if self.stops is None else max(last, self.stops + self._winding_down)

    @property
    def outcome(self) -> Status:
        """How it ends."""
        if self.stops is not None:
            return Status.STOPPED
        return Status.FAILED if self.failing else Status.COMPLETED

    @property
    def failure_reason(self) -> str | None:
        """Why it ends as Failed; None for the others."""
        if self.outcome is not Status.FAILED:
            return None
        return f"No training job succeeded after {self.failing} attempts. Most recent: {self.trials[-1].failure_reason}"

    def at(self, now: float) -> Snapshot:
        """What it is at this moment (epoch seconds, not before its creation)."""
        since = now - self.created
        return self._last if since >= self.ends else self._snapshot(since)

    def ended_at(self, now: float) -> bool:
        """Whether it came to its end by this moment."""
        return now - self.created >= self.ends

    @cached_property
    def _last(self) -> Snapshot:
        return self._snapshot(self.ends)

    @property
    def _winding_down(self) -> float:
        return _WINDING_DOWN / self.speed

    def _snapshot(self, since: float) -> Snapshot:
        born = [each for each in self.trials if each.created <= since]
        ended = since >= self.ends
        leaders = list(self._leaders(since))
        completed = [each for each in born if each.status(since) is Status.COMPLETED]
        return Snapshot(
            status=self._status(since),
            counts=_counts(born, since),
            best=leaders[-1] if leaders else None,
            modified=max((at for at in self._moments if at <= since), default=0.0),
            ended=self.ends if ended else None,
            not_improving=sum(1 for each in completed if leaders and each.ends > leaders[-1].ends),
        )

    def _status(self, since: float) -> Status:
        if since >= self.ends:
            return self.outcome
        return Status.STOPPING if self.stops is not None and since >= self.stops else Status.IN_PROGRESS

    def _leaders(self, since: float) -> Iterator[Trial]:
        """The trials that were ever best, each strictly better than the one before."""
        sign = 1.0 if self.run.direction is Direction.MAXIMIZE else -1.0
        best = float("-inf")
        for trial in sorted(self.trials, key=lambda each: (each.ends, each.name)):
            if trial.ends > since or trial.outcome is not Status.COMPLETED or trial.value is None:
                continue
            if sign * trial.value > best:
                best = sign * trial.value
                yield trial

    @cached_property
    def _moments(self) -> tuple[float, ...]:
        """When anything about it changes."""
        edges = [edge for each in self.trials for attempt in each.attempts for edge in attempt]
        return (0.0, *edges, *(each.created for each in self.trials), self.ends, *([self.stops] if self.stops else []))

    @cached_property
    def _planned(self) -> tuple[Trial, ...]:
        """The recorded trials as they would run if nobody stopped the job."""
        return tuple(self._scheduled())

    def _scheduled(self) -> Iterator[Trial]:
        """Put the recorded trials into slots: a trial starts as soon as one of the parallel slots is free."""
        free = [0.0] * self.max_parallel
        for number, recorded in enumerate(self._recorded(), start=1):
            trial = self._timed(number, recorded, heapq.heappop(free))
            heapq.heappush(free, trial.ends)
            yield trial

    def _recorded(self) -> Iterator[RecordedTrial]:
        count = self.failing or len(self.run.trials)
        return (self.run.trials[index % len(self.run.trials)] for index in range(count))

    def _timed(self, number: int, recorded: RecordedTrial, created: float) -> Trial:
        waiting = min(_WAITING_SHARE * recorded.seconds, _WAITING_MOST) / self.speed
        seconds = recorded.seconds / self.speed
        begins, attempts = created + waiting, []
        if number in self.retried:
            attempts.append((begins, begins + _RETRIED_AT * seconds))
            begins = attempts[-1][1] + waiting
        attempts.append((begins, begins + seconds * (_FAILING_AT if self.failing else 1.0)))
        return Trial(
            name=f"{self.name}-{number:03d}-{recorded.suffix.rsplit('-', 1)[1]}",
            created=created,
            attempts=tuple(attempts),
            outcome=Status.FAILED if self.failing else Status.COMPLETED,
            value=None if self.failing else recorded.value,
            hyperparameters=recorded.hyperparameters,
            failure_reason=_crash(recorded.hyperparameters) if self.failing else None,
        )

    def _cut(self, trial: Trial, stop: float) -> Trial:
        """A trial of a stopped job: what had ended stays, what goes on is wound down."""
        if trial.ends <= stop:
            return trial
        down = stop + self._winding_down
        attempts = [(begins, min(ends, down)) for begins, ends in trial.attempts if begins < down] or [(down, down)]
        attempts[-1] = (attempts[-1][0], down)
        return Trial(
            name=trial.name,
            created=trial.created,
            attempts=tuple(attempts),
            outcome=Status.STOPPED,
            value=None,
            hyperparameters=trial.hyperparameters,
            stopping=stop,
        )


def _counts(born: list[Trial], since: float) -> TrialCounts:
    statuses = [each.status(since) for each in born]
    active = [each for each in born if since < each.ends]
    running = sum(1 for each in active if each.running(since))
    return TrialCounts(
        completed=statuses.count(Status.COMPLETED),
        in_progress=len(active),
        # An attempt that is started again stays counted: recordings show RetryableError 1 beside Completed 20 of 20.
        retryable_error=sum(each.retries(since) for each in born),
        non_retryable_error=statuses.count(Status.FAILED),
        stopped=statuses.count(Status.STOPPED),
        pending=len(active) - running,
        running=running,
    )


def _crash(hyperparameters: Mapping[str, str]) -> str:
    arguments = " ".join(f"--{name} {text.strip(chr(34))}" for name, text in hyperparameters.items())
    return CUDA_OUT_OF_MEMORY.format(arguments=arguments)
