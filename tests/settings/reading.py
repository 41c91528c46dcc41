"""How tests of settings read them: from an environment of their own, with nothing of this machine in it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from notifier.errors import Problem, SettingsError
from notifier.settings import Settings, load_settings

SLACK_URL = "https://hooks.slack.com/services/T0123456/B0123456/sEcReTtOkEn"
HOOK_URL = "https://receiver.test/hooks/sEcReTpAtH"
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLPZI"
NAMED = "NOTIFIER_DESTINATIONS__"


def read(environ: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """The settings of this environment alone."""
    return load_settings(environ, dotenv)


def problems(environ: Mapping[str, str], dotenv: Path | None = None) -> list[Problem]:
    """What is wrong with this environment."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, dotenv)
    assert str(caught.value) == "; ".join(f"{each.variable}: {each.message}" for each in caught.value.problems)
    return caught.value.problems


def only_problem(environ: Mapping[str, str], dotenv: Path | None = None) -> Problem:
    """The one thing that is wrong with this environment."""
    (problem,) = problems(environ, dotenv)
    return problem
