"""Reading ahead: what a destination is owed is read for many messages at once, where nothing stands in their way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from notifier.dispatch.queue import Look
from notifier.model import Event, Notice

AHEAD_SECONDS = 0.2
"""For so long what was read still counts: what people do beside the service shows as soon as this."""


class Ahead:
    """The last look at a destination, less what was sent since, and the bodies that were read for it.

    It may be dropped at any moment: whoever finds nothing here reads anew. Ticks are monotonic seconds.
    """

    def __init__(self) -> None:
        self._look: Look | None = None
        self._tick = 0.0
        self.bodies: Mapping[str, Event | Notice] = {}

    def look(self, tick: float) -> Look | None:
        """What was seen, with the store's clock as it goes now; None where that was too long ago."""
        if self._look is None or not 0.0 <= tick - self._tick < AHEAD_SECONDS:
            return None
        return replace(self._look, now=self._look.now + tick - self._tick)

    def keep(self, look: Look, tick: float) -> None:
        """Something was read. What was under way then is not sent again, whatever becomes of it, without a new look."""
        self._look, self._tick = look, tick
        self.sent({row.seq for message in look.flying for row in message})

    def sent(self, seqs: Collection[int]) -> None:
        """Rows are under way, or were given up."""
        if self._look is not None:
            self._look = replace(self._look, rows=[row for row in self._look.rows if row.seq not in seqs])

    def wanted(self, event_ids: Sequence[str], most: int) -> list[str]:
        """The bodies to be read for these events: none that are here, else theirs and those of the next rows."""
        if all(event_id in self.bodies for event_id in event_ids):
            return []
        rows = self._look.rows if self._look is not None else ()
        return list(dict.fromkeys([*event_ids, *(row.event_id for row in rows[:most])]))

    def drop(self) -> None:
        """What was read may not be true any more."""
        self._look, self.bodies = None, {}
