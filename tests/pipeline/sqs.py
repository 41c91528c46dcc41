"""An SQS on loopback with one queue: long polling, visibility, receive counts, redrive, and faults to order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from tests.examples import ACCOUNT

RECEIVE, DELETE = "ReceiveMessage", "DeleteMessageBatch"


@dataclass
class Message:
    """One message. `visible_at` is the loop's time."""

    id: str
    body: str
    visible_at: float = 0.0
    times: int = 0
    receipt: str = ""


@dataclass
class Sqs:
    """The queue. `fails`: operation → error code; `refuses` are ids that a batch does not delete, each once."""

    url: str = ""
    visibility: float = 30.0
    most_times: int | None = None
    """After so many times a message goes to the dead-letter queue; None: there is no redrive policy."""
    messages: list[Message] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    keeps_open: bool = True
    """Whether it waits for a message as long as it is asked to."""
    calls: Counter[str] = field(default_factory=Counter)
    holds: set[str] = field(default_factory=set)
    """Operations that never answer."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _sent: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: "count[int]" = field(default_factory=count)

    def send(self, *bodies: str) -> list[str]:
        """More messages; their ids."""
        sent = [Message(f"message-{next(self._numbers)}", body) for body in bodies]
        self.messages += sent
        self._sent.set()
        return [each.id for each in sent]

    async def answer(self, request: web.Request) -> web.Response:
        operation, members = request.headers["X-Amz-Target"].partition(".")[2], await request.json()
        self.calls[operation] += 1
        assert members["QueueUrl"] == self.url
        if operation in self.holds:
            await self.over.wait()
            return web.Response(status=503)
        if operation in self.fails:
            return web.json_response({"__type": self.fails[operation], "message": "no"}, status=400)
        return web.json_response(await self._receive(members) if operation == RECEIVE else self._delete(members))

    async def _receive(self, members: dict[str, Any]) -> dict[str, Any]:
        wait = members["WaitTimeSeconds"] if self.keeps_open else 0
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while not self._visible():
                    self._sent.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await self._sent.wait()
        found = self._visible()[: members["MaxNumberOfMessages"]]
        return {"Messages": [self._given(each, members) for each in found]} if found else {}

    def _visible(self) -> list[Message]:
        now = asyncio.get_running_loop().time()
        if self.most_times is not None:
            gone = [each for each in self.messages if each.visible_at <= now and each.times >= self.most_times]
            self.dead += [each.id for each in gone]
            self.messages = [each for each in self.messages if each not in gone]
        return [each for each in self.messages if each.visible_at <= now]

    def _given(self, message: Message, members: dict[str, Any]) -> dict[str, Any]:
        message.times += 1
        message.receipt = f"{message.id}/{message.times}"
        now = asyncio.get_running_loop().time()
        message.visible_at = now + members.get("VisibilityTimeout", self.visibility)
        return {
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "Attributes": {"ApproximateReceiveCount": str(message.times)},
        }

    def _delete(self, members: dict[str, Any]) -> dict[str, Any]:
        failed = []
        for entry in members["Entries"]:
            found = next((each for each in self.messages if each.receipt == entry["ReceiptHandle"]), None)
            if found is None or found.id in self.refuses:
                failed.append({"Id": entry["Id"], "SenderFault": found is None, "Code": "InternalError"})
                self.refuses -= {found.id} if found else set()
            else:
                self.messages.remove(found)
                self.deleted.append(found.id)
        return {"Successful": [], "Failed": failed}

    @classmethod
    @asynccontextmanager
    async def running(cls) -> "AsyncIterator[Sqs]":
        """Serve on a port of the system's choice."""
        sqs = cls()
        app = web.Application()
        app.router.add_post("/", sqs.answer)
        # Nothing is given to somebody who has hung up.
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sqs.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{ACCOUNT}/notifier"
        try:
            yield sqs
        finally:
            sqs.over.set()
            await runner.cleanup()
