"""The pulse of the process: which loops turn, and when each scope was last swept. In memory, and never waits."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Loop:
    within: float
    beat_at: float


@dataclass(slots=True)
class _Sweeps:
    region: str
    account: str
    within: float
    since: float
    """The last complete sweep, or the moment the watch began."""
    swept: bool = False
    trouble: str | None = None


class Health:
    """The board on which loops and sweeps report. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loops: dict[str, _Loop] = {}
        self._sweeps: dict[str, _Sweeps] = {}
        self._deaf: dict[str, str] = {}

    def expect(self, loop: str, within: float) -> None:
        """From now on this loop turns at least once in `within` seconds."""
        self._loops[loop] = _Loop(within, self._clock())

    def beat(self, loop: str) -> None:
        """The loop has turned. Only an expected loop can; another is a KeyError."""
        self._loops[loop].beat_at = self._clock()

    def retire(self, loop: str) -> None:
        """The loop has ended, and rightly so."""
        self._loops.pop(loop, None)

    def watch(self, scope: str, region: str, within: float, account: str = "") -> None:
        """From now on this scope is swept completely at least once in `within` seconds; `account` where it is named."""
        self._sweeps[scope] = _Sweeps(region, account, within, self._clock())

    def swept(self, scope: str) -> None:
        """A sweep of this scope is complete."""
        sweeps = self._sweeps[scope]
        sweeps.since, sweeps.swept, sweeps.trouble = self._clock(), True, None

    def missed(self, scope: str, trouble: str) -> None:
        """A sweep of this scope failed, and why; the text is shown on `/readyz` and holds no secret."""
        self._sweeps[scope].trouble = trouble

    def unwatch(self, scope: str) -> None:
        """The scope is no longer ours to sweep."""
        self._sweeps.pop(scope, None)

    def deaf(self, queue: str, why: str | None) -> None:
        """A queue of hints cannot be heard, and why; None: it can. The text is shown, and holds no secret."""
        if why is None:
            self._deaf.pop(queue, None)
        else:
            self._deaf[queue] = why

    def unheard(self) -> dict[str, str]:
        """The queues that cannot be heard, and why: the sweeps see everything without them, only later."""
        return dict(self._deaf)

    def beats(self) -> dict[str, float]:
        """Seconds since each loop last turned."""
        now = self._clock()
        return {name: now - loop.beat_at for name, loop in self._loops.items()}

    def stuck(self) -> list[str]:
        """One line for each loop that has not turned within its bound."""
        return [
            f"{name} has not turned for {age:.0f} s (bound: {self._loops[name].within:.0f} s)"
            for name, age in self.beats().items()
            if age > self._loops[name].within
        ]

    def sweep_ages(self) -> dict[str, float]:
        """Seconds since each scope's last complete sweep, or since its watch began."""
        now = self._clock()
        return {scope: now - sweeps.since for scope, sweeps in self._sweeps.items()}

    def poll_ages(self) -> dict[tuple[str, str], float]:
        """Seconds since the last complete sweep by region and account; the oldest where these hold several scopes."""
        ages: dict[tuple[str, str], float] = {}
        for scope, age in self.sweep_ages().items():
            where = (self._sweeps[scope].region, self._sweeps[scope].account)
            ages[where] = max(age, ages.get(where, 0.0))
        return ages

    def stale(self) -> list[str]:
        """One line for each scope that was not swept within its bound, or not yet."""
        return list(self._stale().values())

    def blind(self) -> list[str]:
        """The lines of `stale`, unless another account is seen whole: one that shuts us out stops no service."""
        stale = self._stale()
        accounts = {sweeps.account for sweeps in self._sweeps.values()}
        unseen = {self._sweeps[scope].account for scope in stale}
        return list(stale.values()) if accounts == unseen else []

    def _stale(self) -> dict[str, str]:
        return {
            scope: reason
            for scope, age in self.sweep_ages().items()
            if (reason := _staleness(scope, self._sweeps[scope], age))
        }


def _staleness(scope: str, sweeps: _Sweeps, age: float) -> str | None:
    if sweeps.swept and age <= sweeps.within:
        return None
    reason = (
        f"{scope}: last swept {age:.0f} s ago (bound: {sweeps.within:.0f} s)"
        if sweeps.swept
        else f"{scope}: not swept yet"
    )
    return f"{reason}: {sweeps.trouble}" if sweeps.trouble else reason
