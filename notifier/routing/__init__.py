"""Decide which jobs are watched, and who hears of an event. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

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
class Route:
    """What one destination wants to hear; an empty filter lets everything through.

    `events` are words after the dot (`new_best`); `statuses` restrict status changes alone.
    """

    destination: str
    jobs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def wants(self, event: Event) -> bool:
        """Whether the destination should hear of this event."""
        job = event.job
        return (
            (not self.jobs or matches(job.name, self.jobs))
            and (not self.events or event.type.word in self.events)
            and (not self.statuses or event.status is None or event.status.after in self.statuses)
            and (not self.accounts or job.account_id in self.accounts)
            and (not self.regions or job.region in self.regions)
        )


def route(event: Event, routes: Iterable[Route]) -> tuple[str, ...]:
    """The names of the destinations that should hear of an event."""
    return tuple(each.destination for each in routes if each.wants(event))
