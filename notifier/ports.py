"""What the adapters offer to the pipeline: one screen that says how the parts meet."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from notifier.model import (
    Batch,
    Card,
    Event,
    Face,
    Hint,
    Hold,
    JobIdentity,
    KnownTrials,
    Lease,
    Noted,
    Notice,
    Owed,
    Page,
    Place,
    Policy,
    Posted,
    Remembered,
    Scope,
    ScopeState,
    Settled,
    Silence,
    Told,
    Trial,
    TuningJob,
)

Recognise = Callable[[str, int], Settled | None]
"""By the name of a row, and what it says: the row as it was settled before."""


def nothing_settled(name: str, says: int) -> None:
    """Every row is to be read."""


class Source(Protocol):
    """One scope's tuning API. Every method retries within its own deadline, then raises CallFailed."""

    place: Place
    region: str
    api: str

    async def account(self) -> str | None:
        """The account: as the settings name it, else the caller's (sts:GetCallerIdentity).

        None where STS will not say and the first ARN must.
        """
        ...

    async def role(self) -> str | None:
        """The ARN of the role that the calls are made in, assumed by now; None where the credentials are the caller's.

        Raises CallFailed where it cannot be assumed.
        """
        ...

    def pages(self, settled: Recognise = nothing_settled) -> AsyncGenerator[Page]:
        """List all tuning jobs, newest first, 100 a page; a page is asked for when it is wanted.

        A row that is `settled` is not read.
        """
        ...

    async def describe(self, name: str, *, trials: bool = False) -> TuningJob:
        """One job's record; with `trials`, what only its training jobs tell as well (more calls). Raises JobMissing."""
        ...

    async def trials(self, name: str, known: KnownTrials) -> list[Trial]:
        """The trials of a job that are new, or were not over when last seen. Raises JobMissing."""
        ...

    async def tags(self, arn: str) -> dict[str, str]:
        """The tags of a tuning job, by its ARN. Raises JobMissing."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a queue, received `times` times by now. `receipt` is what deletes it.

    `hint` None: it is about nothing of ours, unless it cannot be read, and `wrong` says why.
    """

    id: str
    receipt: str
    times: int
    hint: Hint | None = None
    wrong: str | None = None


class HintQueue(Protocol):
    """Where hints come from. A message that is not deleted comes again."""

    name: str

    async def receive(self) -> Sequence[Heard]:
        """The next messages, at once where there are some, else none after a while. Raises CallFailed."""
        ...

    async def delete(self, receipts: Collection[str]) -> int:
        """Delete messages; how many were not, which come again. Raises CallFailed."""
        ...

    async def probe(self) -> None:
        """Prove that messages may be received and deleted. Raises CallFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Observed:
    """What one look at a job changes: what is remembered of it now (with its record), and what is owed for it."""

    remembered: Remembered
    record: TuningJob | None = None
    events: tuple["Routed", ...] = ()
    forget: bool = False
    trials: tuple[Trial, ...] = ()
    """Trials of the job that are new, or have changed."""


@dataclass(frozen=True, slots=True)
class Routed:
    """One event and the names of the destinations that should hear it."""

    event: Event | Notice
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Postponed:
    """A row that stays owed. `attempts` and the rest replace what the row says."""

    seq: int
    next_at: float
    attempts: int
    repeated: bool
    error: str
    alone_since: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt, or a decision not to attempt, changes for a destination: one transaction.

    `hold` None lifts the hold; `found` is the one that the store had when this was decided. `told` is by job key.
    `silenced` says of each row which silence it was. `notices` are new events, owed by this change.
    """

    destination: str
    settled: tuple[int, ...] = ()
    postponed: tuple[Postponed, ...] = ()
    dead: tuple[tuple[int, str], ...] = ()
    silenced: tuple[tuple[int, str], ...] = ()
    hold: Hold | None = None
    found: Hold | None = None
    told: tuple[tuple[str, Told], ...] = ()
    notices: tuple[Routed, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a worker holds, which of it it should give up when it can, and how many workers there are."""

    held: tuple[Lease, ...]
    surplus: frozenset[str]
    workers: int


class LeaseStore(Protocol):
    """Where workers agree on who does what. Every method raises StoreUnavailable."""

    async def beat(self, worker: str, duties: Collection[str], seconds: float) -> Standing:
        """Say that this worker lives for `seconds` more, and take what is its share of what nobody does."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give up one lease, so that another worker can take it at once."""
        ...

    async def leave(self, worker: str) -> None:
        """Give up everything: this worker ends."""
        ...


class WatchStore(Protocol):
    """What the watch loop needs of the store. Every method raises StoreUnavailable."""

    async def scope_state(self, scope: Scope) -> ScopeState: ...

    async def remembered(self, scope: Scope) -> dict[JobIdentity, Remembered]:
        """Everything remembered of a scope."""
        ...

    async def records(self, identities: Collection[JobIdentity]) -> dict[JobIdentity, TuningJob]:
        """The last known records; those without one are left out."""
        ...

    async def commit(self, scope: Scope, observed: Sequence[Observed]) -> None:
        """What we now know and what we now owe, in ONE transaction. An event id already known is not owed again."""
        ...

    async def complete(self, scope: Scope, state: ScopeState, notices: Sequence[Routed]) -> None:
        """A sweep is complete: its state, and the notices it brings, in one transaction of its own."""
        ...

    async def announce(self, notices: Sequence[Routed]) -> None:
        """Owe notices that no sweep brings."""
        ...

    async def known(self, event_id: str) -> bool:
        """Whether an event or a notice of this id was ever owed, as far back as ids are kept."""
        ...

    async def known_trials(self, identity: JobIdentity) -> KnownTrials:
        """The names of a job's trials that are remembered."""
        ...

    async def tags(self, identity: JobIdentity) -> dict[str, str] | None:
        """The tags of a job, as they were read once; None where they were not."""
        ...

    async def keep_tags(self, identity: JobIdentity, tags: Mapping[str, str]) -> None:
        """Remember the tags of a job, as long as the job."""
        ...

    async def prune(self, scope: Scope, ended_before: float) -> Collection[JobIdentity]:
        """Forget ended jobs created and last looked at before this moment (epoch seconds), unless something is owed."""
        ...


class HintStore(Protocol):
    """Where hints wait for the watch of their scope. Every method raises StoreUnavailable."""

    async def note(self, hints: Collection[Hint]) -> None:
        """Note hints, in one transaction; of several for one job the soonest counts."""
        ...

    async def newest(self) -> dict[Place, float]:
        """Where hints wait, and when the last of them was noted."""
        ...

    async def noted(self, scope: Scope) -> list[Noted]:
        """The hints that wait for a scope, the soonest due first."""
        ...

    async def heeded(self, scope: Scope, noted: Collection[Noted]) -> None:
        """Delete hints that were followed, all but those that were noted anew meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the store says of one destination at one moment: `now` is its clock, in epoch seconds.

    `rows` are unsettled, oldest first; one whose send was interrupted by a crash says `repeated`. `silences` last, or
    ended lately: what was owed in one of them is not told afterwards. They are left out where nothing is owed. `events`
    are those of the first rows, as many as were asked for.
    """

    now: float
    hold: Hold | None
    rows: Sequence[Owed]
    silences: Sequence[Silence] = ()
    events: Mapping[str, Event | Notice] = field(default_factory=dict)


class OutboxStore(Protocol):
    """What the deliver loop needs of the store. Every method raises StoreUnavailable."""

    async def now(self) -> float:
        """The store's clock, epoch seconds."""
        ...

    async def waiting(self, destination: str, limit: int, events: int = 0) -> Waiting:
        """What is owed to a destination, so many rows at most, what it depends on, and the first `events`."""
        ...

    async def told(self, destination: str, job_keys: Collection[str]) -> dict[str, Told]: ...

    async def hold(self, destination: str) -> Hold | None: ...

    async def events(self, event_ids: Collection[str]) -> dict[str, Event | Notice]: ...

    async def trials(self, job_key: str) -> tuple[Trial, ...]:
        """The trials of a job that are remembered, in the order of their creation."""
        ...

    async def sending(self, destination: str, seqs: Collection[int]) -> Collection[int]:
        """Mark rows as under way, durably and before the send: a crash from here on may have delivered them.

        Returns those that may be sent: someone may have given others up meanwhile, or sent them elsewhere.
        """
        ...

    async def finish(self, outcome: Outcome) -> bool:
        """Write what an attempt brought, in one transaction; False and nothing where the hold is not the one found."""
        ...

    async def proceed(self, outcome: Outcome, seqs: Collection[int]) -> Collection[int] | None:
        """Both, `finish` and `sending`, in one transaction; None and nothing where the hold is not the one found."""
        ...


class Destination(Protocol):
    """A place messages go to. One attempt per call: the outbox owns the retries."""

    policy: Policy

    async def send(self, batch: Batch) -> None:
        """Render and send once, within a deadline; raises DeliveryError saying whose failure it is."""
        ...


@runtime_checkable
class Living(Destination, Protocol):
    """A destination with a card for each job, edited in place, and what happens to the job in its thread.

    Each method makes one attempt, and raises DeliveryError saying whose failure it is.
    """

    home: str
    """Which cards are its own: another channel has others."""
    edit_interval: float
    """Seconds between two edits of a card at least, but for its job's end."""

    def look(self, face: Face) -> str:
        """What tells one look of a card from another, short enough to be kept."""
        ...

    async def open(self, face: Face) -> Posted:
        """Post a card."""
        ...

    async def edit(self, posted: Posted, face: Face) -> None:
        """Let a card show something else; raises CardLost where it cannot be edited any more."""
        ...

    async def reply(self, posted: Posted, batch: Batch) -> None:
        """Tell events of one job in its card's thread; raises CardLost where the card is gone."""
        ...


class DailyStore(Protocol):
    """What the summary of a day is made of. Every method raises StoreUnavailable."""

    async def now(self) -> float:
        """The store's clock, epoch seconds."""
        ...

    async def begun(self) -> float | None:
        """When the first baseline stood; None where there is none yet."""
        ...

    async def known(self, event_id: str) -> bool:
        """Whether a notice of this id was ever owed."""
        ...

    async def endings(self, destination: str, since: float, until: float) -> list[Event]:
        """The endings that came to be owed to a destination in this time, delivered or not, in their order."""
        ...

    async def going(self) -> list[Remembered]:
        """The jobs that are watched and go on, newest first."""
        ...

    async def tags(self, identity: JobIdentity) -> dict[str, str] | None:
        """The tags of a job, as they were read once; None where they were not."""
        ...

    async def announce(self, notices: Sequence[Routed]) -> None:
        """Owe notices; one that is known already is not owed again."""
        ...


class CardStore(Protocol):
    """Where cards are kept with their jobs. Every method raises StoreUnavailable."""

    async def now(self) -> float:
        """The store's clock, epoch seconds."""
        ...

    async def cards(self, destination: str, job_keys: Collection[str]) -> dict[str, Card]:
        """The cards of these jobs, by job key."""
        ...

    async def outrun(
        self, destination: str, home: str, now: float, rested: float, limit: int
    ) -> list[tuple[Card, TuningJob, float]]:
        """Cards whose job was looked at since, with its record and that look; the longest unchanged first.

        Those that were edited after `rested` are left out unless their job has ended.
        """
        ...

    async def trials(self, job_key: str) -> tuple[Trial, ...]:
        """The trials of a job that are remembered, in the order of their creation."""
        ...

    async def put(self, destination: str, card: Card) -> None:
        """Keep a card, in place of the one that the job had."""
        ...

    async def drop(self, destination: str, job_key: str) -> None:
        """The job has no card any more."""
        ...


class Meter(Protocol):
    """Where the adapters count what they do. Labels stay few: no job names."""

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None:
        """One call to AWS: outcome is `ok`, or a Cause."""
        ...

    def attempt(self, kind: str, outcome: str, seconds: float) -> None:
        """One send: outcome is `ok`, or a Fault."""
        ...

    def message(self, kind: str, outcome: str, count: int = 1) -> None:
        """Messages that came to their end: outcome is `delivered`, `dead` or `silenced`."""
        ...
