"""Decide which jobs are watched, and who hears of an event. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from notifier.model import Event
from notifier.model.globs import EVERY, matches


@dataclass(frozen=True, slots=True)
class Selection:
    """Names or globs to watch and to leave out. Names are case-insensitive, as SageMaker's are."""

    jobs: tuple[str, ...] = EVERY
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        """Whether a job of this name is watched."""
        if self.jobs == EVERY and not self.exclude:
            return True  # As good as always, and asked for every row of every sweep.
        return matches(name, self.jobs) and not matches(name, self.exclude)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the filters look at. `event` is the word after the dot; `status` what a job changes to, if it changes.

    None for what nobody knows: no filter leaves it out.
    """

    name: str
    account_id: str | None
    region: str | None
    event: str
    status: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """What one destination wants to hear; an empty filter lets everything through.

    `events` are words after the dot (`new_best`); `statuses` restrict status changes alone. `tags` are keys with
    globs of values, all of which must match SageMaker's tags; unlike names, these have case.
    """

    destination: str
    jobs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def wants(self, event: Event, tags: Mapping[str, str] | None = None) -> bool:
        """Whether the destination should hear of this event. Where nobody knows the tags, they match."""
        job, status = event.job, event.status.after if event.status else None
        return self.refusal(Subject(job.name, job.account_id, job.region, event.type.word, status, tags)) is None

    def refusal(self, subject: Subject) -> str | None:
        """The first filter that leaves it out, by its field; None where the destination hears of it."""
        for field, passes in (
            ("jobs", not self.jobs or matches(subject.name, self.jobs)),
            ("events", _passes(self.events, subject.event)),
            ("statuses", _passes(self.statuses, subject.status)),
            ("accounts", _passes(self.accounts, subject.account_id)),
            ("regions", _passes(self.regions, subject.region)),
            ("tags", subject.tags is None or all(_tagged(subject.tags, key, glob) for key, glob in self.tags)),
        ):
            if not passes:
                return field
        return None


def _passes(allowed: tuple[str, ...], value: str | None) -> bool:
    return not allowed or value is None or value in allowed


def _tagged(tags: Mapping[str, str], key: str, glob: str) -> bool:
    return key in tags and fnmatchcase(tags[key], glob)


def route(event: Event, routes: Iterable[Route], tags: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The names of the destinations that should hear of an event. `tags` are its job's, where they are known."""
    return tuple(each.destination for each in routes if each.wants(event, tags))


def asks_for_tags(event: Event, routes: Iterable[Route]) -> bool:
    """Whether it depends on the tags of its job who hears of an event."""
    return any(each.tags and each.wants(event) for each in routes)
