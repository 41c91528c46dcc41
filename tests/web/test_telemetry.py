"""Log lines: their form, what they leave out, and that nothing in them acts."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import CallFailed, Cause, NotifierError
from notifier.telemetry import MASK, Inert, configure_logging

pytestmark = pytest.mark.usefixtures("clean_logging")
SECRET = "https://hooks.slack.example/services/T000/B000/abcdef"


def lines_of(level: str = "info", secrets: frozenset[str] = frozenset(), **event: Any) -> list[dict[str, Any]]:
    """What one warning becomes as JSON."""
    stream = io.StringIO()
    configure_logging(level, "json", stream, secrets)
    structlog.get_logger("notifier.test").warning("it happened", **event)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_its_time_in_utc_its_level_and_its_event() -> None:
    (line,) = lines_of(region="us-east-1")

    moment = datetime.fromisoformat(line.pop("timestamp"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)
    assert line == {"level": "warning", "event": "it happened", "region": "us-east-1", "logger": "notifier.test"}


def test_a_line_says_which_module_it_comes_from() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    structlog.get_logger().warning("it happened")

    assert json.loads(stream.getvalue())["logger"] == __name__


def test_the_level_is_obeyed_and_libraries_speak_from_warning_on() -> None:
    stream = io.StringIO()
    configure_logging("debug", "json", stream)

    structlog.get_logger("notifier.test").debug("ours")
    for name in ("aiobotocore", "aiohttp.server", "sqlalchemy.engine", "alembic"):
        logging.getLogger(name).info("too much of %s", name)
        logging.getLogger(name).warning("enough of %s", name)

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "ours",
        "enough of aiobotocore",
        "enough of aiohttp.server",
        "enough of sqlalchemy.engine",
        "enough of alembic",
    ]


def test_at_level_error_nobody_warns() -> None:
    assert lines_of("error") == []


def test_a_terminal_is_given_lines_for_people_and_anything_else_json() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logging("info", None, stream)
        structlog.get_logger("notifier.test").info("hello", region="us-east-1")

    assert "\x1b[" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "hello"


@pytest.mark.parametrize("format", ["json", "console"])
def test_our_own_errors_are_one_line_and_others_come_with_their_traceback(format: Any) -> None:
    stream = io.StringIO()
    configure_logging("info", format, stream)
    log = structlog.get_logger("notifier.test")

    for error in (
        CallFailed(Cause.DENIED, "not allowed"),
        ExceptionGroup("", [NotifierError("a"), NotifierError("b")]),
    ):
        try:
            raise error
        except Exception:
            log.exception("failed")
    log.warning("failed", error=NotifierError("as a value"))
    assert "Traceback" not in stream.getvalue()
    assert all(text in stream.getvalue() for text in ("not allowed", "a; b", "as a value"))

    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError:
        log.exception("failed")
    assert "Traceback" in stream.getvalue()


def test_secrets_are_masked_wherever_they_stand() -> None:
    try:
        raise ValueError(f"cannot connect to {SECRET}")
    except ValueError as error:
        (line,) = lines_of(
            secrets=frozenset({SECRET, "4711", "pw"}),
            whole=SECRET,
            inside=f"<{SECRET}>",
            nested={"list": [SECRET], f"key {SECRET}": 1},
            number=4711,
            short="pw",
            word="pwned",
            error=error,
            exc_info=error,
        )

    assert SECRET not in json.dumps(line)
    assert line["whole"] == line["short"] == line["number"] == MASK
    assert line["inside"] == f"<{MASK}>"
    assert line["word"] == "pwned"
    assert "Traceback" in line["exception"]


def test_the_login_in_any_url_is_masked() -> None:
    (line,) = lines_of(url="cannot reach postgresql://me:p@ss@db.example:5432/x or https://db.example/a@b")

    assert line["url"] == f"cannot reach postgresql://{MASK}@db.example:5432/x or https://db.example/a@b"


def test_a_secret_in_a_librarys_log_is_masked_too() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream, frozenset({SECRET}))

    logging.getLogger("aiohttp").warning("posting to %s", SECRET)

    assert SECRET not in stream.getvalue()
    assert MASK in stream.getvalue()


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_control_character_reaches_a_terminal_and_no_text_forges_a_line(format: Any) -> None:
    stream = io.StringIO()
    configure_logging("info", format, stream)
    hostile = "\x1b[2Jred\x00\nERROR forged\r\u202e\u2028\ud800\x9b"

    structlog.get_logger("notifier.test").warning(f"job {hostile}", reason=hostile, nested=[hostile])
    logging.getLogger("aiohttp").warning("job %s", hostile)

    assert stream.getvalue().count("\n") == 2
    assert not [sign for sign in stream.getvalue() if sign != "\n" and not sign.isprintable()]
    stream.getvalue().encode("utf-8")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed")])
def test_a_log_that_cannot_be_written_ends_nothing(error: Exception) -> None:
    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise error
            return super().write(text)

    configure_logging("info", "json", stream := Full())
    log = structlog.get_logger("notifier.test")

    log.warning("it happened")
    stream.full = False
    log.warning("there is room again")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["there is room again"]


def test_numbers_that_json_does_not_know_become_text() -> None:
    (line,) = lines_of(value=float("nan"), worse=float("-inf"), fine=1.5, big=10**400)

    assert (line["value"], line["worse"], line["fine"], line["big"]) == ("nan", "-inf", 1.5, 10**400)


@given(st.sets(st.text(min_size=4, max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_around_it_no_secret_is_left(secrets: set[str], around: list[str]) -> None:
    inert = Inert(secrets)

    text = inert.text("".join(part for pair in zip(around, [*secrets, *[""] * 5], strict=False) for part in pair))

    # What the mask and the visible forms of control characters spell themselves is no secret of ours.
    assert not [secret for secret in secrets if secret in text.replace(MASK, "\n").replace("\\", "\n")]
