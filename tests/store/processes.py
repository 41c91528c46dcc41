"""Starting another process at the same database, and ending it the hard way."""

import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def child(role: str, url: str) -> AsyncIterator[Process]:
    """A child in one of the roles of child.py, killed at the end of the block if it still runs."""
    process = await create_subprocess_exec(
        sys.executable, "-m", "tests.store.child", role, url, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        await kill(process)


async def heard(process: Process) -> str:
    """The next line that it says; empty at its end."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def kill(process: Process) -> None:
    """SIGKILL, and wait until it is gone."""
    if process.returncode is None:
        process.kill()
    await process.wait()
    # Read to the end, so that the pipe is closed before the loop is.
    assert process.stdout is not None
    await process.stdout.read()
