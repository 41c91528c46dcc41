"""A watch over a SageMaker that the test moves, with a real store behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier.detection.early import Rules
from notifier.model import Event, Lease, Place
from notifier.pipeline.look import Telling
from notifier.pipeline.watch import Watch, Watching
from notifier.routing import Route, Selection
from notifier.sources import Patience, hyperparameter_source, new_session, preview_source
from notifier.store import Store, open_store
from tests.examples import REGION
from tests.pipeline.sagemaker import SageMaker

HASTE = Patience(attempts=2, deadline=10.0, pause=0.001, longest_pause=0.002)


class Meter:
    """A meter that nobody reads."""

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None: ...

    def attempt(self, kind: str, outcome: str, seconds: float) -> None: ...

    def message(self, kind: str, outcome: str, count: int = 1) -> None: ...


@dataclass
class Witness:
    """Who is told how the watching goes."""

    outcomes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    turns: int = 0
    progress: list[tuple[int, int]] = field(default_factory=list)

    def swept(self, place: Place, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)

    def told(self, event: Event) -> None:
        self.events.append(event)

    def looking(self, place: Place, looked_at: int, jobs: int) -> None:
        self.progress.append((looked_at, jobs))

    def turned(self, place: Place) -> None:
        self.turns += 1


@dataclass
class Service:
    """The watching half of the service; `start` again and it is a new process on the old store."""

    sagemaker: SageMaker
    store: Store
    stack: AsyncExitStack
    witness: Witness = field(default_factory=Witness)
    watch: Watch | None = None

    async def start(
        self,
        *,
        jobs: tuple[str, ...] = ("*",),
        exclude: tuple[str, ...] = (),
        api: str = "hyperparameter",
        catch_up: float = 7 * 86400.0,
        ticks: Callable[[], float] | None = None,
        lease: Lease | None = None,
        people: tuple[str, ...] = (),
        living: bool = False,
        early: Rules | None = None,
        tags: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.witness = Witness()
        kind = preview_source if api == "preview" else hyperparameter_source
        opening = kind(new_session(), REGION, rate=10_000.0, meter=Meter(), patience=HASTE)
        source = await self.stack.enter_async_context(opening)
        rules = early or Rules()
        telling = Telling((Route("hook", tags=tags),), ("hook",), catch_up, frozenset(people), living, rules)
        watching = Watching(Selection(jobs, exclude), telling, interval=1.0)
        self.watch = Watch(
            source,
            self.store.watch.under(lease) if lease else self.store.watch,
            watching,
            witness=self.witness,
            owed=lambda: None,
            clock=self.sagemaker.clock,
            ticks=ticks or (lambda: self.sagemaker.now),
        )

    async def sweep(self, later: float = 30.0) -> list[str]:
        """Let time pass, sweep once, and say what was owed by it: the words of the events, in order."""
        assert self.watch is not None
        self.sagemaker.now += later
        known = {each.seq for each in await self.store.outbox.owed("hook", 10_000)}
        await self.watch.turn()
        rows = [each for each in await self.store.outbox.owed("hook", 10_000) if each.seq not in known]
        return [each.event_type.partition(".")[2] for each in rows]

    async def sweeps(self, times: int, later: float = 30.0) -> list[str]:
        """Several sweeps, one after the other."""
        return [word for _ in range(times) for word in await self.sweep(later)]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Credentials, and a way to say where SageMaker is."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_STS", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecretsecret")
    return monkeypatch


@pytest.fixture
async def sagemaker(aws: pytest.MonkeyPatch) -> AsyncIterator[SageMaker]:
    async with SageMaker.running() as service:
        aws.setenv("AWS_ENDPOINT_URL", service.url)
        aws.setenv("AWS_ENDPOINT_URL_SAGEMAKER", service.url)
        yield service


@pytest.fixture
async def service(sagemaker: SageMaker, tmp_path: Path) -> AsyncIterator[Service]:
    url = f"sqlite:///{tmp_path / 'watch.db'}"
    async with AsyncExitStack() as stack, open_store(url, exclusive=True, clock=lambda: sagemaker.now) as store:
        yield Service(sagemaker, store, stack)
