"""Another process at the same database. Usage: child.py hold|commit|desk URL.

hold: open as `run` does, say ready, wait for the end of standard input. commit: the same, then commit one job after the
other, saying each number once it is committed. desk: beside a running service, discard and retry what is owed.
"""

import asyncio
import itertools
import sys

from notifier.store import open_store
from tests.store.looks import SCOPE, first_look


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def hold(url: str) -> None:
    async with open_store(url, exclusive=True):
        say("ready")
        await asyncio.to_thread(sys.stdin.read)


async def commit(url: str) -> None:
    async with open_store(url, exclusive=True) as store:
        for number in itertools.count():
            await store.watch.commit(SCOPE, [first_look(number, to=("slack", "webhook"))])
            say(number)


async def desk(url: str) -> None:
    async with open_store(url, exclusive=False) as store:
        for _ in range(20):
            letters = await store.desk.letters()
            await store.desk.retry([letter.seq for letter in letters])
            say(len(await store.desk.discard([letter.seq for letter in letters[:1]])))


if __name__ == "__main__":
    asyncio.run({"hold": hold, "commit": commit, "desk": desk}[sys.argv[1]](sys.argv[2]))
