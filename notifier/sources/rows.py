"""List's rows, read once: what a row said in the listing before need not be read again."""

from collections.abc import Callable, Mapping
from typing import Any

from notifier.model import Summary
from notifier.sources.mapping import summary
from notifier.sources.members import Answer, moment
from notifier.sources.parsing import Row

NAME, STATUS, CREATED, COUNTERS = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "TrainingJobStatusCounters",
)


class Rows:
    """Reads the rows of one listing after the other.

    A row whose status, creation and counters are those of the listing before gives the very same Summary object: most
    rows of most sweeps. Whoever compares can then compare by identity. (LastModifiedTime may move without any of them;
    the Summary then keeps the earlier one.)
    """

    def __init__(self) -> None:
        self._before: dict[Any, tuple[int | None, Summary]] = {}

    def listing(self) -> Callable[[Answer], Summary]:
        """What reads the rows of a new listing; only the listing before it is remembered."""
        before = self._before
        now: dict[Any, tuple[int | None, Summary]] = {}
        self._before = now

        def read(row: Answer) -> Summary:
            # As it came over the wire: most rows need not be read at all.
            came = row.came if type(row) is Row else {**row, CREATED: moment(row, CREATED)}
            name, says = came.get(NAME), _says(came)
            known = before.get(name)
            if known is None or known[0] != says or says is None:
                known = (says, summary(row))
            now[name] = known
            return known[1]

        return read


def _says(came: Mapping[str, Any]) -> int | None:
    """What a row says, as a number of 64 bits: thousands are kept. None for a row that is none."""
    try:
        counters = came[COUNTERS]
        return hash((came[STATUS], came[CREATED], *counters, *counters.values()))
    except (AttributeError, KeyError, TypeError):
        return None
