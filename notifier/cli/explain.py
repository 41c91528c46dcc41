"""`notifier explain`: which messages of a job go where, and why others do not; beside a running service."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.execution import WRONG, beside, complain, execute
from notifier.cli.table import at

if TYPE_CHECKING:
    from notifier.delivery.settings import DestinationSettings
    from notifier.model import Hold, JobIdentity, Silence
    from notifier.routing import Route, Subject
    from notifier.settings import Settings
    from notifier.store import Store


def explain(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The name of a tuning job, be it known yet or not.")],
    account: Annotated[str | None, typer.Option(help="Its account, where it is not known yet.")] = None,
    region: Annotated[str | None, typer.Option(help="Its region, where it is not known yet.")] = None,
) -> None:
    """Say which messages of a tuning job go where, and why others do not."""
    execute(lambda settings: _explain(settings, job, account, region))


async def _explain(settings: "Settings", job: str, account: str | None, region: str | None) -> int:
    from notifier.errors import StoreUnusable
    from notifier.rendering.text import clean
    from notifier.routing import Subject
    from notifier.settings.values import NAME

    if not NAME.fullmatch(job):
        complain("JOB is no tuning job's name: write one, without a glob's signs")
        return WRONG
    for each in settings.lookalikes:
        complain(f"{each.variable}: {each.message}")
    silences: list[Silence] = []
    holds: dict[str, Hold] = {}
    tags: dict[str, str] | None = None
    try:
        async with beside(settings) as store:
            known = await _known(store, job, account, region)
            if known is not None:
                account, region = known.account_id, known.region
                tags = await store.watch.tags(known)
            now = await store.silences.now()
            silences = [each for each in await store.silences.all() if each.lasts(now) and each.concerns(job)]
            holds = await store.desk.holds()
    except StoreUnusable as error:
        now = datetime.now(UTC).timestamp()
        complain(f"by the settings alone: {error}")
    if left_out := _left_out(settings, job, account, region):
        typer.echo(f"Nothing of {job} is told: {left_out}.")
        return 0
    _print_filters(settings, Subject(job, account, region, "", tags=tags), silences)
    if tags and any(each.tags for each in settings.destinations.values()):
        typer.echo(f"Its tags: {', '.join(f'{clean(key)}={clean(value)}' for key, value in sorted(tags.items()))}.")
    for line in _circumstances(settings, silences, holds, now):
        typer.echo(line)
    return 0


async def _known(store: "Store", job: str, account: str | None, region: str | None) -> "JobIdentity | None":
    """Print what is remembered of the job, the newest of that name; its identity."""
    from notifier.rendering.text import clean

    for scope, each in await store.desk.jobs():
        here = account in (None, scope.account_id) and region in (None, scope.region)
        if here and each.name.lower() == job.lower():
            place = f"{each.identity.region} of account {each.identity.account_id}"
            typer.echo(f"{clean(each.name)}: {clean(each.status)}, in {place}.")
            return each.identity
    typer.echo(f"{clean(job)}: no job of this name is known; by its name alone.")
    return None


def _left_out(settings: "Settings", job: str, account: str | None, region: str | None) -> str | None:
    """Why the job is not watched at all, if it is not."""
    from notifier.routing import Selection

    if not Selection(settings.jobs).selects(job):
        return f"NOTIFIER_JOBS={','.join(settings.jobs)} does not name it"
    if not Selection(exclude=settings.exclude).selects(job):
        return f"NOTIFIER_EXCLUDE={','.join(settings.exclude)} leaves it out"
    if account and settings.accounts and account not in settings.accounts:
        return "NOTIFIER_ACCOUNTS does not name its account"
    if region and settings.regions and region not in settings.regions:
        return "NOTIFIER_REGIONS does not name its region"
    return None


def _print_filters(settings: "Settings", subject: "Subject", silences: "list[Silence]") -> None:
    from notifier.app.parts import routes
    from notifier.cli.table import print_table
    from notifier.model import EventType

    rows: list[tuple[str, str, str]] = []
    for each in routes(settings):
        answers: dict[str, list[str]] = {}
        for kind in EventType:
            answer = _answer(settings, each, replace(subject, event=kind.word), silences)
            answers.setdefault(answer, []).append(kind.word)
        rows += [(each.destination, answer, ", ".join(words)) for answer, words in answers.items()]
    print_table(("destination", "told", "events"), rows)


def _answer(settings: "Settings", route: "Route", subject: "Subject", silences: "list[Silence]") -> str:
    from notifier.settings.filters import turned_off

    destination = settings.destinations[route.destination]
    if refusal := route.refusal(subject):
        own = getattr(destination, refusal)
        return f"no: left out by {'its ' if own else 'NOTIFIER_'}{refusal.upper()}"
    if off := turned_off(settings, subject.event):
        return f"no: {off} is 0"
    if silent := next((each for each in silences if each.quiets(route.destination, people=destination.people)), None):
        return f"no: silence {silent.id}"
    return ", ".join(["yes", *_conditions(route, destination, subject)])


def _conditions(route: "Route", destination: "DestinationSettings", subject: "Subject") -> Iterator[str]:
    from notifier.rendering.numbers import duration, percent

    if subject.account_id is None and route.accounts:
        yield f"if it is in account {' or '.join(route.accounts)}"
    if subject.region is None and route.regions:
        yield f"if it is in {' or '.join(route.regions)}"
    if subject.tags is None and route.tags:
        yield f"if its tags are {' and '.join(destination.tags)}"
    if subject.event == "status_changed" and route.statuses:
        yield f"to {' or '.join(route.statuses)} alone"
    if subject.event == "new_best" and destination.people:
        if destination.best_cooldown:
            yield f"one message in {duration(destination.best_cooldown)} at most"
        if destination.min_improvement:
            yield f"gains of {percent(destination.min_improvement)} at least"


def _circumstances(
    settings: "Settings", silences: "list[Silence]", holds: "dict[str, Hold]", now: float
) -> Iterator[str]:
    """What keeps messages back just now."""
    for name, destination in settings.destinations.items():
        for each in silences:
            if each.quiets(name, people=destination.people):
                comment = f" ({each.comment})" if each.comment else ""
                yield f"{name}: silence {each.id} until {at(each.until)}{comment}; what comes by then is not told."
        policy = destination.policy(name, "")
        if policy.quiet and (end := policy.quiet.until(now)):
            yield f"{name}: quiet hours until {at(end)}; what is owed waits."
        if name in holds:
            yield f"{name}: held, {holds[name].reason}; what is owed waits."
