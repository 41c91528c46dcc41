"""What the trials tell of a search: how it came to its best, why trials failed, and what can be taken along."""

import json
from collections.abc import Iterator, Sequence

from notifier.model import Event, EventType, Trial, TuningJob
from notifier.rendering.failures import Cluster
from notifier.rendering.history import History, history_of
from notifier.rendering.numbers import exact
from notifier.rendering.text import clean

COPYABLE = 1500
"""The most characters of the hyperparameters as JSON: more of it is not whole, and whole or nothing."""
REASONS = 3
"""The reasons of failed trials that are told."""


def course(main: Event, trials: Sequence[Trial]) -> Iterator[str]:
    """How this best came about, or when the last one was found."""
    history = history_of(main.job, trials)
    if history is None or main.job.best is None:
        return
    name, count = main.job.best.training_job_name, len(history.scored)
    if main.type is EventType.NEW_BEST:
        waited = history.before_gain(name)
        if waited is not None:
            since = f"the first gain in {waited + 1} trials" if waited else "right after the gain before it"
            yield f"best of {count} trials with a value, {since}"
    elif main.job.ended and count > 1:
        yield _found(history)


def _found(history: History) -> str:
    count, since = len(history.scored), history.since_gain
    if not since:
        return f"best found in the last of {count} trials with a value"
    return f"best found in trial {count - since} of {count} with a value, {since} without a gain after it"


def failure_lines(failures: Sequence[Cluster]) -> Iterator[str]:
    """`7 of 9 failed trials: CUDA out of memory`, and so on."""
    total = sum(each.count for each in failures)
    for each in failures[:REASONS]:
        many = f"all {total}" if each.count == total else f"{each.count} of {total}"
        many = f"{many} failed trials" if total > 1 else "the failed trial"
        yield f"{many}: {each.words}"
    if len(failures) > REASONS:
        rest = sum(each.count for each in failures[REASONS:])
        yield f"{rest} more for {len(failures) - REASONS} other reason{'s' if len(failures) > REASONS + 1 else ''}"


def silent_trials(job: TuningJob) -> Iterator[str]:
    """A warning where trials complete and send no objective: the metric's name or its regex may be wrong."""
    silent = job.silent_trials or 0
    if silent and silent * 2 >= job.counts.completed:
        who = "1 completed trial sends" if silent == 1 else f"{silent} completed trials send"
        yield f"{who} no objective metric: does its regex match the log?"


def copyable(job: TuningJob) -> str:
    """The best's hyperparameters as JSON in one line, numbers as numbers; empty where there are none, or too many."""
    if job.best is None or not job.best.hyperparameters:
        return ""
    values = {clean(name): exact(clean(value)) for name, value in sorted(job.best.hyperparameters.items())}
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return text if len(text) <= COPYABLE else ""
