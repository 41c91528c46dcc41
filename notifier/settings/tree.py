"""All settings of the service as one frozen tree. Field descriptions and defaults are what README and CLI show."""

from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, SettingsConfigDict

from notifier.delivery.hours import TimeOfDay, TimeZone, Windows
from notifier.delivery.settings import DestinationSettings
from notifier.errors import Problem
from notifier.model import Api
from notifier.settings.secrets import database_secrets, secret_parts, service_secrets
from notifier.settings.values import (
    Accounts,
    Address,
    DatabaseUrl,
    EventWords,
    ExternalId,
    HttpAddress,
    Interval,
    LogFormat,
    LogLevel,
    Mention,
    QueueUrl,
    Regions,
    RoleName,
    Seconds,
    Share,
    Shown,
    SomeGlobs,
    SparingGlobs,
    WebUrl,
)
from notifier.settings.variables import DEFAULT_SECRETS_DIR, PREFIX

COMPOSED = ("destinations", "aws_environment", "lookalikes")
"""Fields that no variable of their own name fills."""


class Settings(BaseSettings):
    """What the operator decided. Times are seconds; a secret is shown by nothing but its `get_secret_value()`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        enable_decoding=False,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    jobs: SomeGlobs = Field(("*",), description="names or globs of the tuning jobs to watch")
    exclude: SparingGlobs = Field((), description="names or globs to leave out")
    regions: Annotated[Regions, Shown("AWS's default region")] = Field((), description="regions to watch")
    accounts: Annotated[Accounts, Shown("the credentials' own")] = Field(
        (), description="numbers of the accounts to watch, each in all regions"
    )
    role: RoleName = Field("", description="role assumed in each account: a name, or an ARN with `{account}`")
    external_id: ExternalId = Field("", description="external id that the role's trust policy asks for")
    api: Api = Field(
        Api.HYPERPARAMETER, description="`hyperparameter`, or `preview`: needs explicit names in `NOTIFIER_JOBS`"
    )
    poll_interval: Interval = Field(30.0, description="time between two sweeps of a region, at least 1s")
    api_rate: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="requests a second per account, region and operation at most; it adapts below that",
    )
    catch_up: Seconds = Field(
        7 * 86400.0, description="endings missed during an outage: older ones are told as a number in one line"
    )
    sqs_queue_url: QueueUrl = Field(
        "", description="SQS queue fed by an EventBridge rule: a job is looked at when its event comes"
    )
    database_url: Annotated[DatabaseUrl, Shown("`sqlite:///notifier.db`")] = Field(
        SecretStr("sqlite:///notifier.db"),
        description="where the service keeps what it knows and owes: `sqlite:///<file>`, or `postgresql://…`, which any"
        " number of workers share",
    )
    lease: Interval = Field(
        30.0, description="on PostgreSQL: how long after a worker's death another takes over what it did, at least 1s"
    )
    grace: Seconds = Field(8.0, description="how long a stop may finish what is in flight")
    slack_webhook_url: SecretStr | None = Field(None, description="incoming webhook of a Slack channel (secret)")
    slack_bot_token: SecretStr | None = Field(
        None,
        description="a Slack app's bot token: one live card for each tuning job, its events in the thread (secret)",
    )
    slack_channel: str = Field("", description="the channel that the bot writes to: its id or `#name`")
    slack_api_url: str = Field("https://slack.com/api/", description="Slack's Web API, other for GovSlack")
    slack_rate: float = Field(1.0, ge=0, allow_inf_nan=False, description="messages a second to Slack, 0 for no limit")
    mention: Mention = Field(
        "", description="who is mentioned when a job fails: `here`, `channel`, a user id or a group id"
    )
    webhook_url: SecretStr | None = Field(None, description="where CloudEvents are posted (secret)")
    webhook_secret: SecretStr | None = Field(
        None,
        description="signs them by Standard Webhooks: `whsec_…`, several while rotating (secret)",
    )
    apprise_urls: SecretStr | None = Field(
        None, description="Discord, Teams, email and a hundred more: URLs of Apprise's, split at white space (secret)"
    )
    events: Annotated[EventWords, Shown("all")] = Field(
        (),
        description="event types to tell: `started`, `status_changed`, `new_best`, `deleted`, `failing`, `plateaued`,"
        " `limit_near`, `stalled`",
    )
    best_cooldown: Seconds = Field(300.0, description="for people: time between two new-best messages of one job")
    min_improvement: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="for people: relative gain of a new best worth telling, 0.01 = 1 %"
    )
    quiet_hours: Windows = Field(
        (),
        description="for people: when nothing is sent, `22:00-07:00` or `Sat-Sun 00:00-24:00`, several between commas;"
        " what is owed waits for their end",
    )
    daily_summary: TimeOfDay = Field(
        "", description="for people: when they get a summary of what ended in the last day and what goes on, as `09:00`"
    )
    timezone: TimeZone = Field(UTC, description="time zone of these times, as `Europe/Berlin`")
    failing_share: Share = Field(
        0.5, description="`failing` is told when this share of a job's trials has failed, 0: never"
    )
    plateau_share: Share = Field(
        0.25, description="`plateaued` is told when this share of all trials brought no gain, 10 at least, 0: never"
    )
    limit_share: Share = Field(
        0.9,
        description="`limit_near` is told when this share of a job's run time is over and trials are left, 0: never",
    )
    stall_factor: float = Field(
        5.0,
        ge=0,
        allow_inf_nan=False,
        description="`stalled` is told when no trial has ended for so many times as long as they took until then, half"
        " an hour at least, 0: never",
    )
    operator: Annotated[tuple[str, ...], Shown("every chat destination")] = Field(
        (), description="names of the destinations that hear of the service's own troubles"
    )
    heartbeat_url: WebUrl | None = Field(
        None, description="pinged after fresh sweeps, so that a watcher outside notices the service's death (secret)"
    )
    http: Address = Field(
        HttpAddress("127.0.0.1", 8080), description="serves `/healthz`, `/readyz`, `/metrics`; empty turns it off"
    )
    log_level: LogLevel = Field("info", description="`debug`, `info`, `warning` or `error`")
    log_format: Annotated[LogFormat | None, Shown("`console` on a terminal, else `json`")] = Field(
        None, description="`console` or `json`"
    )
    secrets_dir: Annotated[Path | None, Shown(f"`{DEFAULT_SECRETS_DIR}`, if it is there")] = Field(
        None, description="directory of files that are named like these variables and hold one value each"
    )

    destinations: Annotated[Mapping[str, DestinationSettings], AfterValidator(MappingProxyType)] = Field(
        MappingProxyType({}), description="every place messages go to, by name"
    )
    aws_environment: Annotated[Mapping[str, str], AfterValidator(MappingProxyType)] = Field(
        MappingProxyType({}),
        repr=False,
        description="what `.env` says to AWS's client, to be exported",
    )
    lookalikes: tuple[Problem, ...] = Field((), description="variables that nothing reads, though nearly a setting's")

    @classmethod
    def of(cls, variables: Mapping[str, str], **composed: Any) -> "Settings":
        """The tree of these variables, by full name, and of what was composed. Raises pydantic's ValidationError."""
        sources = (InitSettingsSource(cls, composed), _VariablesSource(cls, variables))
        # The argument is pydantic-settings' own; its typing shows only those that an application sets.
        return cls(_build_sources=(sources, {}))  # type: ignore[call-arg]

    def secrets(self) -> frozenset[str]:
        """Every secret text in the tree, and the secret parts of URLs: what no log line may contain."""
        found: set[str] = set()
        for holder in (self, *self.destinations.values()):
            for name in type(holder).model_fields:
                value = getattr(holder, name)
                if isinstance(value, SecretStr):
                    found |= _splitting(holder, name)(value.get_secret_value())
        keys = {value for name, value in self.aws_environment.items() if "SECRET" in name or "TOKEN" in name}
        return frozenset(found | keys)


def _splitting(holder: BaseModel, name: str) -> Callable[[str], set[str]]:
    """How a secret of this field falls into parts that are secret by themselves."""
    if name == "database_url":
        return database_secrets
    return service_secrets if getattr(holder, "kind", None) == "apprise" or name == "apprise_urls" else secret_parts


class _VariablesSource(EnvSettingsSource):
    """pydantic-settings' reading of an environment, from variables that were gathered before."""

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}


def field_of(variable: str) -> str:
    """The field that a variable fills."""
    return variable.removeprefix(PREFIX).lower()


def variable(field: str) -> str:
    """The variable that fills a field."""
    return f"{PREFIX}{field.upper()}"


FLAT_VARIABLES = tuple(variable(field) for field in Settings.model_fields if field not in COMPOSED)
"""Every variable but those of `NOTIFIER_DESTINATIONS__…`, in the order in which they are shown."""
