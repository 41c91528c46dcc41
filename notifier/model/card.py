"""A card: one message for each tuning job, which is edited in place as the job goes on."""

from dataclasses import dataclass
from datetime import datetime

from notifier.model.job import TuningJob
from notifier.model.trial import Trial


@dataclass(frozen=True, slots=True)
class Face:
    """What a card shows: a job as it was last seen. `began`: it has just started; `gone`: it was deleted."""

    job: TuningJob
    seen_at: datetime
    began: bool = False
    gone: bool = False
    trials: tuple[Trial, ...] = ()
    """Those that are remembered, in the order of their creation."""

    @property
    def final(self) -> bool:
        """Whether it will show nothing else, so that nobody should wait for it."""
        return self.gone or self.job.ended


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands: for Slack, the id of the channel and the message's `ts`."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Card:
    """A job's card at one destination. Times are epoch seconds by the store's clock.

    `home` says for which settings it was posted: in another channel it is another card. `shown` tells what stands on it
    from what should. `seen_at` is the look at the job that it shows, `edited_at` when it last changed.
    """

    job_key: str
    home: str
    posted: Posted
    shown: str
    seen_at: float
    edited_at: float
