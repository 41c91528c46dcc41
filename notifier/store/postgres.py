"""PostgreSQL: how it is reached, how a transaction begins there, and what its failures mean."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError

from notifier.errors import StoreUnusable
from notifier.store.database import READERS, Backend

WRITERS = 4

DEADLINES = {
    # A worker that was stopped in the middle of a transaction must not keep the others waiting.
    "idle_in_transaction_session_timeout": 10.0,
    "lock_timeout": 10.0,
    "statement_timeout": 20.0,
}
"""What a transaction must be done with, in seconds; together they end before anybody gives up waiting for it."""

_DIALECTS = {"postgres", "postgresql"}
_CONNECTING = {
    "connect_timeout": 10,
    # A server that vanished is noticed within half a minute, whatever was under way.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "notifier",
}
"""How we connect, unless the URL says otherwise."""
_OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
_REASONS = {
    "25006": "it is read-only",
    "25P03": "a transaction stood still for too long",
    "53100": "its disk is full",
    "55P03": "another worker keeps a row locked",
    "57014": "a statement took too long",
    "57P01": "it ended the connection, as a server does that shuts down",
}
_DENIED = "42501"
# What the driver and the client library say before what matters; the server's address stands in the line already.
_PREAMBLE = re.compile(
    r"^(?:connection failed|connection is bad|consuming input failed): "
    r"(?:connection to server .*? failed: )?"
    r"(?:FATAL: +)?"
)


def is_postgres(url: URL) -> bool:
    """Whether a URL means PostgreSQL, by whichever of its names."""
    return url.drivername.partition("+")[0] in _DIALECTS


def postgres(url: URL) -> Backend:
    """The database on a server. Raises StoreUnusable where the driver is not installed, or the URL is none for it."""
    try:
        from psycopg import ProgrammingError as WrongOption
        from psycopg.conninfo import make_conninfo
    except ImportError:
        raise StoreUnusable(
            "PostgreSQL needs the package psycopg; install notifier with its extra: pip install '.[postgres]'"
        ) from None
    engine = _engine(url)
    _, options = engine.dialect.create_connect_args(engine.url)
    options.pop("context", None)
    try:
        make_conninfo("", **options)
    except WrongOption as error:
        raise StoreUnusable(f"the database URL has an {str(error).strip()}; it takes libpq's, like sslmode") from None
    place = _place(options)
    return Backend(
        place=place,
        reader=engine,
        writer=engine,
        begin=Engine.begin,
        close=engine.dispose,
        writers=WRITERS,
        reason=reason,
        shared=True,
    )


def reason(error: DBAPIError) -> str | None:
    """What is wrong in the words of an operator, or None where it is a mistake of ours."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _REASONS:
        return _REASONS[state]
    said = _PREAMBLE.sub("", str(error.orig).partition("\n")[0])
    if state == _DENIED:
        return f"{said}; grant it, or let this user own the notifier_… tables"
    # Without a statement it was connecting that failed: a value in the URL is wrong, and no query of ours.
    return None if isinstance(error, _OUR_MISTAKES) and error.statement is not None else said


def _place(options: Mapping[str, Any]) -> str:
    """Where it is, as libpq takes it from the URL, and what that leaves out from PG… variables."""
    from psycopg.pq import Conninfo

    defaults = {each.keyword.decode(): each.val.decode() for each in Conninfo.get_defaults() if each.val is not None}
    said = defaults | {name: str(value) for name, value in options.items()}
    database = said.get("dbname") or said.get("user", "")
    return f"{database} at {','.join(_addresses(said.get('host', ''), said.get('port', '')))}"


def _addresses(hosts: str, ports: str) -> Iterator[str]:
    every = ports.split(",")
    for number, host in enumerate(hosts.split(",")):
        port = every[min(number, len(every) - 1)] or "5432"
        if not host:
            yield f"the local socket {port}"
        elif host.startswith(("/", "@")):
            yield host
        else:
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _engine(url: URL) -> Engine:
    _readable(url.host or "")
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            # A statement prepared on one of PgBouncer's connections is not known on the next.
            "prepare_threshold": None,
            **{name: value for name, value in _CONNECTING.items() if name not in url.query},
        },
        # As many as there are threads: none of them ever waits for one.
        pool_size=READERS + WRITERS,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    event.listen(engine, "after_cursor_execute", _keep_watched)
    return engine


def _readable(host: str) -> None:
    """Raise StoreUnusable where this is a part of a password that was not encoded, or can be no name of a host."""
    if "@" in host:
        raise StoreUnusable("the database URL cannot be read: write %40 for an @ in the password")
    try:
        host.encode("idna")
    except UnicodeError:
        raise StoreUnusable("the database URL cannot be read: its host is no host's name") from None


def _begin(connection: Connection) -> None:
    # LOCAL: it ends with the transaction, which is all that one owns behind PgBouncer.
    deadlines = (f"SET LOCAL {setting} = {1000 * seconds:.0f}" for setting, seconds in DEADLINES.items())
    connection.exec_driver_sql("; ".join(deadlines))


def _keep_watched(_connection: Connection, cursor: Any, _statement: str, _rows: Any, _context: Any, many: bool) -> None:
    """Say one word more after many rows in a pipeline.

    The driver closes a pipeline with a Flush that asks for nothing. To the server it is a message like any other: it
    stops counting how long the transaction stands still, and begins again only after its next answer.
    """
    if many:
        cursor.connection.execute("SELECT 1")
