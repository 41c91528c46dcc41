"""Apprise's URLs: one destination for each, with a name that stays and tells nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.settings import describe_settings
from notifier.telemetry import Inert
from tests.settings.environment import DISCORD_URL, loaded, refused

MAIL_URL = "mailto://me:sEcReT4@mail.example?to=team@mail.example"
ROOT = Path(__file__).parents[2]


def test_each_url_makes_a_destination_for_people_that_is_called_by_a_hash() -> None:
    settings = loaded(APPRISE_URLS=f"{DISCORD_URL}\n  {MAIL_URL} {DISCORD_URL}", BEST_COOLDOWN="1h", MENTION="here")

    assert len(settings.destinations) == 2
    assert settings.operator == tuple(settings.destinations)
    for name, each in settings.destinations.items():
        assert re.fullmatch(r"apprise_[0-9a-f]{8}", name)
        assert (each.kind, each.best_cooldown, each.rate) == ("apprise", 3600.0, 1.0)


def test_a_name_stays_whatever_stands_beside_its_url() -> None:
    (alone,) = loaded(APPRISE_URLS=DISCORD_URL).destinations

    assert alone == "apprise_eaf3431c"
    assert alone in loaded(APPRISE_URLS=f"{MAIL_URL} {DISCORD_URL}").destinations


def test_a_name_that_a_url_has_already_is_refused() -> None:
    (name,) = loaded(APPRISE_URLS=DISCORD_URL).destinations
    variable = f"DESTINATIONS__{name.upper()}__KIND"

    told = refused(APPRISE_URLS=DISCORD_URL, **{variable: "console"})

    assert told[f"NOTIFIER_{variable}"].startswith(f"the destination {name} is already made by NOTIFIER_APPRISE_URLS")


def test_the_urls_are_masked_in_every_table_and_shown_once() -> None:
    rows = describe_settings(loaded(APPRISE_URLS=f"{DISCORD_URL} {MAIL_URL}"))

    assert [row.value for row in rows if row.variable == "NOTIFIER_APPRISE_URLS"] == ["********"]
    assert not [row for row in rows if row.variable.startswith("NOTIFIER_DESTINATIONS")]


BOT_URL = "tgram://123456789:aBcDeFgHiJkLmNoP/12345"
QUERY_URL = "json://h.example/hook?key=a%2Fb"


@pytest.mark.parametrize(
    ("url", "text", "masked"),
    [
        pytest.param(DISCORD_URL, "webhooks/123456789012345678/x", "webhooks/********/x", id="webhook"),
        pytest.param(DISCORD_URL, f"at {DISCORD_URL[29:]}?", "at ********?", id="token"),
        pytest.param(BOT_URL, "bot123456789:aBcDeFgHiJkLmNoP/", "bot********:********/", id="bot"),
        pytest.param(MAIL_URL, "me sEcReT4 at mail.example", "me ******** at mail.example", id="password"),
        pytest.param(f"{MAIL_URL}&pass=hunter2", "not hunter2", "not ********", id="password-of-the-query"),
        pytest.param(QUERY_URL, "a/b12 or a%2Fb, not hook", "a/b12 or ********, not hook", id="short"),
    ],
)
def test_what_could_be_a_token_is_masked_in_the_log_and_what_is_a_name_is_not(url: str, text: str, masked: str) -> None:
    secrets = loaded(APPRISE_URLS=url).secrets()

    assert Inert(secrets).text(text) == masked


WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Without(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "apprise":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from notifier.__main__ import main
sys.argv = ["notifier", "settings"]
main()
"""


def test_without_the_package_a_url_is_refused_with_what_to_install_and_all_else_works(tmp_path: Path) -> None:
    def settings(**environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT], env={"PYTHONPATH": str(ROOT), **environ}, cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    without, plain = settings(NOTIFIER_APPRISE_URLS=DISCORD_URL), settings()

    assert without.returncode == 2
    assert without.stderr == (
        "notifier: NOTIFIER_APPRISE_URLS: URL 1 needs the package apprise: install notifier with its extra,"
        " pip install '.[apprise]'\n"
    )
    assert plain.returncode == 0


def test_loading_tells_the_log_nothing() -> None:
    with capture_logs() as logs:
        refused(APPRISE_URLS="discord://x")

    assert logs == []
