"""Cards: one message for each job that is edited in place, and a thread under it for what happens to the job.

An edit only ever brings a card up to what is known, so that nothing is owed for it: whatever dies, the next look finds
the card behind. What must be told is told in the thread, by the outbox.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from notifier.dispatch.holds import standing
from notifier.dispatch.queue import resting
from notifier.errors import CardLost, DeliveryError, Fault, LeaseLost, StoreUnavailable
from notifier.model import Batch, Card, Event, EventType, Face
from notifier.pipeline.deliver import Timing
from notifier.pipeline.pace import Turns, first_of
from notifier.ports import CardStore, Living, OutboxStore

log = structlog.get_logger()

EDITS_A_SECOND = 0.75
"""Below the 50 a minute of Slack's third tier (chat.update), for all cards together."""
LOOK_SECONDS = 2.0
LONGEST_PAUSE = 60.0
FEW = 20
"""Cards read at a look; more than these are behind only where edits wait for their pace."""

_TIMING = Timing()


class Album:
    """The cards of one destination: each is posted, found again and edited here."""

    def __init__(self, living: Living, store: CardStore, turns: Turns) -> None:
        """`turns` is the pace of posts; edits have their own."""
        self.living = living
        self.store = store
        self._turns = turns
        self._name = living.policy.name
        self._unsaved: dict[str, Card] = {}

    async def turn(self) -> None:
        """Wait until something may be posted."""
        await self._turns.take()

    async def find(self, job_key: str) -> Card | None:
        """The card of a job, where it has one here."""
        if (unsaved := self._unsaved.get(job_key)) is not None:
            await self._save(unsaved)
            return unsaved
        card = (await self.store.cards(self._name, [job_key])).get(job_key)
        return card if card is not None and card.home == self.living.home else None

    async def post(self, job_key: str, face: Face, seen_at: float = 0.0) -> Card:
        """Post a card. Until the store has taken where it stands, it is known here, so that it is not posted twice."""
        await self.turn()
        posted = await self.living.open(face)
        look = self.living.look(face)
        card = Card(job_key, self.living.home, posted, look, seen_at, await self._now(seen_at))
        await self._save(card)
        return card

    async def show(self, card: Card, face: Face, seen_at: float) -> bool:
        """Bring a card up to a look; whether that took an edit. Raises CardLost."""
        look = self.living.look(face)
        edits = look != card.shown
        edited_at = card.edited_at
        if edits:
            try:
                await self.living.edit(card.posted, face)
            except DeliveryError as error:
                if error.fault is not Fault.MESSAGE:
                    raise
                # It would fare no better a second time, and the next look may.
                log.warning("a card could not be edited", destination=self._name, error=str(error))
            edited_at = await self.store.now()
        await self.store.put(self._name, replace(card, shown=look, seen_at=seen_at, edited_at=edited_at))
        return edits

    async def forget(self, card: Card) -> None:
        """It stands there no more."""
        self._unsaved.pop(card.job_key, None)
        await self.store.drop(self._name, card.job_key)

    async def _now(self, otherwise: float) -> float:
        try:
            return await self.store.now()
        except StoreUnavailable:
            return otherwise

    async def _save(self, card: Card) -> None:
        self._unsaved[card.job_key] = card
        await self.store.put(self._name, card)
        del self._unsaved[card.job_key]


class Threads:
    """A destination that tells what happens to a job in its card's thread, and posts the card where there is none."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self.policy = album.living.policy

    async def send(self, batch: Batch) -> None:
        """Tell once, within the destination's deadlines; raises DeliveryError."""
        event = _of_one_job(batch)
        try:
            if event is None:
                await self._album.turn()
                await self._album.living.send(batch)
            else:
                await self._tell(batch, event)
        except (StoreUnavailable, LeaseLost) as error:
            # The card may stand there already, or the message in its thread.
            raise DeliveryError(str(error), Fault.NOBODY, ambiguous=True) from error

    async def _tell(self, batch: Batch, event: Event) -> None:
        album, key = self._album, event.job.identity.key
        kinds = {each.type for each in batch.events}
        face = Face(event.job, event.time, EventType.STARTED in kinds, event.type is EventType.DELETED, batch.trials)
        card = await album.find(key)
        if card is not None:
            try:
                await self._tell_under(card, batch, face)
                return
            except CardLost:
                await album.forget(card)
        card = await album.post(key, face)
        # A card that is new says itself that its job has started.
        if kinds != {EventType.STARTED}:
            await self._reply(card, batch)

    async def _tell_under(self, card: Card, batch: Batch, face: Face) -> None:
        if face.gone:
            # No later look will bring the card up to it. Before the reply, for an edit may be repeated.
            await self._album.show(card, face, card.seen_at)
        await self._reply(card, batch)

    async def _reply(self, card: Card, batch: Batch) -> None:
        await self._album.turn()
        await self._album.living.reply(card.posted, batch)


class CardKeeping:
    """Keeps the cards of one destination up to date, until it is stopped. `beat` is called at each turn."""

    def __init__(
        self,
        album: Album,
        outbox: OutboxStore,
        *,
        beat: Callable[[], None] = lambda: None,
        timing: Timing = _TIMING,
    ) -> None:
        self._album = album
        self._outbox = outbox
        self._beat = beat
        self._timing = timing
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Edit what is behind, the longest unchanged first."""
        while not stop.is_set():
            self._beat()
            await first_of([stop.wait(), self._timing.sleep(await self._turn())])

    async def _turn(self) -> float:
        """Bring one card up to what is known, and say how long there may be rest (seconds)."""
        try:
            async with asyncio.timeout(self._timing.deadline):
                rest = LOOK_SECONDS if await self._held() else await self._refresh()
        except (DeliveryError, StoreUnavailable, TimeoutError) as error:
            return self._rest_after(error)
        except LeaseLost:
            raise
        except Exception:
            # A fault of our own must not end what keeps the other cards: it is logged whole.
            log.exception("cards failed unexpectedly", destination=self._album.living.policy.name)
            return LONGEST_PAUSE
        if self._failures:
            log.info("cards are edited again", destination=self._album.living.policy.name)
        self._failures = 0
        return rest

    async def _held(self) -> bool:
        policy = self._album.living.policy
        return standing(await self._outbox.hold(policy.name), policy) is not None

    async def _refresh(self) -> float:
        album = self._album
        living, now = album.living, await album.store.now()
        behind = await album.store.outrun(living.policy.name, living.home, now, now - living.edit_interval, FEW)
        for card, job, looked_at in behind:
            trials = await album.store.trials(card.job_key)
            face = Face(job, datetime.fromtimestamp(looked_at, UTC), trials=trials)
            try:
                if await album.show(card, face, looked_at):
                    return 1 / EDITS_A_SECOND
            except CardLost:
                await album.forget(card)
                # Whoever deletes the card of a job that has ended does not want it again; and a new one rings.
                if not face.final and resting(living.policy, None, now) is None:
                    await album.post(card.job_key, face, looked_at)
        return 0.0 if len(behind) == FEW else LOOK_SECONDS

    def _rest_after(self, error: Exception) -> float:
        if not self._failures:
            said = str(error) or type(error).__name__
            log.warning("cards are not edited now", destination=self._album.living.policy.name, error=said)
        pause = min(LONGEST_PAUSE, LOOK_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        asked = error.after if isinstance(error, DeliveryError) else None
        return max(asked or 0.0, pause)


def _of_one_job(batch: Batch) -> Event | None:
    """The last event, where all are of one job."""
    events = [each for each in batch.events if isinstance(each, Event)]
    alone = len(events) == len(batch.events) and len({each.job.identity for each in events}) == 1
    return events[-1] if alone else None
