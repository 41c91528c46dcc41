"""What the pages are told of the outbox: how much waits, for how long, and what is held for which reason."""

from pathlib import Path

from notifier.app import queues
from notifier.model import Hold
from notifier.ports import Outcome
from notifier.store import open_store
from notifier.web import Queue
from tests.settings.environment import HOOK_URL, loaded
from tests.store.looks import SCOPE, Clock, first_look

GONE = Hold(until=None, since=1.0, failures=3, reason="it answered 410 (gone)", fingerprint="f")


async def test_each_destination_shows_what_waits_for_how_long_and_why_nothing_is_sent(tmp_path: Path) -> None:
    clock, settings = Clock(), loaded(WEBHOOK_URL=HOOK_URL)
    async with open_store(f"sqlite:///{tmp_path / 'notifier.db'}", exclusive=True, clock=clock) as store:
        assert await queues(store, settings) == [Queue("webhook", {})]

        for number in range(4):
            await store.watch.commit(SCOPE, [first_look(number, to=("webhook", "left-the-settings"))])
            clock.time += 60
        dead, _, under_way, _ = [row.seq for row in await store.outbox.owed("webhook", 9)]
        await store.outbox.finish(Outcome("webhook", dead=((dead, "it answered 400"),), hold=GONE))
        await store.outbox.finish(Outcome("left-the-settings", hold=GONE))
        await store.outbox.sending("webhook", [under_way])

        known, orphaned = await queues(store, settings)

    # What died does not wait; of the rest the oldest counts, whether it is under way or not.
    assert known == Queue("webhook", {"dead": 1, "pending": 2, "sending": 1}, oldest_age=180.0, held=GONE.reason)
    assert orphaned.messages == {"orphaned": 4} and orphaned.held is None
