"""Asking the store something that cannot be taken back."""

import asyncio
import gc
from contextlib import suppress
from typing import Any

import pytest

from notifier.errors import StoreUnavailable
from notifier.web.question import Question

LONG = 10.0


class Transaction:
    """Something that ends when it is let, whoever is cancelled meanwhile."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.let = asyncio.Event()
        self.begun = self.ended = 0
        self.failure = failure

    async def run(self) -> int:
        working = asyncio.ensure_future(self._work())
        while not working.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({working})
        return working.result()

    async def _work(self) -> int:
        self.begun += 1
        await self.let.wait()
        self.ended += 1
        if self.failure is not None:
            raise self.failure
        return self.ended


async def test_whoever_asks_stops_waiting_although_the_transaction_goes_on() -> None:
    transaction = Transaction()
    question = Question(transaction.run)

    with pytest.raises(TimeoutError):
        await question.answer(0.01)

    assert (transaction.begun, transaction.ended) == (1, 0)
    transaction.let.set()
    assert await question.answer(LONG) == 1


async def test_those_who_ask_meanwhile_share_the_answer_and_the_next_asks_anew() -> None:
    transaction = Transaction()
    question = Question(transaction.run)
    asking = [asyncio.ensure_future(question.answer(LONG)) for _ in range(3)]
    await asyncio.sleep(0)

    transaction.let.set()

    assert await asyncio.gather(*asking) == [1, 1, 1]
    assert await question.answer(LONG) == 2


async def test_one_who_is_cancelled_takes_the_answer_from_no_other() -> None:
    transaction = Transaction()
    question = Question(transaction.run)
    leaving, staying = (asyncio.ensure_future(question.answer(LONG)) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    transaction.let.set()

    assert await staying == 1


async def test_a_failure_is_told_to_all_who_wait_and_one_that_comes_too_late_to_nobody() -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    transaction = Transaction(StoreUnavailable("the disk is full"))
    question = Question(transaction.run)
    with pytest.raises(TimeoutError):
        await question.answer(0.01)

    transaction.let.set()
    await question.close()
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await question.answer(LONG)

    del question
    gc.collect()
    assert said == []


async def test_closing_waits_until_the_store_is_left_alone() -> None:
    transaction = Transaction()
    question = Question(transaction.run)
    with pytest.raises(TimeoutError):
        await question.answer(0.01)
    closing = asyncio.ensure_future(question.close())
    await asyncio.sleep(0.01)
    assert not closing.done()

    transaction.let.set()
    await closing

    assert transaction.ended == 1
