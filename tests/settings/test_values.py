"""What each variable may say, and what is said of one that says something else."""

from pathlib import Path
from typing import Any

import pytest

from notifier.settings import HttpAddress, Settings, load_settings
from notifier.settings.tree import FLAT_VARIABLES
from tests.settings.environment import HOOK_URL, SECRET, SLACK_URL, loaded, refusal, refused


def plain(settings: Settings, field: str) -> Any:
    """A field's value; a secret's text."""
    value = getattr(settings, field)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("jobs", ("*",)),
        ("exclude", ()),
        ("regions", ()),
        ("accounts", ()),
        ("role", ""),
        ("external_id", ""),
        ("api", "hyperparameter"),
        ("poll_interval", 30.0),
        ("api_rate", 1.0),
        ("catch_up", 7 * 86400.0),
        ("database_url", "sqlite:///notifier.db"),
        ("lease", 30.0),
        ("grace", 8.0),
        ("slack_webhook_url", None),
        ("slack_rate", 1.0),
        ("mention", ""),
        ("webhook_url", None),
        ("webhook_secret", None),
        ("events", ()),
        ("best_cooldown", 300.0),
        ("min_improvement", 0.0),
        ("heartbeat_url", None),
        ("http", HttpAddress("127.0.0.1", 8080)),
        ("log_level", "info"),
        ("log_format", None),
        ("secrets_dir", None),
    ],
)
def test_what_nobody_sets_has_the_default_of_the_contract(field: str, default: Any) -> None:
    assert plain(loaded(), field) == default


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        pytest.param("JOBS", "xgb-churn", ("xgb-churn",), id="one-job"),
        pytest.param("JOBS", "xgb-*, *-prod ,,job-[0-9]?", ("xgb-*", "*-prod", "job-[0-9]?"), id="globs-at-commas"),
        pytest.param("JOBS", "Upper.and.Dots-9", ("Upper.and.Dots-9",), id="letters-as-written"),
        pytest.param("EXCLUDE", "test-*", ("test-*",), id="exclude"),
        pytest.param("REGIONS", "us-east-1", ("us-east-1",), id="region"),
        pytest.param(
            "REGIONS", "eu-west-1, us-gov-west-1,eu-west-1", ("eu-west-1", "us-gov-west-1"), id="regions-once"
        ),
        pytest.param(
            "REGIONS", "cn-north-1,ap-southeast-12", ("cn-north-1", "ap-southeast-12"), id="regions-elsewhere"
        ),
        pytest.param("ACCOUNTS", "222233334444", ("222233334444",), id="account"),
        pytest.param("API", "hyperparameter", "hyperparameter", id="api"),
        pytest.param("POLL_INTERVAL", "1", 1.0, id="fastest-poll"),
        pytest.param("POLL_INTERVAL", "5m", 300.0, id="minutes"),
        pytest.param("CATCH_UP", "2h", 7200.0, id="hours"),
        pytest.param("CATCH_UP", "1d", 86400.0, id="day"),
        pytest.param("CATCH_UP", "0", 0.0, id="no-time"),
        pytest.param("GRACE", "1.5s", 1.5, id="parts-of-seconds"),
        pytest.param("GRACE", " 20 s ", 20.0, id="blanks-in-a-duration"),
        pytest.param("LEASE", "1m", 60.0, id="lease"),
        pytest.param("BEST_COOLDOWN", "90", 90.0, id="bare-seconds"),
        pytest.param("API_RATE", "0.5", 0.5, id="a-call-in-two-seconds"),
        pytest.param("SLACK_RATE", "0", 0.0, id="no-limit"),
        pytest.param("MIN_IMPROVEMENT", "0.01", 0.01, id="one-percent"),
        pytest.param("DATABASE_URL", "sqlite:////var/lib/notifier/n.db", "sqlite:////var/lib/notifier/n.db", id="file"),
        pytest.param("DATABASE_URL", "sqlite+aiosqlite:///n.db", "sqlite+aiosqlite:///n.db", id="driver"),
        pytest.param("DATABASE_URL", "postgresql+asyncpg://u:p@db/n", "postgresql+asyncpg://u:p@db/n", id="postgresql"),
        pytest.param("DATABASE_URL", "postgres://u:p@db/n", "postgres://u:p@db/n", id="postgres-as-platforms-say"),
        pytest.param("SLACK_WEBHOOK_URL", SLACK_URL, SLACK_URL, id="slack"),
        pytest.param("WEBHOOK_URL", "http://127.0.0.1:9/x", "http://127.0.0.1:9/x", id="loopback"),
        pytest.param("WEBHOOK_URL", "http://[::1]/", "http://[::1]/", id="loopback-6"),
        pytest.param("HEARTBEAT_URL", "https://hc.test/ping/1", "https://hc.test/ping/1", id="heartbeat"),
        pytest.param("MENTION", "here", "here", id="here"),
        pytest.param("MENTION", "U024BE7LH", "U024BE7LH", id="user"),
        pytest.param("MENTION", "S0614TZR7", "S0614TZR7", id="group"),
        pytest.param("EVENTS", "new_best,deleted", ("new_best", "deleted"), id="events"),
        pytest.param("HTTP", "0.0.0.0:80", HttpAddress("0.0.0.0", 80), id="every-address"),
        pytest.param("HTTP", "[::1]:8080", HttpAddress("::1", 8080), id="ipv6"),
        pytest.param("HTTP", "localhost:0", HttpAddress("localhost", 0), id="any-port"),
        pytest.param("HTTP", "", None, id="no-pages"),
        pytest.param("LOG_LEVEL", "DEBUG", "debug", id="level-in-capitals"),
        pytest.param("LOG_LEVEL", "warning", "warning", id="level"),
        pytest.param("LOG_FORMAT", "Json", "json", id="format"),
    ],
)
def test_a_variable_is_read_as_people_mean_it(variable: str, text: str, value: Any) -> None:
    assert plain(loaded(**{variable: text}), variable.lower()) == value


@pytest.mark.parametrize(
    ("variable", "text", "advice"),
    [
        pytest.param("JOBS", ",", "names or globs between commas, or * for all", id="no-job"),
        pytest.param("JOBS", "xgb churn", "'xgb churn' can match no tuning job", id="blank-in-a-name"),
        pytest.param("JOBS", "arn:aws:sagemaker:x", "can match no tuning job", id="arn-for-a-name"),
        pytest.param("EXCLUDE", "ok,né", "'né' can match no tuning job", id="letters-no-job-has"),
        pytest.param("REGIONS", "us-east-1,useast1", "'useast1' is no region: write for example", id="region"),
        pytest.param("REGIONS", "us-east-1a", "is no region", id="zone-for-a-region"),
        pytest.param("ACCOUNTS", "22223333444", "'22223333444' is no account: write its 12 digits", id="eleven-digits"),
        pytest.param("ACCOUNTS", "2222-3333-4444", "write its 12 digits", id="account-with-hyphens"),
        pytest.param("ACCOUNTS", "222233334444,222233334444", "222233334444 more than once", id="account-twice"),
        pytest.param("ACCOUNTS", ",", "names nothing", id="no-account"),
        pytest.param("API", "today", "'hyperparameter' or 'preview'", id="api"),
        pytest.param("POLL_INTERVAL", "0.5s", "must be at least 1s", id="too-fast"),
        pytest.param("POLL_INTERVAL", "soon", "write seconds, or 30s, 5m, 2h, 1d", id="words-for-a-duration"),
        pytest.param("CATCH_UP", "1w", "not a duration", id="weeks"),
        pytest.param("CATCH_UP", "-1d", "must not be negative: write seconds", id="negative-duration"),
        pytest.param("GRACE", "inf", "not a duration", id="for-ever"),
        pytest.param("GRACE", "9" * 400, "a finite number", id="longer-than-any-number"),
        pytest.param("LEASE", "0", "must be at least 1s", id="lease"),
        pytest.param("BEST_COOLDOWN", "1h30m", "not a duration", id="two-units"),
        pytest.param("API_RATE", "0", "greater than 0", id="no-calls"),
        pytest.param("API_RATE", "nan", "a finite number", id="nan"),
        pytest.param("SLACK_RATE", "-1", "greater than or equal to 0", id="negative-rate"),
        pytest.param("SLACK_RATE", "fast", "must be a number", id="words-for-a-rate"),
        pytest.param("MIN_IMPROVEMENT", "1%", "must be a number", id="percent"),
        pytest.param("DATABASE_URL", "notifier.db", "must be sqlite:///<file>", id="path-for-a-url"),
        pytest.param("DATABASE_URL", "mysql://db/n", "or postgresql://user@host/database", id="other-database"),
        pytest.param("SLACK_WEBHOOK_URL", "hooks.slack.com/services/x", "http://… or https://…", id="no-scheme"),
        pytest.param("WEBHOOK_URL", "ftp://receiver.test/x", "http://… or https://…", id="ftp"),
        pytest.param("WEBHOOK_URL", "https://", "with a host", id="no-host"),
        pytest.param("HEARTBEAT_URL", "https://hc.test:0/x", "not an address", id="port-0"),
        pytest.param("HEARTBEAT_URL", "https://hc.test/a b", "without spaces", id="blank-in-a-url"),
        pytest.param("MENTION", "@bob", "write here, channel, a user id", id="mention-by-name"),
        pytest.param("EVENTS", "newbest", "'newbest' is no event type: did you mean new_best?", id="event"),
        pytest.param(
            "EVENTS", "zzz", "there are started, status_changed, new_best, deleted", id="nothing-like-an-event"
        ),
        pytest.param("HTTP", "8080", "must be host:port", id="port-alone"),
        pytest.param("HTTP", "127.0.0.1:65536", "a port up to 65535", id="port-too-high"),
        pytest.param("HTTP", "::1:8080", "must be host:port", id="ipv6-without-brackets"),
        pytest.param("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'", id="level"),
        pytest.param("LOG_FORMAT", "xml", "'console' or 'json'", id="format"),
        pytest.param("SECRETS_DIR", "/no/such/directory", "No such file or directory", id="secrets-directory"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_what_would_be_right(
    variable: str, text: str, advice: str
) -> None:
    ((named, message),) = refused(**{variable: text}).items()

    assert named == f"NOTIFIER_{variable}"
    assert advice in message
    assert "Value error" not in message


@pytest.mark.parametrize(
    ("secret", "wrong"),
    [
        pytest.param(",", "names no secret", id="nothing"),
        pytest.param("plain", "secret 1 must begin with whsec_", id="a-word"),
        pytest.param(SECRET.removeprefix("whsec_"), "secret 1 must begin with whsec_", id="without-its-beginning"),
        pytest.param(f"{SECRET},whsec_!!!!", "secret 2 is not base64 after whsec_", id="not-base64"),
        pytest.param("whsec_", "the base64 of 24 to 64 bytes", id="empty"),
        pytest.param("whsec_short", "secret 1", id="too-short"),
    ],
)
def test_a_secret_that_is_none_is_refused_with_how_to_make_one(secret: str, wrong: str) -> None:
    ((named, message),) = refused(WEBHOOK_URL=HOOK_URL, WEBHOOK_SECRET=secret).items()

    assert named == "NOTIFIER_WEBHOOK_SECRET" and wrong in message
    assert message.endswith("; make one with: echo whsec_$(openssl rand -base64 32)")


def test_everything_that_is_wrong_is_said_at_once_and_each_thing_once() -> None:
    error = refusal(
        REGIONS="nowhere",
        POLL_INTERVAL="soon",
        MENTION="bob",
        SLACK_WEBHOOK_URL="x",
        DESTINATIONS__OPS__KIND="slack_webhook",
        DESTINATIONS__OPS__URL=SLACK_URL,
        OPERATOR="nobody",
        JOB="x",
    )

    wrong = ["JOB", "MENTION", "OPERATOR", "POLL_INTERVAL", "REGIONS", "SLACK_WEBHOOK_URL"]
    assert sorted(each.variable for each in error.problems) == [f"NOTIFIER_{name}" for name in wrong]
    assert str(error) == "; ".join(f"{each.variable}: {each.message}" for each in error.problems)


@pytest.mark.parametrize("variable", [each for each in FLAT_VARIABLES if each != "NOTIFIER_HTTP"])
@pytest.mark.parametrize("text", ["", "   "], ids=["empty", "blanks"])
def test_empty_means_unset(variable: str, text: str) -> None:
    assert load_settings({variable: text}, None) == loaded()


@pytest.mark.parametrize(
    ("jobs", "right"),
    [
        pytest.param("xgb-churn,other", True, id="names"),
        pytest.param(None, False, id="none"),
        pytest.param("*", False, id="all"),
        pytest.param("xgb-churn,test-?", False, id="glob"),
        pytest.param("job-[ab]", False, id="choice"),
    ],
)
def test_the_preview_needs_every_name_in_full(jobs: str | None, right: bool) -> None:
    environ = {"API": "preview"} | ({"JOBS": jobs} if jobs else {})

    if right:
        assert loaded(**environ).jobs == ("xgb-churn", "other")
    else:
        ((named, message),) = refused(**environ).items()
        assert named == "NOTIFIER_JOBS"
        assert "name every tuning job in full" in message


def test_the_settings_cannot_be_changed() -> None:
    settings = loaded()

    with pytest.raises(ValueError, match="frozen"):
        settings.grace = 1.0
    with pytest.raises(TypeError):
        settings.destinations["x"] = settings.destinations["console"]  # type: ignore[index]


def test_the_process_environment_is_read_when_no_other_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_GRACE", "3s")
    (tmp_path / ".env").write_text("NOTIFIER_LEASE=4s\n")

    settings = load_settings()

    assert (settings.grace, settings.lease) == (3.0, 4.0)


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        pytest.param("SLACK_WEBHOOK_URL", f'"{SLACK_URL}"', "stands in quotes", id="double"),
        pytest.param("JOBS", "'xgb-*'", "stands in quotes", id="single"),
        pytest.param("WEBHOOK_URL", f"“{HOOK_URL}”", "stands in quotes", id="typographic"),
        pytest.param("LOG_LEVEL", '""', "stands in quotes", id="nothing-within"),
        pytest.param("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/…", "the … of an example", id="ellipsis"),
    ],
)
def test_a_value_that_was_copied_with_its_wrapping_is_told(variable: str, value: str, hint: str) -> None:
    message = refused(**{variable: value})[f"NOTIFIER_{variable}"]

    assert hint in message and "example/" not in message


@pytest.mark.parametrize("value", ["xgb'", '"', "'a\""], ids=["at-its-end-only", "a-lone-one", "unlike-ones"])
def test_a_quote_that_wraps_nothing_is_left_to_what_the_setting_says(value: str) -> None:
    assert "can match no tuning job" in refused(JOBS=value)["NOTIFIER_JOBS"]
