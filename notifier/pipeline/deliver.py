"""The deliver loop of one destination: look, plan, mark, send, settle, rest, whatever happens."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from notifier.dispatch.folding import Message
from notifier.dispatch.holds import PROBE_INTERVAL, alarming, standing
from notifier.dispatch.memory import Memory
from notifier.dispatch.queue import UNSETTLED, Look, Plan, plan, resting
from notifier.dispatch.verdict import Answer, Circumstances, judge
from notifier.errors import DeliveryError, Fault, LeaseLost, StoreUnavailable
from notifier.model import Batch, Event, EventType, Hold, Notice, Owed, Trial
from notifier.pipeline.ahead import Ahead
from notifier.pipeline.pace import Pace, Waits, first_of
from notifier.ports import Destination, Meter, OutboxStore, Outcome

log = structlog.get_logger()

DIGEST_ROWS, SINGLE_ROWS = 200, 100
"""Rows read at a look, until so many of them wait that more must be read to find one to send.

People get many in a digest. Programs get four at a time, and what was read suffices for the next ones too.
"""
NEXT_ROWS = 8
"""Rows of those read before that mostly suffice to find the next ones."""
BODIES = 40
"""Bodies read at once, where they are read ahead."""
GATHER_SECONDS = 0.005
"""How long an answer waits at most for those of others under way, where they are settled together."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
"""Seconds of rest after a turn that failed, doubling from the first to the longest."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks and the dice of a loop. Seconds; `clock` is monotonic, `dice` gives 0 to 1.

    `look_every` is the longest rest: another process may have changed the outbox. `deadline` ends one send.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random
    look_every: float = 2.0
    deadline: float = 30.0


class Delivery:
    """Delivers what one destination is owed, until it is stopped.

    `wake` is this loop's own: whoever owes new rows sets it, as answers do, and it is cleared here. `beat` is called
    at each turn. `digest_jobs` is how many jobs one digest may tell of.
    """

    def __init__(
        self,
        destination: Destination,
        store: OutboxStore,
        *,
        operator: tuple[str, ...],
        meter: Meter,
        wake: asyncio.Event,
        digest_jobs: int,
        beat: Callable[[], None] = lambda: None,
        timing: Timing = Timing(),
    ) -> None:
        self._destination = destination
        self._policy = destination.policy
        self._store = store
        self._operator = operator
        self._meter = meter
        self._wake = wake
        self._digest_jobs = digest_jobs
        self._beat = beat
        self._timing = timing
        self._pace = Pace(self._policy.rate)
        self._waits = Waits()
        self._flying: list[Message] = []
        self._answers: list[Answer] = []
        self._memory = Memory()
        self._least_rows = DIGEST_ROWS if self._policy.people else SINGLE_ROWS
        self._look_rows = self._least_rows
        # People get few messages, and what they get may depend on what is owed since.
        self._ahead = Ahead() if not self._policy.people and self._policy.rate == 0 else None
        self._gathering: asyncio.TimerHandle | None = None
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then begin nothing, and return once what is under way has been settled.

        Whoever cannot wait for that cancels: what is under way then stays marked, and goes again as `repeated`.
        """
        async with asyncio.TaskGroup() as sends:
            sends.create_task(self._woken_by(stop), name=f"stop of {self._policy.name}")
            while self._flying or not stop.is_set():
                self._beat()
                self._heed()
                await self._rest(await self._turn(sends, stop), stop)

    def _heed(self) -> None:
        """Whatever has woken this loop is looked at now."""
        self._wake.clear()
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    async def _woken_by(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _turn(self, sends: asyncio.TaskGroup, stop: asyncio.Event) -> float:
        """Settle what was answered, send what is due, and say how long there may be rest (seconds)."""
        try:
            if stop.is_set():
                await self._settle()
                rest = self._timing.look_every
            else:
                rest = await self._deliver(sends)
        except StoreUnavailable as error:
            if not self._failures:
                log.warning("store does not answer, will try again", destination=self._policy.name, error=str(error))
            return self._rest_after_failure()
        except LeaseLost:
            raise
        except Exception:
            # A fault of our own must not end the delivery: it is logged whole, the next turn tries again.
            log.exception("delivery failed unexpectedly", destination=self._policy.name)
            return self._rest_after_failure()
        if self._failures:
            log.info("deliveries work again", destination=self._policy.name)
        self._failures = 0
        return min(rest, self._timing.look_every)

    async def _settle(self) -> None:
        """Write down what the answers so far change. They are kept until the store has taken them."""
        if not self._answers:
            return
        answers = tuple(self._answers)
        # Read again: someone may have lifted the hold while the messages were under way.
        now, tick = await self._store.now(), self._timing.clock()
        hold = await self._store.hold(self._policy.name)
        outcome = self._judged(answers, now, hold)
        if await self._store.finish(outcome):
            self._measure(outcome, now, tick)
            self._settled(answers, outcome, now)
        else:
            self._overtaken()

    def _judged(self, answers: Sequence[Answer], now: float, hold: Hold | None) -> Outcome:
        known, dice = self._memory, self._timing.dice()
        around = Circumstances(now, dice, hold, known.alarmed, known.worked_at, known.doubted, self._operator)
        return judge(self._policy, answers, around)

    def _measure(self, outcome: Outcome, now: float, tick: float) -> None:
        """The waits that begin here, before anybody can set the clock that has named their ends."""
        if outcome.hold is not None and outcome.hold.until is not None:
            self._waits.due("hold", outcome.hold.until, now, tick)
        for row in outcome.postponed:
            if row.next_at > 0:
                self._waits.due(row.seq, row.next_at, now, tick)

    def _settled(self, answers: Sequence[Answer], outcome: Outcome, now: float) -> None:
        """What these answers change is written down."""
        del self._answers[: len(answers)]
        self._flying = _without(self._flying, answers)
        self._memory = self._memory.after(answers, outcome, now)
        self._tell_hold(standing(outcome.found, self._policy), outcome.hold, now)
        self._tell_long_wait(answers)
        self._count(answers, outcome)
        for seq, reason in outcome.dead:
            log.error("dead letter", destination=self._policy.name, row=seq, error=reason)
        if self._ahead and not all(each.error is None for each in answers):
            self._ahead.drop()

    def _overtaken(self) -> None:
        """The hold was lifted or set in this very moment: judged anew, with what it is now."""
        if self._ahead:
            self._ahead.drop()
        self._wake.set()

    def _count(self, answers: Sequence[Answer], outcome: Outcome) -> None:
        delivered = sum(each.error is None for each in answers)
        for result, count in (("delivered", delivered), ("dead", len(outcome.dead))):
            if count:
                self._meter.message(self._policy.kind, result, count)

    async def _deliver(self, sends: asyncio.TaskGroup) -> float:
        """Look, plan and send; what was taken is settled in the transaction that marks what goes next."""
        taken = self._taken()
        if not taken:
            await self._settle()
        flying = _without(self._flying, taken)
        if len(flying) >= UNSETTLED:
            return self._timing.look_every
        wait = self._pace.wait(self._timing.clock())
        if wait > 0:
            return wait
        look, decided = self._planned_ahead(flying) or await self._planned(flying, taken)
        if taken and look.hold is not None:
            await self._settle()
            return 0.0
        if decided is None:
            return 0.0
        await self._settle_unsent(decided)
        await self._launch(decided.batches, look, taken, sends)
        if decided.batches:
            # Four that are under way now leave nothing to do until one is answered.
            full = self._ahead is not None and len(self._flying) >= UNSETTLED
            return self._timing.look_every if full else self._pace.wait(self._timing.clock())
        return self._timing.look_every if decided.wake_at is None else max(0.0, decided.wake_at - look.now)

    def _taken(self) -> tuple[Answer, ...]:
        """Answers that are no news to anybody, if all are: they need not be written down by themselves."""
        plain = self._ahead is not None and all(each.error is None and not each.probe for each in self._answers)
        return tuple(self._answers) if plain else ()

    def _planned_ahead(self, flying: Sequence[Message]) -> tuple[Look, Plan] | None:
        """A plan made of what was read before, where that suffices."""
        seen = self._ahead.look(self._timing.clock()) if self._ahead else None
        if seen is None:
            return None
        for rows in (seen.rows[:NEXT_ROWS], seen.rows):
            look = replace(seen, flying=flying, rows=rows)
            decided = self._plan(look)
            if not decided.wanting and not decided.silenced:
                return look, decided
        return None

    async def _planned(self, flying: Sequence[Message], taken: Sequence[Answer]) -> tuple[Look, Plan | None]:
        """A plan made of what the store says now; None where more must be read for it."""
        tick = self._timing.clock()
        look = await self._look(flying, {row.seq for answer in taken for row in answer.rows})
        if self._ahead:
            if look.hold is None:
                self._ahead.keep(look, tick)
            else:
                self._ahead.drop()
        decided = self._plan(look)
        return look, None if self._reads_on(decided, look) else decided

    def _plan(self, look: Look) -> Plan:
        return plan(self._policy, look, digest_jobs=self._digest_jobs, room=self._pace.room(UNSETTLED))

    async def _look(self, flying: Sequence[Message], taken: Collection[int]) -> Look:
        """What the store says now, with its moments as the monotonic clock has measured them."""
        name = self._policy.name
        found = await self._store.waiting(name, self._look_rows, BODIES if self._ahead else 0)
        # Read last: whoever was suspended in between waits too long then, and never too short.
        tick = self._timing.clock()
        if self._ahead:
            self._ahead.bodies = found.events
        now, hold = found.now, found.hold
        if self._memory.alarmed is None and alarming(hold):
            self._memory = replace(self._memory, alarmed=hold)
        if hold is not None and hold.until is not None:
            hold = replace(hold, until=self._waits.due("hold", hold.until, now, tick))
        if resting(self._policy, hold, now) is not None:
            return Look(now, (), flying, hold=hold)
        rows = [
            replace(row, next_at=self._waits.due(row.seq, row.next_at, now, tick)) if row.next_at > 0 else row
            for row in found.rows
            if row.seq not in taken
        ]
        self._waits.keep(["hold", *(row.seq for row in rows)])
        told = await self._store.told(name, keys) if (keys := self._paced(rows)) else {}
        memory = self._memory
        return Look(now, rows, flying, told, hold, memory.apart, memory.deferred, found.silences)

    def _paced(self, rows: Sequence[Owed]) -> set[str]:
        """The jobs of which people hear no more than so much."""
        return {row.job_key for row in rows if row.event_type == EventType.NEW_BEST} if self._policy.people else set()

    async def _settle_unsent(self, decided: Plan) -> None:
        if not decided.silent and not decided.silenced:
            return
        found = await self._store.hold(self._policy.name)
        kept = standing(found, self._policy)
        # Where the hold is another meanwhile, these rows are decided on again at the next look.
        silent = tuple(row.seq for row in decided.silent)
        silenced = tuple((seq, f"silence {silence.id}: {silence.jobs}") for seq, silence in decided.silenced.items())
        outcome = Outcome(self._policy.name, silent, silenced=silenced, hold=kept, found=found)
        if self._ahead:
            self._ahead.drop()
        if await self._store.finish(outcome) and silenced:
            self._meter.message(self._policy.kind, "silenced", len(silenced))
            log.info("silenced", destination=self._policy.name, messages=len(silenced), silence=silenced[0][1])

    async def _launch(
        self, batches: Sequence[Message], look: Look, taken: Sequence[Answer], sends: asyncio.TaskGroup
    ) -> None:
        """Mark the messages as under way, durably, and begin to send them; settle what was taken before."""
        events = await self._bodies([row.event_id for message in batches for row in message])
        ready = [message for message in batches if all(row.event_id in events for row in message)]
        lost = [row for message in batches for row in message if row.event_id not in events]
        ours = await self._marked([row.seq for message in ready for row in message], look, taken)
        for message in filter(None, (tuple(row for row in each if row.seq in ours) for each in ready)):
            self._flying.append(message)
            self._pace.spend(self._timing.clock())
            probe = standing(look.hold, self._policy) is not None
            sends.create_task(self._send(message, events, probe), name=f"send to {self._policy.name}")
        for row in lost:
            self._answer(Answer((row,), DeliveryError("its event is not stored any more", Fault.MESSAGE)))

    async def _bodies(self, event_ids: Sequence[str]) -> Mapping[str, Event | Notice]:
        ahead = self._ahead
        if ahead is None:
            return await self._store.events(set(event_ids)) if event_ids else {}
        if wanted := ahead.wanted(event_ids, BODIES):
            ahead.bodies = await self._store.events(wanted)
        return ahead.bodies

    async def _marked(self, seqs: Sequence[int], look: Look, taken: Sequence[Answer]) -> Collection[int]:
        """Which of these rows may be sent; those that were taken are settled with it."""
        if self._ahead:
            self._ahead.sent(seqs)
        if not taken:
            return await self._store.sending(self._policy.name, seqs) if seqs else ()
        outcome = self._judged(taken, look.now, None)
        ours = await self._store.proceed(outcome, seqs)
        if ours is None:
            self._overtaken()
            return ()
        self._settled(taken, outcome, look.now)
        return ours

    def _reads_on(self, decided: Plan, look: Look) -> bool:
        """Whether to look again, at more rows: many waiting rows of a few jobs must not hide the others."""
        if len(look.rows) < self._look_rows:
            self._look_rows = max(self._least_rows, min(self._look_rows, 2 * len(look.rows)))
            return False
        if decided.wanting:
            self._look_rows *= 2
        return decided.wanting

    async def _send(self, message: Message, events: Mapping[str, Event | Notice], probe: bool) -> None:
        """One attempt. Whatever comes of it becomes an answer; only cancellation leaves none."""
        began = self._timing.clock()
        repeated = any(row.repeated for row in message)
        told = tuple(events[row.event_id] for row in message)
        error = await self._attempt(Batch(told, repeated, await self._trials(message)))
        seconds = self._timing.clock() - began
        outcome = error.fault.value if error else "ok"
        self._meter.attempt(self._policy.kind, outcome, seconds)
        log.info(
            "not delivered" if error else "delivered",
            destination=self._policy.name,
            event_id=message[0].event_id,
            type=message[0].event_type,
            events=len(message),
            seconds=round(seconds, 3),
            **({"fault": outcome, "error": str(error)} if error else {}),
        )
        self._answer(Answer(message, error, probe))

    async def _trials(self, message: Message) -> tuple[Trial, ...]:
        """What people read of one job's trials; where the store does not answer, the message goes without."""
        if not self._policy.people or len({row.job_key for row in message}) > 1:
            return ()
        try:
            return await self._store.trials(message[0].job_key)
        except StoreUnavailable:
            return ()

    async def _attempt(self, batch: Batch) -> DeliveryError | None:
        try:
            async with asyncio.timeout(self._timing.deadline):
                await self._destination.send(batch)
        except DeliveryError as error:
            return error
        except OSError as error:
            # A timeout is one too. The text of others may name the address.
            return _no_answer(error)
        except asyncio.CancelledError as error:
            # Only who was asked to end may leave a message under way; what a library cancels by itself is no answer.
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            return _no_answer(error)
        except Exception as bug:
            # A fault of our own must not end the delivery of everything else: it is logged whole, the message kept.
            log.exception("a message could not be made", destination=self._policy.name, event_id=batch.events[0].id)
            return DeliveryError(f"it could not be made: {type(bug).__name__}", Fault.MESSAGE)
        return None

    def _answer(self, answer: Answer) -> None:
        """Take an answer. Of several under way the first waits a moment for the others: a transaction has its price."""
        self._answers.append(answer)
        if self._ahead is None or len(self._answers) >= len(self._flying):
            self._wake.set()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._wake.set)

    def _rest_after_failure(self) -> float:
        if self._ahead:
            self._ahead.drop()
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return pause * (0.5 + self._timing.dice() / 2)

    def _tell_hold(self, before: Hold | None, after: Hold | None, now: float) -> None:
        if after is None:
            if before is not None:
                # Never negative, although the clock may have been set back meanwhile.
                seconds = max(0, round(now - before.since))
                log.info("destination works again", destination=self._policy.name, held_seconds=seconds)
            return
        forever = after.until is None
        if before is None or (forever and before.until is not None):
            wait = None if after.until is None else round(after.until - now, 1)
            log.warning("destination held", destination=self._policy.name, error=after.reason, wait_seconds=wait)

    def _tell_long_wait(self, answers: Sequence[Answer]) -> None:
        wait = max((each.error.after or 0.0 for each in answers if each.error is not None), default=0.0)
        if wait > PROBE_INTERVAL:
            said = "asked to wait for more than an hour, will ask again every hour"
            log.warning(said, destination=self._policy.name, wait_seconds=wait)

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        """Rest for so long, or until an answer comes, something new is owed, or it is time to stop."""
        if not self._wake.is_set() and (self._flying or not stop.is_set()):
            await first_of([self._wake.wait(), self._timing.sleep(seconds)])


def _without(flying: Sequence[Message], answers: Sequence[Answer]) -> list[Message]:
    return [message for message in flying if all(message is not each.rows for each in answers)]


def _no_answer(error: BaseException) -> DeliveryError:
    return DeliveryError(f"no answer ({type(error).__name__})", Fault.DESTINATION, ambiguous=True)
