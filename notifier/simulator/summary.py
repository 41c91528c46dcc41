"""What the demo says at its end."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from notifier.model import EventType
from notifier.simulator.inbox import Inbox
from notifier.simulator.job import SimulatedJob
from notifier.simulator.sagemaker import SageMaker
from notifier.simulator.tally import Ending, Tally, describe_each_calls


def summary(sagemaker: SageMaker, inbox: Inbox, jobs: Sequence[SimulatedJob], tally: Tally, now: float) -> Table:
    """The demo in a table: jobs, events, messages, endings, troubles, and what the watching cost."""
    table = Table(title="\nWhat happened", title_justify="left", show_header=False, title_style="bold")
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("Tuning jobs", _jobs(sagemaker, jobs, now))
    table.add_row("Events", _events(inbox))
    table.add_row("Slack messages", _messages(inbox))
    table.add_row("Endings told", _endings(tally))
    if sagemaker.refused:
        table.add_row("Troubles survived", _troubles(sagemaker))
    table.add_row("AWS calls", _calls(sagemaker))
    return table


def _jobs(sagemaker: SageMaker, jobs: Sequence[SimulatedJob], now: float) -> str:
    ended = Counter(str(job.outcome) for job in jobs if job.ended_at(now))
    running = len([job for job in jobs if job.created <= now]) - ended.total()
    parts = [f"{count} {status.lower()}" for status, count in sorted(ended.items())]
    parts += [f"{running} still running"] if running else []
    others = len(sagemaker.account.jobs) - len(jobs)
    silent = sum(1 for job in sagemaker.account.unfinished(now)) - running
    return f"{len(jobs)}: {', '.join(parts) or 'none began'}; beside {silent} silent and {others - silent:,} old ones"


def _events(inbox: Inbox) -> str:
    """By type; every one came over the webhook."""
    types = Counter(str(each.body["type"]) for each in inbox.events)
    words = {kind.value: kind.word.replace("_", " ") for kind in EventType}
    parts = [f"{types[name]} {word}" for name, word in words.items() if types[name]]
    return f"{len(inbox.events):,} at the webhook, signatures verified: {', '.join(parts) or 'none'}"


def _messages(inbox: Inbox) -> str:
    """With what Slack's rules refused, which should be nothing."""
    refused = f"; {len(inbox.refused)} refused by the inbox: {', '.join(sorted(set(inbox.refused)))}"
    return f"{len(inbox.messages):,}; new bests close together fold into one{refused if inbox.refused else ''}"


def _endings(tally: Tally) -> Text:
    if tally.right and not tally.once:
        return Text("no job has ended yet")
    if tally.right:
        return Text(f"{len(tally.once)} of {len(tally.once)}, each exactly once", "green")
    lines = [f"{len(tally.once)} exactly once"]
    for word, endings in (("missed", tally.missed), ("repeated", tally.repeated), ("invented", tally.invented)):
        if endings:
            lines.append(f"{word}: {', '.join(_named(endings))}")
    return Text("\n".join(lines), "bold red")


def _named(endings: Sequence[Ending]) -> Iterator[str]:
    return (f"{name} ({status})" for name, status in endings)


def _troubles(sagemaker: SageMaker) -> str:
    words = {"ThrottlingException": "throttled", "InternalFailure": "failed", "reset": "cut off"}
    counts = (f"{count} {words.get(code, code)}" for code, count in sagemaker.refused.most_common())
    return f"calls to SageMaker: {', '.join(counts)}"


def _calls(sagemaker: SageMaker) -> Text:
    made, sweeps = sagemaker.calls.total(), len(sagemaker.sweeps)
    loop = describe_each_calls(sagemaker.account, sagemaker.sweeps)
    text = Text(f"{made:,} in {sweeps} sweeps, retries included")
    if made and loop > made:
        text.append(f"; {loop / made:.1f} times fewer than the naive loop", "green")
    text.append(
        f"\n{loop:,} by a loop that at each of these sweeps lists all pages and describes every unfinished job, "
        "its retries not counted",
        "dim",
    )
    return text
