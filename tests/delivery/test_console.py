"""Messages on a stream: whole, in order, and never in the way of anything else."""

import asyncio
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TextIO

import pytest

from notifier.delivery.console import Console, ConsoleSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from tests.examples import ended, tuning_job

BATCH = Batch((ended(),))
LONG = Batch((ended(tuning_job(failure_reason="x\n" * 700)),))


def console(stream: TextIO, patience: float = 5.0) -> Console:
    return Console("console", ConsoleSettings.model_validate({}), stream=stream, patience=patience)


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """Both ends of a pipe, to read from and to write to."""
    read, write = os.pipe()
    with open(read, encoding="utf-8") as reader, open(write, "w", encoding="utf-8") as writer:  # noqa: PTH123
        yield reader, writer


async def test_a_message_is_written_to_a_stream_in_memory() -> None:
    stream = io.StringIO()

    await console(stream).send(BATCH)

    assert stream.getvalue().startswith("xgb-churn: completed\n  ██▒")
    assert stream.getvalue().endswith("\n")


async def test_messages_are_written_to_a_file_after_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("before\n")
        await console(stream).send(BATCH)

    assert path.read_text("utf-8").startswith("before\nxgb-churn: completed\n")


async def test_a_stream_that_cannot_say_a_sign_gets_a_question_mark(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as stream:
        await console(stream).send(BATCH)

    assert "??????????" in path.read_text("ascii")


async def test_a_closed_pipe_is_the_destinations_failure(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    reader.close()

    with pytest.raises(DeliveryError, match="the output is closed") as caught:
        await console(writer).send(BATCH)

    assert caught.value.fault is Fault.DESTINATION


async def test_a_closed_stream_is_the_destinations_failure(tmp_path: Path) -> None:
    stream = (tmp_path / "out").open("w")
    stream.close()

    with pytest.raises(DeliveryError, match="the output is closed") as caught:
        await console(stream).send(BATCH)

    assert caught.value.fault is Fault.DESTINATION


async def test_a_reader_that_does_not_read_holds_up_nothing_else(pipe: tuple[TextIO, TextIO]) -> None:
    _, writer = pipe
    destination, turns = console(writer, patience=0.2), 0
    os.set_blocking(writer.fileno(), False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer.fileno(), b"x" * 4096)
    os.set_blocking(writer.fileno(), True)

    sending = asyncio.create_task(destination.send(BATCH))
    while not sending.done():
        turns += 1
        await asyncio.sleep(0.01)

    with pytest.raises(DeliveryError, match="nobody reads the output") as caught:
        await sending
    assert (caught.value.fault, caught.value.ambiguous) == (Fault.DESTINATION, True)
    assert turns > 3


async def test_a_slow_reader_gets_everything(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    destination = console(writer)

    async def read() -> str:
        return await asyncio.to_thread(reader.read)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        for _ in range(60):
            await destination.send(LONG)
        writer.close()

    assert reading.result().count("xgb-churn: completed\n") == 60


async def test_messages_that_go_out_together_are_not_mixed(pipe: tuple[TextIO, TextIO]) -> None:
    reader, writer = pipe
    destination, read = console(writer), bytearray()
    os.set_blocking(reader.fileno(), False)
    batches = [Batch((ended(tuning_job(failure_reason=f"{letter}\n" * 700)),)) for letter in "abcdefgh" * 9]

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        sending = [tasks.create_task(destination.send(batch)) for batch in batches]
        # Read a part at a time, so that whoever looks next finds room, not whoever has begun.
        while not all(each.done() for each in sending):
            await asyncio.sleep(0.001)
            with suppress(BlockingIOError):
                read += os.read(reader.fileno(), 4096)
    writer.close()
    read += reader.buffer.read() or b""

    quoted = [line for line in read.decode().splitlines() if line.startswith("  |")]
    assert [line for line, _ in groupby(quoted)] == [f"  | {letter}" for letter in "abcdefgh" * 9]


async def test_a_probe_says_whether_the_stream_is_open(pipe: tuple[TextIO, TextIO]) -> None:
    _, writer = pipe

    assert await console(writer).probe() == "written to the output"
    writer.close()
    with pytest.raises(DeliveryError, match="the output is closed"):
        await console(writer).probe()
