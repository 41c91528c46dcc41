"""Trials are remembered with their jobs."""

from dataclasses import replace
from datetime import timedelta

from notifier.model import KnownTrials, Trial
from notifier.store import Store
from tests.examples import NOON, tuning_job
from tests.store.looks import SCOPE, first_look, look

JOB = tuning_job("job-00001")
GOING = Trial("b", "InProgress", NOON + timedelta(minutes=1))
OVER = Trial("a", "Completed", NOON, NOON, NOON, 0.5, "auc", None, "small", {"eta": "0.3"})


async def test_trials_come_back_as_they_were_in_the_order_of_their_creation(store: Store) -> None:
    await store.watch.commit(SCOPE, [replace(look(JOB), trials=(GOING, OVER))])

    assert await store.outbox.trials(JOB.identity.key) == (OVER, GOING)
    assert await store.cards.trials(JOB.identity.key) == (OVER, GOING)
    assert await store.watch.known_trials(JOB.identity) == KnownTrials(frozenset("a"), frozenset("b"))
    assert await store.outbox.trials(tuning_job("another").identity.key) == ()


async def test_a_trial_that_goes_on_is_replaced_and_others_stay(store: Store) -> None:
    await store.watch.commit(SCOPE, [replace(look(JOB), trials=(GOING, OVER))])
    failed = replace(GOING, status="Failed", failure_reason="<!channel>\x00\ud800")
    await store.watch.commit(SCOPE, [replace(look(JOB), trials=(failed,))])

    first, second = await store.outbox.trials(JOB.identity.key)
    assert (first, second.status, second.failure_reason) == (OVER, "Failed", "<!channel>\x00\ufffd")
    assert await store.watch.known_trials(JOB.identity) == KnownTrials(frozenset("ab"))


async def test_trials_are_forgotten_with_their_job_but_not_while_something_of_it_is_owed(store: Store) -> None:
    owed, quiet = first_look(1), first_look(2, to=())
    await store.watch.commit(SCOPE, [replace(each, trials=(OVER,)) for each in (owed, quiet)])
    await store.watch.commit(SCOPE, [replace(each, events=(), forget=True) for each in (owed, quiet)])

    assert await store.outbox.trials(owed.remembered.identity.key) == (OVER,)
    assert await store.outbox.trials(quiet.remembered.identity.key) == ()
