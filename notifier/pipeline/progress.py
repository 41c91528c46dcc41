"""How far a first baseline has come. At the default pace it takes a second a job, and there is nothing to tell yet."""

from collections.abc import Callable

PROGRESS_SECONDS = 30.0


class Progress:
    """Says now and then how far it has come: at most every 30 seconds. `ticks` are monotonic seconds."""

    def __init__(self, say: Callable[[int, int], None], ticks: Callable[[], float]) -> None:
        """`say` is told how many jobs were looked at, and of how many it is known that they must be."""
        self._say = say
        self._ticks = ticks
        self._said_at = ticks()

    def begin(self) -> None:
        """A sweep begins: one that is quick says nothing."""
        self._said_at = self._ticks()

    def stands(self, looked_at: int, jobs: int) -> None:
        """The sweep goes on, and stands here."""
        if self._ticks() - self._said_at >= PROGRESS_SECONDS:
            self._said_at = self._ticks()
            self._say(looked_at, jobs)
