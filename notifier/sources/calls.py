"""One call to AWS: its turn, its deadline, its retries, and what became of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from notifier.errors import CallFailed, Cause, JobMissing
from notifier.model import Place
from notifier.ports import Meter
from notifier.sources.client import Connection
from notifier.sources.failures import failure, outworn
from notifier.sources.members import Answer
from notifier.sources.operation import Operation
from notifier.sources.pacing import Pace, Turnstile

T = TypeVar("T")

_PASSING = {Cause.THROTTLED, Cause.UNREACHABLE, Cause.DEADLINE, Cause.MALFORMED, Cause.SERVER}
"""What the next attempt may not meet again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is pursued. Times are seconds; the pauses between attempts are random and grow to the longest."""

    attempts: int = 4
    deadline: float = 20.0
    pause: float = 0.5
    longest_pause: float = 10.0

    def brief(self) -> "Patience":
        """For a question that may go unanswered: two attempts, 5 seconds each at most."""
        return replace(self, attempts=min(self.attempts, 2), deadline=min(self.deadline, 5.0))


class Calls:
    """The calls that one scope makes through one client; each operation has its own pace."""

    def __init__(
        self,
        connection: Connection,
        rate: float,
        meter: Meter,
        patience: Patience,
        *,
        account: str | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        """`account` is the scope's where the settings name it: what went wrong is told with it.

        The `turnstile` is shared with the calls of other scopes.
        """
        self.place = Place(connection.region, account)
        self._connection = connection
        self._rate = rate
        self._meter = meter
        self._patience = patience
        self._turnstile = turnstile
        self._paces: dict[Operation, Pace] = {}
        self._hanging: set[str] = set()

    async def ask(self, operation: Operation, read: Callable[[Answer], T], **members: Any) -> T:
        """What `read` makes of the answer. Raises CallFailed after the last attempt, or JobMissing.

        `read` raises Unreadable where the answer is no use, and then it is asked again.
        """
        return await self._ask(self._patience.attempts, operation, read, members)

    async def ask_about(self, job: str, operation: Operation, read: Callable[[Answer], T], **members: Any) -> T:
        """Ask for one job among many. One that gave no answer in time is tried only once the next times, until it does.

        Whoever asks for all of them again and again would else wait longest for that one, each time.
        """
        attempts = 1 if job in self._hanging else self._patience.attempts
        try:
            answer = await self._ask(attempts, operation, read, members)
        except CallFailed as failed:
            if failed.cause is Cause.DEADLINE:
                self._hanging.add(job)
            raise
        except JobMissing:
            self._hanging.discard(job)
            raise
        self._hanging.discard(job)
        return answer

    async def _ask(
        self, attempts: int, operation: Operation, read: Callable[[Answer], T], members: dict[str, Any]
    ) -> T:
        try:
            return await self._attempt(operation, read, members)
        except CallFailed as failed:
            if attempts == 1 or not _may_pass(failed):
                raise
            first: CallFailed | None = failed

        async def attempt() -> T:
            # Most calls succeed at once, and need none of this. It begins with the attempt that failed.
            nonlocal first
            if first is not None:
                failed, first = first, None
                raise failed
            return await self._attempt(operation, read, members)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=wait_random_exponential(multiplier=self._patience.pause, max=self._patience.longest_pause),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        return await retrying(attempt)

    async def _attempt(self, operation: Operation, read: Callable[[Answer], T], members: dict[str, Any]) -> T:
        pace = self._paces.setdefault(operation, Pace(self._rate, turnstile=self._turnstile))
        turn = await pace.turn()
        began = time.monotonic()
        try:
            found = await self._once(operation, read, members)
        except CallFailed as failed:
            self._count(operation, failed.cause, began)
            if failed.cause is Cause.THROTTLED:
                pace.throttled(turn)
            raise
        except JobMissing:
            self._count(operation, "ok", began)
            pace.succeeded()
            raise
        self._count(operation, "ok", began)
        pace.succeeded()
        return found

    def _count(self, operation: Operation, outcome: str, began: float) -> None:
        self._meter.call(self.place.region, operation, outcome, time.monotonic() - began)

    async def _once(self, operation: Operation, read: Callable[[Answer], T], members: dict[str, Any]) -> T:
        deadline = self._patience.deadline
        try:
            async with asyncio.timeout(deadline):
                return read(await self._answer(operation, members))
        except Exception as error:
            # The error may quote the request: only the text goes on.
            raise failure(error, operation, self.place.phrase, deadline) from None

    async def _answer(self, operation: Operation, members: dict[str, Any]) -> Answer:
        """AWS's answer. Where it takes the credentials for outworn, it is asked once more, if there are others."""
        client = await self._connection.client()
        call = getattr(client, operation.method)
        issue = self._connection.issue
        try:
            first: Answer = await call(**members)
            return first
        except ClientError as error:
            if not outworn(error) or not await self._connection.renew(issue):
                raise
        second: Answer = await call(**members)
        return second


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.cause in _PASSING
