"""How these tests load settings: from what they say, and from nothing else."""

from pathlib import Path

from notifier.errors import SettingsError
from notifier.settings import Settings, load_settings

SLACK_URL = "https://hooks.slack.example/services/T000/B000/abcdefghijklmnop"
DISCORD_URL = "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz0123456789"
HOOK_URL = "https://receiver.example/hooks/4711-abcdef"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


TOKEN = "xoxb-111-222-abcdefghijkl"

NEEDED = {"console": {}, "apprise": {"URL": DISCORD_URL}, "slack": {"TOKEN": TOKEN, "CHANNEL": "C0123ABCD"}}
"""The fields that a kind of destination cannot do without; all others want an address."""


def named(name: str, kind: str) -> dict[str, str]:
    """The variables of a destination of this kind, no more than it needs."""
    fields = {"KIND": kind.upper(), **NEEDED.get(kind, {"URL": HOOK_URL})}
    return {f"DESTINATIONS__{name.upper()}__{field}": value for field, value in fields.items()}


def loaded(dotenv: Path | None = None, /, **variables: str) -> Settings:
    """The settings of these variables, NOTIFIER_ before each."""
    return load_settings(_full(variables), dotenv)


def refused(dotenv: Path | None = None, /, **variables: str) -> dict[str, str]:
    """What is wrong with these variables: the message by variable."""
    return {problem.variable: problem.message for problem in refusal(dotenv, **variables).problems}


def refusal(dotenv: Path | None = None, /, **variables: str) -> SettingsError:
    """The error that these variables end in."""
    try:
        settings = load_settings(_full(variables), dotenv)
    except SettingsError as error:
        return error
    raise AssertionError(f"nothing was wrong with {settings!r}")


def _full(variables: dict[str, str]) -> dict[str, str]:
    return {f"NOTIFIER_{name}": value for name, value in variables.items()}
