"""What a URL of PostgreSQL may look like, and what is said of one that leads nowhere."""

import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import open_store
from notifier.store.opening import read_url
from notifier.store.postgres import postgres
from tests.postgres import PASSWORD, ROLE, Server
from tests.store.refusals import GUEST, name_of, refusal


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(lambda url, _: url.replace("postgresql://", "postgres://"), id="as-platforms-say"),
        pytest.param(lambda url, _: url.replace("postgresql://", "postgresql+asyncpg://"), id="another-driver"),
        pytest.param(lambda url, _: f"{url}?sslmode=prefer&application_name=ours", id="options"),
        pytest.param(
            lambda url, at: f"postgresql://{ROLE}:{PASSWORD}@/{name_of(url)}?host={at.folder}&port={at.port}",
            id="socket",
        ),
        pytest.param(
            lambda url, at: (
                f"postgresql://{ROLE}:{PASSWORD}@/{name_of(url)}?host=127.0.0.1:1&host=127.0.0.1:{at.port}"
                "&target_session_attrs=read-write"
            ),
            id="several-hosts",
        ),
        pytest.param(
            lambda url, at: f"{url.replace(PASSWORD, '')}?password={PASSWORD}", id="password-among-the-options"
        ),
    ],
)
async def test_a_url_is_taken_as_it_is_written_elsewhere(
    postgres_server: Server, postgres_url: str, spelled: Callable[[str, Server], str]
) -> None:
    url = spelled(postgres_url, postgres_server)

    async with open_store(url, exclusive=True) as store:
        await store.upkeep.probe()
        assert PASSWORD not in store.place


async def test_a_password_may_stand_apart_as_deploys_compose_file_has_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    async with open_store(postgres_url.replace(f":{PASSWORD}", ""), exclusive=True) as store:
        await store.upkeep.probe()


@pytest.mark.parametrize("password", ["p@ss/w:o?r#d", "100% é 'quoted' \\", "a+b&c=d;e"])
async def test_a_password_may_hold_whatever_a_url_can_encode(
    postgres_server: Server, guest: str, password: str
) -> None:
    postgres_server.sql(
        "ALTER ROLE \"{}\" PASSWORD E'{}'".format(GUEST, password.replace("\\", r"\\").replace("'", "''"))
    )
    url = guest.replace(PASSWORD, quote(password, safe=""))

    line = await refusal(url, StoreUnavailable)

    # That it gets as far as this means that the password was right.
    assert "may not make tables" in line and password not in line


@pytest.mark.parametrize(
    ("url", "place"),
    [
        pytest.param("postgresql://u:s3cret@db/n", "n at db:5432", id="host"),
        pytest.param("postgres://u:s3cret@db:6432", "u at db:6432", id="port-without-a-name"),
        pytest.param("postgresql://u@[::1]/n", "n at [::1]:5432", id="ipv6"),
        pytest.param("postgresql:///n?host=/run/postgresql", "n at /run/postgresql", id="socket"),
        pytest.param("postgresql:///n", "n at the local socket 5432", id="nothing"),
        pytest.param("postgresql:///n?host=a:1&host=b", "n at a:1,b:5432", id="several"),
        pytest.param("postgresql://a,b/n?port=7", "n at a:7,b:7", id="several-on-one-port"),
    ],
)
def test_the_place_is_where_libpq_would_go(monkeypatch: pytest.MonkeyPatch, url: str, place: str) -> None:
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"):
        monkeypatch.delenv(name, raising=False)

    assert postgres(read_url(url)).place == place


def test_what_the_url_leaves_out_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("PGPORT", "7")

    assert postgres(read_url("postgresql:///n")).place == "n at elsewhere:7"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("postgresql://u@db/n?ssl=s3cret", 'an invalid connection option "ssl"; it takes', id="option"),
        pytest.param("postgresql://u:s3@cret@db/n", "write %40 for an @ in the password", id="password"),
        pytest.param("postgresql://u:s3cret@a..b/n", "its host is no host's name", id="host"),
        pytest.param("postgresql://u:s3cret@h1:1,h2:2/n", "cannot be read", id="hosts"),
    ],
)
async def test_a_url_that_no_server_would_take_is_refused_without_its_secrets(url: str, says: str) -> None:
    line = await refusal(url, StoreUnusable)

    assert says in line and "s3" not in line and "cret" not in line


async def test_a_missing_driver_is_told_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert "install notifier with its extra: pip install '.[postgres]'" in await refusal(postgres_url, StoreUnusable)
