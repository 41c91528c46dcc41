"""Tags are kept with their job."""

from notifier.ports import Observed
from notifier.store import Store
from tests.examples import tuning_job
from tests.store.looks import SCOPE, look, remembered

JOB = tuning_job()


async def test_tags_are_read_as_they_were_kept_and_forgotten_with_the_job(store: Store) -> None:
    await store.watch.commit(SCOPE, [look(JOB)])
    assert await store.watch.tags(JOB.identity) is None

    await store.watch.keep_tags(JOB.identity, {"team": "vision", "ключ": "\u202e'\""})
    assert await store.watch.tags(JOB.identity) == {"team": "vision", "ключ": "\u202e'\""}
    await store.watch.keep_tags(JOB.identity, {})
    assert await store.watch.tags(JOB.identity) == {}

    await store.watch.commit(SCOPE, [Observed(remembered(JOB), forget=True)])
    assert await store.watch.tags(JOB.identity) is None
