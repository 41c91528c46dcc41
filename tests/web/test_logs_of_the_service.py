"""The logs of real work: a store's first migration, and failures of libraries that hold secrets of the settings."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import structlog
from aiohttp import web

from notifier.settings import load_settings
from notifier.store import open_store
from notifier.telemetry import configure_logging
from notifier.web import serve

pytestmark = pytest.mark.usefixtures("clean_logging")

TOKEN = "sEcReTtOkEn"
SIGNING_KEYS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
PASSWORD = "p/ss@w0rd"


def logs_of(level: str, url: str = f"https://hooks.test/services/{TOKEN}") -> io.StringIO:
    """A log as `run` makes it, of settings that hold every sort of secret."""
    settings = load_settings(
        {
            "NOTIFIER_WEBHOOK_URL": url,
            "NOTIFIER_WEBHOOK_SECRET": ",".join(SIGNING_KEYS),
            "NOTIFIER_DATABASE_URL": f"postgresql://notifier:{PASSWORD}@db.test/n",
        },
        None,
    )
    stream = io.StringIO()
    configure_logging(level, "json", stream, settings.secrets())
    return stream


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_the_first_migration_of_a_store_logs_nothing(
    level: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stream = logs_of(level)

    async with open_store(f"sqlite:///{tmp_path / 'notifier.db'}", exclusive=True):
        assert stream.getvalue() == ""

    # That it would have something to say, were it let.
    caplog.set_level(logging.INFO, logger="alembic")
    async with open_store(f"sqlite:///{tmp_path / 'other.db'}", exclusive=True):
        assert "alembic" in stream.getvalue()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
async def test_a_librarys_failure_does_not_tell_the_address_it_failed_at(
    level: str, http: aiohttp.ClientSession
) -> None:
    app = web.Application()
    async with serve(app, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/hooks/{TOKEN}"
        stream = logs_of(level, url)
        try:
            async with http.post(url) as answer:
                answer.raise_for_status()
        except aiohttp.ClientResponseError as error:
            assert TOKEN in str(error)
            structlog.get_logger("notifier.test").exception("failed", error=error)
            logging.getLogger("aiohttp").exception("failed at %s", url)

    assert "Traceback" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def _cause() -> None:
    try:
        raise OSError(f"refused: {SIGNING_KEYS[1]}")
    except OSError as error:
        raise ValueError("not usable") from error


def _group() -> None:
    raise ExceptionGroup(f"for {PASSWORD}", [ValueError(SIGNING_KEYS[0]), RuntimeError(f"/services/{TOKEN}")])


def _note() -> None:
    error = ValueError("not usable")
    error.add_note(f"while posting to https://hooks.test/services/{TOKEN}")
    raise error


def _login() -> None:
    raise ConnectionError("cannot reach amqp://someone:else@broker.test/")


@pytest.mark.parametrize("fail", [_cause, _group, _note, _login])
@pytest.mark.parametrize("level", ["debug", "error"])
def test_no_part_of_a_traceback_tells_a_secret(fail: Callable[[], None], level: str) -> None:
    stream = logs_of(level)

    try:
        fail()
    except Exception:
        structlog.get_logger("notifier.test").exception("failed")
        logging.getLogger("some.library").exception("failed")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert ["Traceback" in line["exception"] for line in lines] == [True, True]
    text = "".join(line["exception"] for line in lines)
    assert not [secret for secret in (TOKEN, *SIGNING_KEYS, PASSWORD, "someone:else") if secret in text]
