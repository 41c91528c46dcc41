"""PostgreSQL: how it is reached, how a transaction begins there, and what its failures mean."""

from importlib.util import find_spec

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import migrations
from notifier.store.database import READERS, Backend

OLDEST = 13
"""The oldest major version that is taken."""

CONNECT_TIMEOUT = 10
"""Seconds."""
WRITERS = 4

_DIALECTS = {"postgres", "postgresql"}
_DEADLINES = "; ".join(
    f"SET LOCAL {setting} = '{seconds}s'"
    for setting, seconds in (
        # A worker that was stopped in the middle of a transaction must not keep the others waiting.
        ("idle_in_transaction_session_timeout", 10),
        ("lock_timeout", 10),
        ("statement_timeout", 20),
    )
)
_OUR_MISTAKES = ("22", "23", "42", "0A")
"""The classes of SQLSTATE that tell of a wrong statement or a wrong value."""
_REASONS = {
    "28P01": "it refuses the password",
    "28000": "it refuses this user",
    "3D000": "there is no such database",
    "42501": "this user lacks the rights; it must own the notifier_… tables, or be allowed to CREATE in the schema",
    "53100": "its disk is full",
    "53300": "it has no connection left",
    "57P01": "it is shutting down",
    "57P03": "it is starting up",
    "25006": "it is read-only",
    "25P03": "a transaction stood still for too long",
    "55P03": "another worker keeps a row locked",
    "57014": "a statement took too long",
}
_LOCK = 0x6E6F7469  # "noti"
"""The advisory lock under which one worker migrates, and the others wait."""


def is_postgres(url: URL) -> bool:
    """Whether a URL means PostgreSQL, by whichever of its names."""
    return url.drivername.partition("+")[0] in _DIALECTS


def postgres(url: URL) -> Backend:
    """The database on a server. Raises StoreUnusable where the driver is not installed."""
    if find_spec("psycopg") is None:
        raise StoreUnusable("PostgreSQL needs the package psycopg; install notifier with its extra: postgres")
    engine = _engine(url, READERS + WRITERS)
    return Backend(place=_place(url), reader=engine, writer=engine, writers=WRITERS, reason=_reason, shared=True)


def prepare(connection: Connection) -> None:
    """Bring the schema up to date, one worker at a time; all of it, or nothing.

    Raises StoreUnusable where a newer version wrote it, and StoreUnavailable where the server is too old.
    """
    _not_too_old(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if _revision(connection) != migrations.HEAD:
        migrations.upgrade(connection)


def visit(connection: Connection) -> None:
    """See that the schema is there and up to date. Raises StoreUnusable where it is not."""
    _not_too_old(connection)
    revision = _revision(connection)
    if revision is None:
        raise StoreUnusable("there are no tables of notifier in this database yet; `notifier run` makes them")
    if revision != migrations.HEAD:
        raise StoreUnusable(
            "the tables were made by an older version of notifier; `notifier run` brings them up to date"
        )


def examine(connection: Connection) -> str:
    """What `run` would find, as a few words. Changes nothing."""
    _not_too_old(connection)
    revision = _revision(connection)
    if revision is None:
        return "its tables will be made"
    return "is in order" if revision == migrations.HEAD else "its tables will be brought up to date"


def _reason(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _REASONS:
        return _REASONS[state]
    if state.startswith(_OUR_MISTAKES):
        return None
    return " ".join(str(error.orig).partition("\n")[0].split())


def _not_too_old(connection: Connection) -> None:
    version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    if int(version) < OLDEST * 10_000:
        raise StoreUnavailable(f"PostgreSQL {int(version) // 10_000} is too old; it must be {OLDEST} or newer")


def _revision(connection: Connection) -> str | None:
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": migrations.VERSION_TABLE}) is None:
        return None
    revision = connection.scalar(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}"))  # noqa: S608
    if revision is not None and not migrations.known(revision):
        raise StoreUnusable(
            f"the tables were made by a newer version of notifier (schema {revision}, this one knows"
            f" {migrations.HEAD}); run that version, or name another database"
        )
    return None if revision is None else str(revision)


def _place(url: URL) -> str:
    where = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"{url.database or url.username or ''} at {where}"


def _engine(url: URL, connections: int) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            # A server that vanished is noticed within half a minute, whatever was under way.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "application_name": "notifier",
            # A statement prepared on one of PgBouncer's connections is not known on the next.
            "prepare_threshold": None,
        },
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    # LOCAL: it ends with the transaction, which is all that one owns behind PgBouncer.
    connection.exec_driver_sql(_DEADLINES)
