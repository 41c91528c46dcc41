"""Hints: somebody says that a tuning job has moved. A reason to look at it, and nothing more."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hint:
    """Look at this job. `wait` is how many seconds it is worth to wait before: what moved may not show in it yet."""

    account_id: str
    region: str
    name: str
    wait: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        """Which job is meant: names are case-insensitive, and events write them in both ways."""
        return self.account_id, self.region, self.name.lower()


@dataclass(frozen=True, slots=True)
class Noted:
    """A hint as the store has it. `at` is when it was last noted: a later one for the same job moves it.

    `prompt`: it came without a wait. `due` is in how many seconds to look, 0 or less: now.
    """

    name: str
    at: float
    prompt: bool
    due: float = field(compare=False)
