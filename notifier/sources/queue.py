"""The SQS queue that EventBridge fills: asked by long polling, with the process's own credentials."""

import math
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiobotocore.session import AioSession

from notifier.ports import Heard, HintQueue, Meter
from notifier.sources.calls import Calls, Patience
from notifier.sources.client import connected
from notifier.sources.hints import read_hint
from notifier.sources.members import Answer, Unreadable, part, parts, required_text, text
from notifier.sources.operation import Operation

LONG_POLL = 20
"""Seconds that SQS keeps a question open while the queue is empty: the most there are."""
BATCH = 10
"""Messages in one answer: the most there are."""
_RECEIVING = Patience(attempts=1, deadline=LONG_POLL + 10.0)
"""Whoever hears asks again and again anyway, with pauses of its own."""

_REGION = r"(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d{1,2})"
_REGIONAL = re.compile(rf"(?:.*\.)?sqs(?:-fips)?\.{_REGION}\..+|{_REGION.replace('region', 'legacy')}\.queue\..+")
_PUBLIC = re.compile(rf"sqs\.{_REGION}\.amazonaws\.com(\.cn)?")


def queue_region(url: str) -> str | None:
    """The region that a queue's URL names; None where it is not AWS that serves it."""
    found = _REGIONAL.fullmatch(urlsplit(url).hostname or "")
    return found["region"] or found["legacy"] if found else None


@asynccontextmanager
async def hint_queue(
    session: AioSession, url: str, region: str, *, meter: Meter, patience: Patience | None = None
) -> AsyncIterator[HintQueue]:
    """The queue at a URL; `session` is the caller's own. Entering it calls nothing, so that it never fails."""
    connecting = connected(session, "sqs", region, endpoint=_endpoint(url), read_timeout=_RECEIVING.deadline)
    async with connecting as connection:
        receiving = Calls(connection, math.inf, meter, _RECEIVING)
        yield SqsQueue(url, region, receiving, Calls(connection, math.inf, meter, (patience or Patience()).brief()))


def _endpoint(url: str) -> str | None:
    """Where the queue's own URL leads. None: AWS's public endpoint, of which `AWS_ENDPOINT_URL_SQS` may say another."""
    parts = urlsplit(url)
    return None if _PUBLIC.fullmatch(parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"


class SqsQueue:
    """ReceiveMessage and DeleteMessageBatch."""

    def __init__(self, url: str, region: str, receiving: Calls, calls: Calls) -> None:
        self.name = f"{region}{urlsplit(url).path}"
        self._url = url
        self._receiving = receiving
        self._calls = calls

    async def receive(self) -> list[Heard]:
        """The next messages, ten at most; none where there were none for 20 seconds. Raises CallFailed."""
        return await self._receiving.ask(
            Operation.RECEIVE,
            lambda answer: [_heard(message) for message in parts(answer, "Messages")],
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=LONG_POLL,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )

    async def delete(self, receipts: Collection[str]) -> int:
        """Delete messages, ten at most; how many were not, which come again. Raises CallFailed."""
        entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]
        return await self._calls.ask(
            Operation.FORGET, lambda answer: len(parts(answer, "Failed")), QueueUrl=self._url, Entries=entries
        )

    async def probe(self) -> None:
        """Prove that messages may be received and deleted; none is touched. Raises CallFailed."""
        await self._calls.ask(
            Operation.RECEIVE,
            lambda answer: None,
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=0,
            # What it may find is there again at once.
            VisibilityTimeout=0,
        )
        # That no message has this receipt is said only to those who may delete.
        await self.delete(["notifier-permission-check"])


def _heard(message: Answer) -> Heard:
    receipt = required_text(message, "ReceiptHandle")
    times = text(part(message, "Attributes"), "ApproximateReceiveCount") or "1"
    number = int(times) if times.isdecimal() else 1
    name = text(message, "MessageId") or "without an id"
    try:
        return Heard(name, receipt, number, read_hint(required_text(message, "Body")))
    except Unreadable as error:
        return Heard(name, receipt, number, wrong=str(error))
