"""No secret is ever shown, whatever else is wrong, and wherever the secret was put by mistake."""

import base64
import traceback
from collections.abc import Mapping

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import SettingsError
from notifier.settings import describe_settings, load_settings

MARK = "sEcReT"
"""Stands in every secret below, so that no part of one can be met by chance."""
ENCODED = base64.b64encode(MARK.encode()).decode()

tokens = st.text("abcXYZ019-_", max_size=12).map(lambda rest: f"{MARK}{rest}{MARK}")
passwords = st.text("ab09/?#@:%+= !$&[]", max_size=8).map(lambda middle: f"{MARK}{middle}{MARK}")
urls = st.builds("https://{}/services/{}".format, st.sampled_from(["hooks.test", "me:x@h.test:1", "[::1]"]), tokens)
keys = st.builds(
    lambda number: f"whsec_{base64.b64encode(f'{MARK}{number:020}'.encode()).decode()}", st.integers(0, 10**19)
)
services = st.builds(
    "{}://{}".format, st.sampled_from(["discord", "mailto", "tgram", "json", "config", "file", "pigeon"]), passwords
)
databases = st.builds(
    "{}://{}:{}@{}".format,
    st.sampled_from(["sqlite", "postgres", "postgresql+asyncpg", "mysql"]),
    st.sampled_from(["", "user", "user@mail.test"]),
    passwords,
    st.sampled_from(["db/notifier", "db:5432/n?sslmode=require", "[::1]:x", "[", ""]),
)
proper = st.fixed_dictionaries(
    {},
    optional={
        "NOTIFIER_SLACK_WEBHOOK_URL": urls,
        "NOTIFIER_SLACK_BOT_TOKEN": tokens.map("xoxb-{}".format),
        "NOTIFIER_SLACK_CHANNEL": st.just("C0123ABCD"),
        "NOTIFIER_WEBHOOK_URL": urls,
        "NOTIFIER_APPRISE_URLS": st.lists(urls | services, min_size=1, max_size=3).map(" ".join),
        "NOTIFIER_WEBHOOK_SECRET": st.lists(keys, min_size=1, max_size=2).map(",".join),
        "NOTIFIER_HEARTBEAT_URL": urls,
        "NOTIFIER_DATABASE_URL": databases,
        "DATABASE_URL": databases,
        "NOTIFIER_DESTINATIONS__OPS__KIND": st.sampled_from(
            ["webhook", "slack_webhook", "console", "apprise", "pager"]
        ),
        "NOTIFIER_DESTINATIONS__OPS__URL": urls,
        "NOTIFIER_DESTINATIONS__OPS__SECRET": keys,
    },
)
beside = st.dictionaries(
    st.sampled_from(
        ["NOTIFIER_JOB", "NOTIFIER_API", "NOTIFIER_REGIONS", "NOTIFIER_GRACE", "NOTIFIER_OPERATOR", "NOTIFIER_EVENTS",
         "NOTIFIER_MENTION", "NOTIFIER_DESTINATIONS__OPS__URI", "NOTIFIER_DESTINATIONS__OPS__RATE", "NOTIFIER_HTTP"]
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=6).filter(lambda text: MARK not in text),
    max_size=4,
)  # fmt: skip
misplaced = st.dictionaries(
    st.sampled_from(
        ["NOTIFIER_JOBS", "NOTIFIER_EXCLUDE", "NOTIFIER_REGIONS", "NOTIFIER_API", "NOTIFIER_POLL_INTERVAL",
         "NOTIFIER_SLACK_RATE", "NOTIFIER_MENTION", "NOTIFIER_EVENTS", "NOTIFIER_OPERATOR", "NOTIFIER_HTTP", "PORT",
         "NOTIFIER_DATABASE_URL", "NOTIFIER_LOG_LEVEL", "NOTIFIER_LOG_FORMAT", "NOTIFIER_SECRETS_DIR",
         "NOTIFIER_ACCOUNTS", "NOTIFIER_ROLE", "NOTIFIER_EXTERNAL_ID",
         "NOTIFIER_WEBHOOK_SECRET", "NOTIFIER_UNHEARD_OF", "NOTIFIER_SLACK_BOT_TOKEN",
         *(f"NOTIFIER_DESTINATIONS__OPS__{field}"
           for field in ("KIND", "RATE", "MENTION", "JOBS", "EVENTS", "STATUSES", "ACCOUNTS", "REGIONS", "URI"))]
    ),
    urls | databases,
    min_size=1,
    max_size=3,
)  # fmt: skip


def shown(environ: Mapping[str, str]) -> str:
    """Everything that anybody gets to see of this environment."""
    try:
        settings = load_settings(environ, None)
    except SettingsError as error:
        return "".join([str(error), repr(error), repr(error.problems), *traceback.format_exception(error)])
    return f"{settings!r} {settings} {describe_settings(settings)}"


# The first URL of Apprise's imports it, which takes long.
@hypothesis.settings(deadline=None)
@given(proper, beside)
def test_a_secret_in_its_place_is_never_shown_whatever_else_is_wrong(
    proper: Mapping[str, str], beside: Mapping[str, str]
) -> None:
    told = shown({**proper, **beside})

    assert MARK not in told
    assert ENCODED not in told


@given(proper, misplaced)
def test_an_address_with_a_secret_in_the_wrong_place_is_not_repeated(
    proper: Mapping[str, str], misplaced: Mapping[str, str]
) -> None:
    assert MARK not in shown({**proper, **misplaced})


@pytest.mark.parametrize("variable", ["REGIONS", "EVENTS", "OPERATOR", "MENTION", "API", "DATABASE_URL", "UNHEARD_OF"])
def test_a_signing_key_in_the_wrong_place_is_not_repeated(variable: str) -> None:
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    assert key not in shown({f"NOTIFIER_{variable}": key})
