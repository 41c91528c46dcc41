"""List's rows, read once: what a row said in the listing before need not be read again."""

from collections.abc import Callable
from typing import Any

from notifier.model import Summary
from notifier.sources.mapping import summary
from notifier.sources.members import Answer, moment

COUNTERS = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")


class Rows:
    """Reads the rows of one listing after the other.

    A row whose status, creation and counters are those of the listing before gives the very same Summary object: most
    rows of most sweeps. Whoever compares can then compare by identity. (LastModifiedTime may move without any of them;
    the Summary then keeps the earlier one.)
    """

    def __init__(self) -> None:
        self._before: dict[Any, tuple[Any, Summary]] = {}

    def listing(self) -> Callable[[Answer], Summary]:
        """What reads the rows of a new listing; only the listing before it is remembered."""
        before = self._before
        now: dict[Any, tuple[Any, Summary]] = {}
        self._before = now

        def read(row: Answer) -> Summary:
            name, counters = row.get("HyperParameterTuningJobName"), row.get("TrainingJobStatusCounters")
            says = (
                row.get("HyperParameterTuningJobStatus"),
                moment(row, "CreationTime"),
                tuple(map(counters.get, COUNTERS)) if isinstance(counters, dict) else None,
            )
            known = before.get(name)
            if known is None or known[0] != says:
                known = (says, summary(row))
            now[name] = known
            return known[1]

        return read
