"""What every destination can be told, whatever its kind. Each kind adds its own in its own file."""

from dataclasses import replace
from datetime import UTC
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from notifier.delivery.hours import TimeOfDay, TimeZone, Windows
from notifier.model import Policy, QuietHours
from notifier.model.duration import parse_duration


def _seconds(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_seconds), Field(ge=0, allow_inf_nan=False)]
"""Seconds, or `30s`, `5m`, `2h`, `1d`."""

Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""A list split at commas."""


class DestinationSettings(BaseModel):
    """The fields of `NOTIFIER_DESTINATIONS__<NAME>__…` that all kinds share. A kind's model narrows `kind`.

    `people` says who reads it: what is for people alone (folding, words to the operator) passes programs by. `living`:
    it shows a job as it goes on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    people: ClassVar[bool] = True
    living: ClassVar[bool] = False
    kind: str
    rate: float = Field(0.0, ge=0, allow_inf_nan=False, description="messages a second at most, 0 for no limit")
    best_cooldown: Duration = Field(300.0, description="time between two new-best messages of one job, for people")
    min_improvement: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="relative gain worth telling: 0.01 = 1 %"
    )
    jobs: Listed = Field((), description="only tuning jobs with these names or globs")
    events: Listed = Field((), description="only these event types, by the word after the dot")
    statuses: Listed = Field((), description="only status changes to these")
    accounts: Listed = Field((), description="only these accounts")
    regions: Listed = Field((), description="only these regions")
    tags: Listed = Field((), description="only tuning jobs with all these tags: team=vision,env=prod-*")

    def policy(self, name: str, fingerprint: str) -> Policy:
        """How a destination of this name and these settings likes to be spoken to."""
        return Policy(name, self.kind, self.people, self.rate, fingerprint=fingerprint)


class PeopleSettings(DestinationSettings):
    """What can be said beside that of a destination which people read."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    quiet_hours: Windows = Field(
        (), description="when nothing is sent: 22:00-07:00 or Sat-Sun 00:00-24:00, several between commas; off for none"
    )
    daily_summary: TimeOfDay = Field(
        "", description="when it gets a summary of what ended in the last day and what goes on, as 09:00; off for none"
    )
    timezone: TimeZone = Field(UTC, description="time zone of these times, as Europe/Berlin")

    def policy(self, name: str, fingerprint: str) -> Policy:
        """How a destination of this name and these settings likes to be spoken to."""
        return replace(
            super().policy(name, fingerprint),
            best_cooldown=self.best_cooldown,
            min_improvement=self.min_improvement,
            quiet=QuietHours(self.quiet_hours, self.timezone) if self.quiet_hours else None,
        )
