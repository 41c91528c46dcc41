"""What the operator hears of a scope that cannot be seen: once when it lasts, once when it is over."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

from notifier.errors import StoreUnavailable
from notifier.model import Notice, NoticeType
from notifier.model.event import digest
from notifier.ports import Routed, WatchStore

BLIND_SECONDS = 900.0
"""Longer than a throttling, a deployment or a short outage lasts: those end before anybody could do something."""


class Blindness:
    """Counts how long sweeps have been failing, from the first that did. `ticks` are monotonic seconds.

    `where` names the scope as it reads after the word *in*.

    The notices' ids come from the last complete sweep, so that a restart in the middle tells nothing twice.
    """

    def __init__(
        self,
        where: str,
        store: WatchStore,
        operator: tuple[str, ...],
        *,
        owed: Callable[[], None],
        clock: Callable[[], datetime],
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._where = where
        self._store = store
        self._operator = operator
        self._owed = owed
        self._clock = clock
        self._ticks = ticks
        self._since: float | None = None
        self._told = False

    async def recall(self, scope: str, complete_at: float | None) -> None:
        """Find out whether an earlier process has told of it and the scope was not seen since."""
        self._told = self._told or await self._store.known(_id(NoticeType.SCOPE_BLIND, scope, complete_at))

    async def lasts(self, scope: str, complete_at: float | None, reason: str) -> None:
        """A sweep failed; `complete_at` is the last complete one (epoch seconds), `scope` the scope's key."""
        self._since = self._ticks() if self._since is None else self._since
        if self._told or not self._operator or self._ticks() - self._since < BLIND_SECONDS:
            return
        since = "Not swept yet" if complete_at is None else f"Not since {_minute(complete_at)}"
        lines = (f"{since}: {reason}", "It is tried again by itself; what happens meanwhile is told then.")
        title = f"Cannot see the tuning jobs in {self._where}"
        try:
            await self._store.announce([self._notice(NoticeType.SCOPE_BLIND, scope, complete_at, title, lines)])
        except StoreUnavailable:
            return  # The store is in trouble too: the next sweep that fails tries to tell again.
        self._told = True
        self._owed()

    def ends(self, scope: str, complete_at: float | None) -> tuple[Routed, ...]:
        """What a complete sweep announces where the operator had heard of blindness since the one before."""
        if not self._told or not self._operator:
            return ()
        title = f"The tuning jobs in {self._where} can be seen again"
        lines = () if complete_at is None else (f"What happened since {_minute(complete_at)} is told now.",)
        return (self._notice(NoticeType.SCOPE_RECOVERED, scope, complete_at, title, lines),)

    def over(self) -> None:
        """A sweep was complete, and what it announced is owed."""
        self._since, self._told = None, False

    def _notice(
        self, kind: NoticeType, scope: str, complete_at: float | None, title: str, lines: tuple[str, ...]
    ) -> Routed:
        notice = Notice(_id(kind, scope, complete_at), kind, self._clock(), title, lines, scope)
        return Routed(notice, self._operator)


def _id(kind: NoticeType, scope: str, complete_at: float | None) -> str:
    return digest(scope, kind, repr(complete_at))


def _minute(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
