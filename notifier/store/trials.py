"""Trials: the training jobs of the tuning jobs that are remembered."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from notifier.model import JobIdentity, KnownTrials, Trial
from notifier.store.codec import decode_trial, encode_trial, plain
from notifier.store.insertion import put
from notifier.store.schema import trials


def keep_trials(connection: Connection, found: Iterable[tuple[JobIdentity, Trial]]) -> None:
    """Remember trials, in place of what was remembered of them."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for identity, trial in found:
        key = plain(identity.key), plain(trial.name)
        rows[key] = {
            "job_key": key[0],
            "name": key[1],
            "over": trial.over,
            "created_at": trial.created_at.timestamp(),
            "body": encode_trial(trial),
        }
    put(connection, trials, list(rows.values()))


def known_trials(connection: Connection, identity: JobIdentity) -> KnownTrials:
    """The names of a job's trials that are remembered."""
    query = select(trials.c.name, trials.c.over).where(trials.c.job_key == plain(identity.key))
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for name, over in connection.execute(query):
        names[over].add(name)
    return KnownTrials(frozenset(names[True]), frozenset(names[False]))


def trials_of(connection: Connection, job_key: str) -> tuple[Trial, ...]:
    """The trials of a job that are remembered, in the order of their creation."""
    query = select(trials.c.body).where(trials.c.job_key == plain(job_key)).order_by(trials.c.created_at, trials.c.name)
    return tuple(trial for text in connection.scalars(query) if (trial := decode_trial(text)) is not None)
