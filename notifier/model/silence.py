"""A time in which people do not want to hear of some jobs."""

from dataclasses import dataclass

from notifier.model.globs import matches


@dataclass(frozen=True, slots=True)
class Silence:
    """Times are epoch seconds by the store's clock; `until` is not in it any more.

    `jobs` is a name or a glob. `destination` None: wherever people read. Programs keep hearing everything, but for one
    that is named.
    """

    id: int
    jobs: str
    destination: str | None
    since: float
    until: float
    comment: str = ""

    def lasts(self, moment: float) -> bool:
        """Whether this moment is in it."""
        return self.since <= moment < self.until

    def concerns(self, job: str) -> bool:
        """Whether it is about a job of this name."""
        return matches(job, (self.jobs,))

    def quiets(self, destination: str, *, people: bool) -> bool:
        """Whether it is about this destination."""
        return people if self.destination is None else self.destination == destination
