"""The summary of a day, made by the service itself."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.dispatch.daily import Daily
from notifier.model import Scope, ScopeState
from notifier.pipeline.summary import SETTLING_SECONDS
from notifier.rendering.summary import summary_id
from notifier.store import open_store
from tests.examples import ACCOUNT, REGION, ended, tuning_job
from tests.service.process import Notifier, until
from tests.store.looks import look

DAY = 86_400.0


def told(notifier: Notifier) -> list[str]:
    """The ids of the summaries that were delivered. What the console shows stands between the lines of the log."""
    lines = [json.loads(line) for line in notifier.log_file.read_text().splitlines() if line.startswith("{")]
    return [line["event_id"] for line in lines if line.get("type") == "notifier.daily_summary"]


async def test_a_service_that_was_down_at_its_time_makes_it_later_and_once(notifier: Notifier) -> None:
    at = datetime.now(UTC) - timedelta(seconds=2 * SETTLING_SECONDS)
    daily = Daily(at.hour * 60 + at.minute)
    due = daily.due(time.time())
    assert due is not None
    url = f"sqlite:///{Path(notifier.folder) / 'notifier.db'}"
    async with open_store(url, exclusive=True, clock=lambda: due.until - 3600) as store:
        before = due.until - DAY / 2
        await store.watch.complete(Scope(ACCOUNT, REGION), ScopeState(before, before, before), [])
        job = tuning_job("xgb", status="Completed")
        await store.watch.commit(Scope(ACCOUNT, REGION), [look(job, ended(job), to=("chat",))])

    chat = {"NOTIFIER_DESTINATIONS__CHAT__KIND": "console", "NOTIFIER_DAILY_SUMMARY": f"{at:%H:%M}"}
    for _ in range(2):
        process = await notifier.start(**chat)
        await notifier.ready(process)
        await until(lambda: told(notifier) != [], "it is told")
        assert await notifier.stop(process) == 0

    assert told(notifier) == [summary_id("chat", due.day.isoformat())]
