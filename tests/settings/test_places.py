"""Where settings come from: environment, `.env`, secret files, and what platforms put beside them."""

from pathlib import Path

import pytest

from notifier.errors import SettingsError
from notifier.settings import HttpAddress, load_settings
from tests.settings.environment import SECRET, loaded, refused


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir()
    return directory


def test_the_environment_goes_before_dotenv_and_dotenv_before_secret_files(dotenv: Path, secrets: Path) -> None:
    dotenv.write_text(f"NOTIFIER_JOBS=from-dotenv\nNOTIFIER_EXCLUDE=from-dotenv\nNOTIFIER_SECRETS_DIR={secrets}\n")
    (secrets / "NOTIFIER_EXCLUDE").write_text("from-file")
    (secrets / "notifier_mention").write_text("here\n")

    settings = load_settings({"NOTIFIER_JOBS": "from-environment"}, dotenv)

    assert (settings.jobs, settings.exclude, settings.mention) == (("from-environment",), ("from-dotenv",), "here")


def test_an_empty_variable_leaves_the_word_to_the_next_place(dotenv: Path) -> None:
    dotenv.write_text("NOTIFIER_JOBS=from-dotenv\n")

    assert load_settings({"NOTIFIER_JOBS": ""}, dotenv).jobs == ("from-dotenv",)


def test_an_empty_http_turns_it_off_whatever_the_next_place_says(dotenv: Path) -> None:
    dotenv.write_text("NOTIFIER_HTTP=127.0.0.1:9000\nPORT=80\n")

    assert load_settings({"NOTIFIER_HTTP": ""}, dotenv).http is None


def test_dotenv_takes_comments_quotes_export_and_a_byte_order_mark(dotenv: Path) -> None:
    dotenv.write_text("\ufeff# ours\nexport NOTIFIER_JOBS=\"a,b\" # two\nNOTIFIER_MENTION='here'\n\n")

    assert loaded(dotenv).jobs == ("a", "b")
    assert loaded(dotenv).mention == "here"


def test_nothing_is_put_in_for_a_dollar_in_dotenv(dotenv: Path) -> None:
    dotenv.write_text("NOTIFIER_DATABASE_URL=postgresql://u:a${HOME}b@db/x\n")

    assert loaded(dotenv).database_url.get_secret_value() == "postgresql://u:a${HOME}b@db/x"


def test_other_names_in_dotenv_are_ignored_and_those_of_aws_handed_on(dotenv: Path) -> None:
    dotenv.write_text("DJANGO_DEBUG=1\nAWS_PROFILE=ml\nAWS_ENDPOINT_URL=\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\n")

    settings = loaded(dotenv)

    assert dict(settings.aws_environment) == {"AWS_PROFILE": "ml", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
    assert "wJalrXUtnFEMI" in settings.secrets()
    assert "wJalrXUtnFEMI" not in repr(settings)


def test_a_line_that_is_no_assignment_is_named_by_its_number_and_not_repeated(dotenv: Path) -> None:
    dotenv.write_text("NOTIFIER_JOBS=a\nhunter2 is it\n")

    message = refused(dotenv)[str(dotenv)]

    assert "line 2 is not NAME=value" in message
    assert "hunter2" not in message


def test_a_dotenv_that_is_not_text_is_told(dotenv: Path) -> None:
    dotenv.write_bytes(b"NOTIFIER_JOBS=\xff\xfe\n")

    assert "not UTF-8" in refused(dotenv)[str(dotenv)]


def test_without_a_dotenv_or_with_a_directory_of_that_name_nothing_happens(dotenv: Path) -> None:
    assert loaded(dotenv) == loaded()
    dotenv.mkdir()
    assert loaded(dotenv) == loaded()


def test_a_problem_says_where_the_variable_was_found(dotenv: Path, secrets: Path) -> None:
    dotenv.write_text("NOTIFIER_LOG_LEVEL=loud\n")
    (secrets / "NOTIFIER_LOG_FORMAT").write_text("xml")

    problems = refused(dotenv, SECRETS_DIR=str(secrets), API_RATE="x")

    assert f"(in {dotenv})" in problems["NOTIFIER_LOG_LEVEL"]
    assert f"(in {secrets})" in problems["NOTIFIER_LOG_FORMAT"]
    assert "(" not in problems["NOTIFIER_API_RATE"]


def test_secret_files_may_be_named_after_nested_settings(secrets: Path) -> None:
    (secrets / "NOTIFIER_DESTINATIONS__OPS__URL").write_text("http://127.0.0.1/hook\n")
    (secrets / "notifier_destinations__ops__secret").write_text(SECRET)

    ops = loaded(SECRETS_DIR=str(secrets), DESTINATIONS__OPS__KIND="webhook").destinations["ops"].model_dump()

    assert ops["url"].get_secret_value() == "http://127.0.0.1/hook"
    assert ops["secret"].get_secret_value() == SECRET


def test_secret_files_may_be_links_as_kubernetes_mounts_them(secrets: Path) -> None:
    data = secrets / "..data"
    data.mkdir()
    (data / "NOTIFIER_MENTION").write_text("here")
    (secrets / "NOTIFIER_MENTION").symlink_to(data / "NOTIFIER_MENTION")

    assert loaded(SECRETS_DIR=str(secrets)).mention == "here"


def test_foreign_secret_files_are_not_opened_and_unknown_ones_of_ours_are_told(secrets: Path) -> None:
    (secrets / "postgres_password").write_bytes(b"\xff")
    (secrets / "NOTIFIER_MENTON").write_text("here")

    assert list(refused(SECRETS_DIR=str(secrets))) == ["NOTIFIER_MENTON"]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        pytest.param(b"\xff\xfe", "not UTF-8", id="not-text"),
        pytest.param(b"x" * 70_000, "larger than 64 KiB", id="too-large"),
        pytest.param(b"a\x00b", "NUL", id="nul"),
    ],
)
def test_a_secret_file_that_holds_no_text_is_told(secrets: Path, content: bytes, hint: str) -> None:
    (secrets / "NOTIFIER_HEARTBEAT_URL").write_bytes(content)

    assert hint in refused(SECRETS_DIR=str(secrets))["NOTIFIER_HEARTBEAT_URL"]


def test_a_name_in_capital_and_in_small_letters_is_told() -> None:
    with pytest.raises(SettingsError, match="NOTIFIER_JOBS: is set twice"):
        load_settings({"NOTIFIER_JOBS": "a", "notifier_jobs": "b"}, None)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        pytest.param({"PORT": "9000"}, HttpAddress("0.0.0.0", 9000), id="port"),
        pytest.param({"PORT": "9000", "NOTIFIER_HTTP": "127.0.0.1:1"}, HttpAddress("127.0.0.1", 1), id="ours-first"),
        pytest.param({"PORT": "9000", "NOTIFIER_HTTP": ""}, None, id="turned-off"),
        pytest.param({"PORT": ""}, HttpAddress("127.0.0.1", 8080), id="empty-port"),
    ],
)
def test_port_stands_in_for_http(environ: dict[str, str], address: HttpAddress | None) -> None:
    assert load_settings(environ, None).http == address


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        pytest.param({"DATABASE_URL": "postgres://db/x"}, "postgres://db/x", id="neighbour"),
        pytest.param(
            {"DATABASE_URL": "postgres://db/x", "NOTIFIER_DATABASE_URL": "sqlite:////data/n.db"},
            "sqlite:////data/n.db",
            id="ours-first",
        ),
    ],
)
def test_database_url_stands_in_for_ours(environ: dict[str, str], url: str) -> None:
    assert load_settings(environ, None).database_url.get_secret_value() == url


def test_a_stand_in_that_is_wrong_is_named_by_its_own_name() -> None:
    with pytest.raises(SettingsError, match="PORT: must be the number of a port"):
        load_settings({"PORT": "http"}, None)


@pytest.mark.parametrize(
    "name",
    ["PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR", "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP"],
)
def test_what_kubernetes_injects_for_a_service_of_our_name_is_no_setting(name: str) -> None:
    assert loaded(**{name: "tcp://10.0.0.1:8080"}) == loaded()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("POLL_INTERVALL", "did you mean NOTIFIER_POLL_INTERVAL?", id="misspelled"),
        pytest.param("DESTINATION__OPS__URL", "did you mean NOTIFIER_DESTINATIONS__<NAME>__<FIELD>?", id="nested"),
        pytest.param("PORTS", "unknown setting", id="not-quite-kubernetes"),
        pytest.param("AWS_ENVIRONMENT", "unknown setting", id="a-field-that-no-variable-fills"),
        pytest.param("DESTINATIONS", "NOTIFIER_DESTINATIONS__<NAME>__<FIELD>?", id="destinations-at-once"),
        pytest.param("DESTINATIONS_OPS_URL", "NOTIFIER_DESTINATIONS__<NAME>__<FIELD>?", id="single-underscores"),
        pytest.param("JOB", "did you mean NOTIFIER_JOBS?", id="a-letter-left-out"),
        pytest.param("DB_URL", "did you mean NOTIFIER_DATABASE_URL?", id="abbreviated"),
        pytest.param("BOGUS", "`notifier settings` lists them all", id="like-nothing-but-its-beginning"),
        pytest.param("QQQQQQQQQQ", "`notifier settings` lists them all", id="like-nothing"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, hint: str) -> None:
    assert hint in refused(**{name: "x"})[f"NOTIFIER_{name}"]


FORM = "NOTIFIER_DESTINATIONS__<NAME>__<FIELD>"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("NOTIFER_SLACK_WEBHOOK_URL", "NOTIFIER_SLACK_WEBHOOK_URL", id="a-letter-left-out"),
        pytest.param("NOITFIER_JOBS", "NOTIFIER_JOBS", id="two-letters-changed-about"),
        pytest.param("NOTIFIERSLACK_WEBHOOK_URL", "NOTIFIER_SLACK_WEBHOOK_URL", id="no-underscore"),
        pytest.param("NOTIFER__JOBS", "NOTIFIER_JOBS", id="two-underscores"),
        pytest.param("NOTIFIER-HTTP", "NOTIFIER_HTTP", id="a-hyphen"),
        pytest.param("notifer_regions", "NOTIFIER_REGIONS", id="in-small-letters"),
        pytest.param("NOTIFYER_WEBHOOK_URL", "NOTIFIER_WEBHOOK_URL", id="another-letter"),
        pytest.param("NOTIFER_SLACK_URL", "NOTIFIER_SLACK_", id="wrong-in-two-places"),
        pytest.param("NOTIFER_DESTINATIONS__OPS__URL", FORM, id="a-destination"),
        pytest.param("NOTIFIERDESTINATIONS__ON_CALL__STATUSES", FORM, id="a-destination-without-underscore"),
    ],
)
def test_a_name_that_is_nearly_a_setting_is_told_and_stops_nothing(name: str, meant: str) -> None:
    (told,) = load_settings({name: "hunter2"}, None).lookalikes

    assert told.variable == name
    assert f"did you mean {meant}" in told.message and "hunter2" not in told.message


@pytest.mark.parametrize(
    "name",
    [
        "NOTIFY_SOCKET",
        "NOTIFY_WEBHOOK_URL",
        "NOTIFICATIONS_WEBHOOK_URL",
        "NOTIFIED_AT",
        "NOTIFIERS_SERVICE_HOST",
        "NOTIFIERS_PORT",
        "NOTIFIER",
        "SLACK_WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "PORTS",
        "PATH",
    ],
)
def test_another_programs_name_is_not_told(name: str) -> None:
    assert load_settings({name: "x"}, None).lookalikes == ()


def test_a_lookalike_is_seen_in_every_place_unless_it_is_empty(dotenv: Path, secrets: Path) -> None:
    dotenv.write_text("NOTIFER_JOBS=a\nNOTIFER_HTTP=\n")
    (secrets / "NOTIFER_MENTION").write_text("here")

    told = loaded(dotenv, SECRETS_DIR=str(secrets)).lookalikes

    assert [each.variable for each in told] == ["NOTIFER_JOBS", "NOTIFER_MENTION"]
    assert f"(in {dotenv})" in told[0].message and f"(in {secrets})" in told[1].message


def test_a_lookalike_is_told_with_what_is_wrong_for_it_may_be_the_reason() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"NOTIFIER_WEBHOOK_SECRET": SECRET, "NOTIFER_WEBHOOK_URL": "http://127.0.0.1/"}, None)

    assert [each.variable for each in caught.value.problems] == ["NOTIFIER_WEBHOOK_SECRET", "NOTIFER_WEBHOOK_URL"]
