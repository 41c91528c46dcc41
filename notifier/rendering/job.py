"""What is told of one tuning job: its last event first, and what came before it folded in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from notifier.model import (
    BestChange,
    BestTrainingJob,
    Direction,
    Event,
    EventType,
    ParameterRange,
    Status,
    Trial,
    TuningJob,
)
from notifier.rendering.course import copyable, course, failure_lines, silent_trials
from notifier.rendering.early import advice, early_words
from notifier.rendering.failures import clusters
from notifier.rendering.history import history_of, sparkline_of
from notifier.rendering.links import job_links, log_links
from notifier.rendering.numbers import (
    apart,
    difference,
    duration,
    moment,
    number,
    parameter,
    parameters_apart,
)
from notifier.rendering.story import Parameter, Story, Tone, Trials
from notifier.rendering.text import line, paragraph

NAME, METRIC, VALUE, REASON = 64, 80, 100, 1500
"""The most characters of a job's name, a metric's, a hyperparameter's value, a failure reason."""

HAPPENED: Mapping[str, tuple[str, Tone]] = {
    Status.IN_PROGRESS: ("in progress", Tone.GOING),
    Status.STOPPING: ("stopping", Tone.CALM),
    Status.COMPLETED: ("completed", Tone.GOOD),
    Status.FAILED: ("failed", Tone.BAD),
    Status.STOPPED: ("stopped", Tone.CALM),
    Status.DELETING: ("being deleted", Tone.GONE),
    Status.DELETE_FAILED: ("could not be deleted", Tone.TROUBLE),
}
_BETTER = {Direction.MAXIMIZE: "higher is better", Direction.MINIMIZE: "lower is better"}


def job_story(events: Sequence[Event], trials: Sequence[Trial] = (), *, repeated: bool = False) -> Story:
    """One story of all events of one job, never empty, in the order in which they came to be owed.

    `trials` are those of the job, as far as they are known.
    """
    main = events[-1]
    happened, tone = what_happened(main)
    job, best = main.job, fold(events)
    over = (main.status is not None and job.ended) or main.type is EventType.FAILING
    failures = clusters(trials) if over else ()
    return Story(
        tone=tone,
        headline=f"{name_of(job)}: {happened}{_headline_value(main, best)}",
        lines=(
            *_lines(events, best),
            *advice(main),
            *course(main, trials),
            *failure_lines(failures),
            *silent_trials(job),
        ),
        quote=paragraph(job.failure_reason or "", REASON),
        sparkline=sparkline_of(job, trials) if best or over else "",
        trials=Trials.of(job),
        facts=tuple(_facts(main, counted=history_of(job, trials) is not None)),
        parameters=tuple(_parameters(main, best)),
        copyable=copyable(job) if best or over else "",
        links=(*job_links(job), *log_links(job, failures)),
        place=(line(job.region, 40), line(job.account_id, 20), moment(main.time)),
        alarming=any(failed(each) for each in events),
        repeated=repeated,
    )


def what_happened(event: Event) -> tuple[str, Tone]:
    """An event in a word or two, and how it feels."""
    match event.type:
        case EventType.STARTED:
            return "started", Tone.STARTED
        case EventType.NEW_BEST:
            return "new best", Tone.BETTER
        case EventType.DELETED:
            return "deleted", Tone.GONE
        case EventType.FAILING | EventType.PLATEAUED | EventType.LIMIT_NEAR | EventType.STALLED:
            return early_words(event), Tone.TROUBLE
    return _in_words(event.status.after if event.status else event.job.status)


def status_of(job: TuningJob) -> tuple[str, Tone]:
    """How a job stands, in a word or two, and how it feels."""
    return _in_words(job.status)


def _in_words(status: str) -> tuple[str, Tone]:
    return HAPPENED.get(status, (f"now {line(status, 40)}", Tone.NEWS))


def failed(event: Event) -> bool:
    """Whether a tuning job failed: what people are mentioned for."""
    return event.status is not None and event.status.after == Status.FAILED


def name_of(job: TuningJob) -> str:
    """The job's name, fit for a headline."""
    return line(job.name, NAME) or "(no name)"


def value_of(best: BestTrainingJob | None) -> float | None:
    """The objective value of a trial, None where there is none."""
    return best.metric.value if best and best.metric else None


def fold(events: Sequence[Event]) -> BestChange | None:
    """Several new bests as one step: from the leader before the first of them to the leader now."""
    changes = [each.best for each in events if each.best]
    if not changes:
        return None
    first, last = changes[0], changes[-1]
    start = next((each.first_value for each in changes if each.first_value is not None), None)
    return BestChange(last.current, first.previous, last.objective, None, start)


def _headline_value(main: Event, best: BestChange | None) -> str:
    value = best.current.value if best else value_of(main.job.best)
    if value is None:
        return ""
    previous = best.previous.value if best and best.previous else None
    text = number(value) if previous is None else apart(previous, value)[1]
    if main.type is EventType.NEW_BEST:
        return f" {text}"
    return f", best so far {text}" if not main.job.ended and main.type is not EventType.DELETED else f", best {text}"


def _lines(events: Sequence[Event], best: BestChange | None) -> Iterator[str]:
    main = events[-1]
    yield from _improvement(best)
    yield from _objective(main, best)
    count = sum(each.best is not None for each in events)
    if count > 1 or (count and main.type is not EventType.NEW_BEST):
        yield f"{count} new {'bests' if count > 1 else 'best'} since the last message"
    for each in events[:-1]:
        if each.status and each.status.after not in {Status.IN_PROGRESS, Status.STOPPING}:
            yield f"{what_happened(each)[0]} before that"
    if main.type is EventType.DELETED:
        yield f"last known status: {HAPPENED.get(main.job.status, (line(main.job.status, 40),))[0]}"
    yield from _warm_start(main.job)


def _improvement(best: BestChange | None) -> Iterator[str]:
    """`up 0.00185 (0.21 %) from the previous best, up 0.0141 (1.6 %) from the first`."""
    if best is None or best.current.value is None:
        return
    value, first = best.current.value, best.first_value
    previous = best.previous.value if best.previous else None
    steps = []
    if previous is not None and previous != value:
        steps.append(f"{difference(value, previous)} from the previous best")
    if first is not None and first not in {value, previous}:
        steps.append(f"{difference(value, first)} from the first")
    if steps:
        yield ", ".join(steps)


def _objective(main: Event, best: BestChange | None) -> Iterator[str]:
    """`validation:auc, higher is better`: what a value means, or what the search will go by."""
    job = main.job
    if not best and value_of(job.best) is None and main.type is not EventType.STARTED:
        return
    if best is None:
        told = objective_of(job)
    else:
        told = _measured_by(best.current.metric_name or job.objective_metric, best.objective)
    if told:
        yield told


def objective_of(job: TuningJob) -> str:
    """`validation:auc, higher is better`: what the search goes by; empty where nothing says it."""
    reported = job.best.metric.name if job.best and job.best.metric else None
    return _measured_by(reported or job.objective_metric, job.direction_of(job.best))


def _measured_by(metric: str | None, direction: str | None) -> str:
    shown = line(metric or "", METRIC)
    return f"{shown}, {_BETTER[Direction(direction)]}" if shown and direction in _BETTER else shown


def _warm_start(job: TuningJob) -> Iterator[str]:
    overall, own = job.overall_best, job.best
    value = value_of(overall)
    if overall and value is not None and own and overall.training_job_name != own.training_job_name:
        yield f"best with its parent jobs: {number(value)}"


def _facts(main: Event, *, counted: bool) -> Iterator[str]:
    if main.type is EventType.STARTED:
        yield from plan_of(main.job)
    yield from facts_of(main.job, main.time, counted=counted)


def facts_of(job: TuningJob, now: datetime, *, counted: bool) -> Iterator[str]:
    """How long it took so far, and why it may be over soon.

    `counted`: the trials are known, and tell themselves since when nothing was gained; SageMaker counts otherwise.
    """
    seconds = ((job.ended_at or now) - job.created_at).total_seconds()
    if seconds >= 1:
        yield f"took {duration(seconds)}" if job.ended_at else f"{duration(seconds)} so far"
    if hours := job.compute_hours:
        yield f"{duration(((hours.finished or 0) + (hours.in_flight or 0)) * 3600)} of compute"
    if job.completion and job.completion.converged_at:
        yield "converged"
    if job.completion and job.completion.not_improving and not counted:
        count = job.completion.not_improving
        yield f"{count} trial{'' if count == 1 else 's'} without improvement"


def plan_of(job: TuningJob) -> Iterator[str]:
    """How the search will go: strategy and limits."""
    limits = job.limits
    if job.strategy:
        yield f"{line(job.strategy, 40)} search"
    if limits.max_parallel_training_jobs:
        yield f"{limits.max_parallel_training_jobs} at a time"
    if limits.max_runtime_seconds:
        yield f"at most {duration(limits.max_runtime_seconds)}"


def _parameters(main: Event, best: BestChange | None) -> Iterator[Parameter]:
    """What is tuned at the start; afterwards the best's values, with those that changed against the previous best."""
    if best is None:
        yield from best_parameters(main.job)
        return
    values = best.current.hyperparameters
    before = best.previous.hyperparameters if best.previous else {}
    for name in sorted(values):
        yield _parameter(name, values[name], before.get(name) if before else values[name])


def best_parameters(job: TuningJob) -> Iterator[Parameter]:
    """The best's hyperparameters, or what is tuned as long as there is no best."""
    if job.best is None:
        yield from (_range(each) for each in job.parameter_ranges or ())
        return
    values = job.best.hyperparameters
    yield from (_parameter(name, values[name], values[name]) for name in sorted(values))


def _parameter(name: str, value: str, before: str | None) -> Parameter:
    shown = line(name, NAME)
    if before is None:
        return Parameter(shown, f"{line(parameter(value), VALUE)} (new)", changed=True)
    pair = parameters_apart(before, value)
    if pair is None:
        return Parameter(shown, line(parameter(value), VALUE))
    was, now = (line(each, VALUE // 2) for each in pair)
    return Parameter(shown, f"{was} → {now}", changed=True)


def _range(tuned: ParameterRange) -> Parameter:
    if tuned.kind == "Categorical":
        text = ", ".join(parameter(each) for each in tuned.values)
    else:
        text = f"{parameter(tuned.min_value or '?')} … {parameter(tuned.max_value or '?')}"
    return Parameter(line(tuned.name, NAME), line(text, VALUE))
