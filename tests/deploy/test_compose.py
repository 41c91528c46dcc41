"""Two workers on one PostgreSQL, as deploy/compose.yaml starts them, and the image that they share."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from notifier.model.duration import parse_duration
from notifier.settings import load_settings
from notifier.store.opening import read_url
from notifier.store.postgres import is_postgres

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    return found


def test_there_are_two_workers_which_the_database_lets_in(services: dict[str, Any]) -> None:
    worker, database = services["notifier"], services["database"]
    url = read_url(load_settings({"DATABASE_URL": worker["environment"]["NOTIFIER_DATABASE_URL"]}, None)
                   .database_url.get_secret_value())  # fmt: skip

    assert worker["deploy"]["replicas"] == 2 and "ports" not in worker
    assert is_postgres(url) and url.host == "database" and url.username == database["environment"]["POSTGRES_USER"]
    assert worker["environment"]["PGPASSWORD"] == database["environment"]["POSTGRES_PASSWORD"]
    assert worker["environment"]["PGPASSWORD"].startswith("${POSTGRES_PASSWORD:?")


def test_a_worker_can_write_nothing_and_has_time_to_stop(services: dict[str, Any]) -> None:
    worker = services["notifier"]

    assert worker["read_only"] is True and worker["cap_drop"] == ["ALL"]
    assert parse_duration(worker["stop_grace_period"]) > load_settings({}, None).grace
    assert (DEPLOY / worker["build"]["context"] / worker["build"]["dockerfile"]).is_file()


def test_the_image_has_the_driver_and_leaves_our_own_name_for_the_database_free() -> None:
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    own = re.findall(r"^ +DATABASE_URL=(\S+)", image, re.MULTILINE)

    assert own == ["sqlite:////data/notifier.db"] and "NOTIFIER_DATABASE_URL" not in image
    assert re.search(r"^psycopg-binary==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
