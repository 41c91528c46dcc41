"""One figure beside its goal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in `unit`; `goal` is the most it may be, None where nobody set one."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    decimals: int = 1

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return None if self.goal is None else self.value <= self.goal

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What, how much, how much at most, and the verdict."""
        verdict = {None: "", True: "reached", False: "missed"}[self.reached]
        goal = "" if self.goal is None else f"≤ {self.goal:g} {self.unit}"
        return self.what, f"{self.value:,.{self.decimals}f} {self.unit}", goal, verdict
