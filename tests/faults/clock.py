"""A wall clock that a test sets while the service runs: libfaketime reads it from a file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Clock:
    """Begins at the right time. Monotonic clocks go on as they are, as they do on a real machine."""

    file: Path
    library: str

    def __post_init__(self) -> None:
        self.set("+0")

    def set(self, to: str) -> None:
        """Set it: `+1h` is an hour ahead of the right time, `-1h` behind, `+0` right."""
        # In one step: it is read at any moment.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{to}\n")
        fresh.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process go by it."""
        return {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
