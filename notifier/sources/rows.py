"""List's rows, read once: what a row said in the listing before need not be read again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from notifier.model import Settled, Summary
from notifier.ports import Recognise
from notifier.sources.mapping import summary
from notifier.sources.members import Answer, moment
from notifier.sources.parsing import Row

NAME, STATUS, CREATED, COUNTERS = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "TrainingJobStatusCounters",
)


def reader(settled: Recognise) -> Callable[[Answer], Summary | Settled]:
    """What reads a row, unless it says what a row of this name said before: most rows of most sweeps.

    Status, creation and counters are what it says. (LastModifiedTime may move without any of them.)
    """

    def read(row: Answer) -> Summary | Settled:
        # As it came over the wire: most rows need not be read at all.
        came = row.came if type(row) is Row else {**row, CREATED: moment(row, CREATED)}
        says = _says(came)
        known = settled(came[NAME], says) if says is not None else None
        return replace(summary(row), says=says) if known is None else known

    return read


def _says(came: Mapping[str, Any]) -> int | None:
    """What a row says, as a number of 64 bits: thousands are kept. None for a row that is none."""
    try:
        counters = came[COUNTERS]
        return hash((came[NAME], came[STATUS], came[CREATED], *counters, *counters.values()))
    except (AttributeError, KeyError, TypeError):
        return None
