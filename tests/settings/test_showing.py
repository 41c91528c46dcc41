"""What `notifier settings` and the README show, and what logs must not."""

import pytest

from notifier.delivery import KINDS
from notifier.settings import describe_settings, destinations_table, settings_table
from notifier.settings.tree import FLAT_VARIABLES
from tests.settings.environment import HOOK_URL, SECRET, SLACK_URL, loaded


def test_every_variable_is_shown_with_its_meaning() -> None:
    rows = describe_settings(loaded())

    assert [row.variable for row in rows[: len(FLAT_VARIABLES)]] == list(FLAT_VARIABLES)
    assert not [row.variable for row in rows if not row.meaning]


def test_what_is_not_set_is_shown_as_its_default() -> None:
    unset = [row for row in describe_settings(loaded()) if row.variable != "NOTIFIER_OPERATOR"]

    assert [row.value for row in unset] == [row.default for row in unset]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        pytest.param("JOBS", "a, b", "a,b", id="list"),
        pytest.param("POLL_INTERVAL", "7200", "2h", id="duration"),
        pytest.param("POLL_INTERVAL", "90", "90s", id="odd-duration"),
        pytest.param("GRACE", "0", "0s", id="no-time"),
        pytest.param("API_RATE", "0.25", "0.25", id="number"),
        pytest.param("HTTP", "[::1]:1", "[::1]:1", id="address"),
        pytest.param("HTTP", "", "empty", id="turned-off"),
        pytest.param("SLACK_WEBHOOK_URL", SLACK_URL, "********", id="secret"),
        pytest.param("DATABASE_URL", "sqlite:////data/notifier.db", "sqlite:////data/notifier.db", id="file"),
        pytest.param(
            "DATABASE_URL",
            "postgresql://me:hunter22@db.example:5432/x?password=hunter23",
            "postgresql://me:********@db.example:5432/x?********",
            id="database",
        ),
        pytest.param(
            "DATABASE_URL",
            "postgresql://me:h/un?ter@22@db.example/x",
            "postgresql://me:********@db.example/x",
            id="raw",
        ),
    ],
)
def test_a_present_value_is_shown_as_people_write_it(name: str, text: str, shown: str) -> None:
    rows = {row.variable: row.value for row in describe_settings(loaded(**{name: text}))}

    assert rows[f"NOTIFIER_{name}"] == shown


def test_named_destinations_are_shown_field_by_field_and_masked() -> None:
    settings = loaded(
        WEBHOOK_URL=HOOK_URL,
        DESTINATIONS__OPS__KIND="webhook",
        DESTINATIONS__OPS__URL=HOOK_URL,
        DESTINATIONS__OPS__SECRET=SECRET,
        DESTINATIONS__OPS__EVENTS="deleted",
    )

    rows = describe_settings(settings)

    assert {row.variable: row.value for row in rows[len(FLAT_VARIABLES) :]} == {
        "NOTIFIER_DESTINATIONS__OPS__KIND": "webhook",
        "NOTIFIER_DESTINATIONS__OPS__URL": "********",
        "NOTIFIER_DESTINATIONS__OPS__SECRET": "********",
        "NOTIFIER_DESTINATIONS__OPS__EVENTS": "deleted",
    }
    assert HOOK_URL not in str(rows)
    assert SECRET not in str(rows)


def test_the_table_has_a_line_for_every_variable() -> None:
    lines = settings_table().splitlines()

    assert len(lines) == 2 + len(FLAT_VARIABLES) + 1
    assert "| `NOTIFIER_POLL_INTERVAL` | `30s` | time between two sweeps of a region, at least 1s |" in lines
    assert [line for line in lines if line.startswith("| `NOTIFIER_HTTP`, else `PORT` | `127.0.0.1:8080` |")]


def test_the_table_of_destinations_has_every_field_of_every_kind() -> None:
    table = destinations_table()
    fields = {name.upper() for kind in KINDS.values() for name in kind.settings.model_fields}

    assert {line.split("`")[1] for line in table.splitlines()[2:]} == fields
    assert "| `BEST_COOLDOWN` | all | `5m` |" in table
    assert "| `SECRET` | `webhook` | empty |" in table


def test_logs_must_show_neither_secrets_nor_the_parts_that_give_them_away() -> None:
    settings = loaded(
        SLACK_WEBHOOK_URL=SLACK_URL,
        WEBHOOK_URL="https://me:pass%20word@receiver.example/in?key=s3cr3t",
        WEBHOOK_SECRET=f"{SECRET},whsec_{'QUJD' * 10}",
        DATABASE_URL="postgresql://notifier:hunter22@db.example/notifier?sslpassword=x",
    )

    assert settings.secrets() >= {
        SLACK_URL,
        "/services/T000/B000/abcdefghijklmnop",
        "/in?key=s3cr3t",
        "pass%20word",
        "pass word",
        SECRET,
        f"whsec_{'QUJD' * 10}",
        "hunter22",
        "sslpassword=x",
    }


def test_a_password_that_was_pasted_as_it_is_does_not_slip_through() -> None:
    assert "h/un?ter@22" in loaded(DATABASE_URL="postgresql://me:h/un?ter@22@db.example/x").secrets()


def test_a_database_url_that_cannot_be_taken_apart_is_a_secret_as_a_whole() -> None:
    broken = "postgresql://me:hunter22@[::bad/x"
    settings = loaded(DATABASE_URL=broken)

    assert settings.secrets() == {broken, "hunter22"}
    assert broken not in str(describe_settings(settings))


def test_the_address_of_a_database_is_no_secret() -> None:
    assert loaded().secrets() == frozenset()
    assert loaded(DATABASE_URL="postgresql://notifier:notifier@db/notifier").secrets() == frozenset()
