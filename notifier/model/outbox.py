"""What is owed to a destination, and what is known of the destination itself."""

from dataclasses import dataclass

from notifier.model.event import Event, Notice
from notifier.model.quiet import QuietHours
from notifier.model.trial import Trial


@dataclass(frozen=True, slots=True)
class Owed:
    """One unsettled row of the outbox, without the event's body. Times are epoch seconds by the store's clock.

    `seq` is the order in which rows came to be owed; `job_key` is the queue inside the destination (the job's identity,
    or the notice's type). `attempts` counts its failed sends; `repeated`: an earlier one may have arrived.
    `alone_since` is set once another job's message went through while this one kept failing.
    """

    seq: int
    event_id: str
    job_key: str
    event_type: str
    created_at: float
    next_at: float = 0.0
    attempts: int = 0
    repeated: bool = False
    alone_since: float | None = None
    final: bool = False
    """Whether it tells an ending (Completed, Failed, Stopped) or a deletion."""
    best_value: float | None = None
    direction: str | None = None
    insisted: bool = False
    """Whether somebody asked for just this row to be sent: no silence concerns it then."""


@dataclass(frozen=True, slots=True)
class Told:
    """The last best that people were told of one job at one destination."""

    at: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a destination is not sent to now. `until` is epoch seconds; None: until its settings change, or `retry`."""

    until: float | None
    since: float
    failures: int
    reason: str
    fingerprint: str
    """Of the destination's address and secrets: a change of settings lifts a hold for ever."""
    probing: bool = False
    """Whether one message failed so often that the next job's is tried."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a destination likes to be spoken to. `rate` is messages a second (0: no limit), `best_cooldown` seconds."""

    name: str
    kind: str
    people: bool
    """People get folded new bests and digests; programs get every event."""
    rate: float = 0.0
    best_cooldown: float = 0.0
    min_improvement: float = 0.0
    fingerprint: str = ""
    quiet: QuietHours | None = None
    """When nothing is sent at all."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes out as one message: one event, several folded of one job, or a digest of many jobs. Never empty.

    In the order in which they came to be owed. `repeated`: an earlier send may have arrived. `trials` are those of the
    one job, as far as they are remembered, in the order of their creation.
    """

    events: tuple[Event | Notice, ...]
    repeated: bool = False
    trials: tuple[Trial, ...] = ()
