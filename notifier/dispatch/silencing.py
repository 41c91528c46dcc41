"""Which rows are not told because somebody silenced their jobs."""

from collections.abc import Iterable, Mapping, Sequence

from notifier.model import JobIdentity, Owed, Policy, Silence


def silencing(rows: Iterable[Owed], silences: Sequence[Silence], policy: Policy, now: float) -> Mapping[int, Silence]:
    """The rows that a silence concerns, by `seq`, with the first that does.

    It does if it lasts now, or did when the row came to be owed: what waited for something else meanwhile is not told
    afterwards. The service's own words are no job's.
    """
    ours = [each for each in silences if each.quiets(policy.name, people=policy.people)]
    if not ours:
        return {}
    return {row.seq: silence for row in rows if (silence := _silence_of(row, ours, now))}


def _silence_of(row: Owed, silences: Sequence[Silence], now: float) -> Silence | None:
    job = None if row.insisted else JobIdentity.name_in(row.job_key)
    if job is None:
        return None
    lasting = (each for each in silences if each.lasts(now) or each.lasts(row.created_at))
    return next((each for each in lasting if each.concerns(job)), None)
