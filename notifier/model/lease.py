"""The right of one worker to do, for a while, what must not be done twice at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """One duty held by one worker. `token` is the fencing token: it grows each time the duty changes hands."""

    duty: str
    worker: str
    token: int
