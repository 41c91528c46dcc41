"""What the pages ask of the store, at the moment somebody looks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """What one destination is owed. `messages` counts rows by state; `oldest_age` is seconds, None when none waits.

    `held` says why nothing is sent there now, None while it flows. Neither may carry a secret.
    """

    destination: str
    messages: Mapping[str, int]
    oldest_age: float | None = None
    held: str | None = None


QueueSnapshot = Callable[[], Awaitable[Sequence[Queue]]]
"""Every destination's queue now. Raises NotifierError where the store does not answer."""

StoreProbe = Callable[[], Awaitable[None]]
"""Writes something and takes it back. Raises NotifierError where the store cannot be written."""
