"""Real tuning runs, as public notebooks recorded them (data/SOURCES.md names each source), brought to one shape."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from notifier.model import Direction

RECORDED = ("dengai", "aim318", "jihys", "amtviz", "churn", "ahrav", "piotr", "ensiyeh")

_DATA = Path(__file__).parent / "data"

# Three notebooks print the values and not their name; all three tune the same course's loss.
_UNNAMED_METRIC = "average test loss"


@dataclass(frozen=True, slots=True)
class RecordedTrial:
    """One trial. `starts` is seconds since the run's first start, `value` a 32-bit float widened, as on the wire."""

    suffix: str
    status: str
    value: float | None
    starts: float
    seconds: float
    hyperparameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded tuning job. `parallel` is how many trials it ran at once."""

    key: str
    name: str
    metric: str
    direction: Direction
    trials: tuple[RecordedTrial, ...]
    parallel: int

    @property
    def seconds(self) -> float:
        """From the first start to the last end, as recorded."""
        return max(each.starts + each.seconds for each in self.trials)


@cache
def load_runs() -> Mapping[str, Run]:
    """Every recorded run by its file's name, in the order of RECORDED."""
    return {key: load_run(key) for key in RECORDED}


def load_run(key: str) -> Run:
    """One recorded run of the package's data."""
    return normalise(key, json.loads((_DATA / f"{key}.json").read_text("utf-8")))


def normalise(key: str, recorded: Mapping[str, Any]) -> Run:
    """Bring one recording to the common shape: trials in the order of their numbers, times as seconds."""
    rows = sorted(recorded["trials"], key=lambda row: str(row["TrainingJobName"]))
    first = min(_moment(row["TrainingStartTime"]) for row in rows)
    trials = tuple(_trial(number, row, first) for number, row in enumerate(rows, start=1))
    return Run(
        key=key,
        name=rows[0]["TrainingJobName"].rsplit("-", 2)[0],
        metric=recorded.get("MetricName", _UNNAMED_METRIC),
        direction=Direction(recorded.get("Type", Direction.MINIMIZE)),
        trials=trials,
        parallel=_most_at_once(trials),
    )


def float32(value: float) -> float:
    """The value as SageMaker gives it back: kept as a 32-bit float, widened to 64 bits (0.1 becomes 0.10000000149…)."""
    widened: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return widened


def _trial(number: int, row: Mapping[str, Any], first: datetime) -> RecordedTrial:
    starts, ends = _moment(row["TrainingStartTime"]), _moment(row["TrainingEndTime"])
    value = row["FinalObjectiveValue"]
    return RecordedTrial(
        # Renumbered, for some recordings hold only the last trials of their job.
        suffix=f"{number:03d}-{row['TrainingJobName'].rsplit('-', 1)[1]}",
        status=row["TrainingJobStatus"],
        value=None if value is None else float32(value),
        starts=(starts - first).total_seconds(),
        seconds=(ends - starts).total_seconds(),
        hyperparameters={name: _as_sent(text) for name, text in row.get("TunedHyperParameters", {}).items()},
    )


def _as_sent(text: str) -> str:
    """A hyperparameter as the API sends it: notebooks read through pandas and print the integer 37 as 37.0."""
    return text.removesuffix(".0")


def _moment(text: str) -> datetime:
    """A recorded time; those without a zone are UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _most_at_once(trials: tuple[RecordedTrial, ...]) -> int:
    return max(
        sum(1 for other in trials if other.starts <= each.starts < other.starts + other.seconds) for each in trials
    )
