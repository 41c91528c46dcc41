"""Filters that let nothing through, whatever happens: a mistake, and nobody would hear of it."""

from collections.abc import Iterator, Mapping

from notifier.delivery.settings import DestinationSettings
from notifier.errors import Problem
from notifier.model import Api, EventType
from notifier.model.globs import covers, may_meet
from notifier.settings.explain import problem
from notifier.settings.names import DESTINATIONS
from notifier.settings.tree import Settings, variable
from notifier.settings.variables import Variable

_NEVER = {
    EventType.FAILING: "failing_share",
    EventType.PLATEAUED: "plateau_share",
    EventType.LIMIT_NEAR: "limit_share",
    EventType.STALLED: "stall_factor",
}
"""Events that a setting of 0 turns off."""


def filter_problems(settings: Settings, variables: Mapping[str, Variable]) -> list[Problem]:
    """A problem for each filter of a destination that can never match."""
    named = {name.upper(): each for name, each in variables.items()}
    return [
        problem(named.get(full, Variable(full, "")), text)
        for name, each in settings.destinations.items()
        for field, text in _complaints(settings, each)
        if (full := f"{DESTINATIONS}{name}__{field}".upper())
    ]


def _complaints(settings: Settings, destination: DestinationSettings) -> Iterator[tuple[str, str]]:
    events = destination.events or settings.events
    if destination.statuses and events and EventType.STATUS_CHANGED.word not in events:
        yield "statuses", f"can never match: it looks at status_changed alone, and the events are {', '.join(events)}"
    if destination.jobs and not any(_watched(settings, glob) for glob in destination.jobs):
        yield "jobs", "can never match: NOTIFIER_JOBS and NOTIFIER_EXCLUDE leave all such jobs out"
    for field, watched in (("accounts", settings.accounts), ("regions", settings.regions)):
        wanted = getattr(destination, field)
        if wanted and watched and not set(wanted) & set(watched):
            yield field, f"can never match: {variable(field)} names {', '.join(watched)}"
    if destination.tags and settings.api == Api.PREVIEW:
        yield "tags", "can never match: the jobs of NOTIFIER_API=preview have no tags"
    if destination.events and all(turned_off(settings, word) for word in destination.events):
        yield "events", f"can never match: {turned_off(settings, destination.events[0])} is 0, so that it is never told"


def _watched(settings: Settings, glob: str) -> bool:
    """Whether a job that a glob matches may be watched. A glob that is a name is a name's glob, too."""
    if not any(may_meet(glob, each) for each in settings.jobs):
        return False
    return not any(covers(each, glob) for each in settings.exclude)


def turned_off(settings: Settings, word: str) -> str | None:
    """The variable that turns an event off, if one does; the event by its word after the dot."""
    field = next((field for kind, field in _NEVER.items() if kind.word == word), None)
    return variable(field) if field and not getattr(settings, field) else None
