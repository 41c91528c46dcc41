"""A PostgreSQL database looked at before it is used: whether its server, our rights and its tables will do."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from notifier.errors import StoreUnavailable, StoreUnusable
from notifier.store import migrations
from notifier.store.schema import metadata

OLDEST = 13
"""The oldest major version that is taken."""

_LOCK = 0x6E6F7469  # "noti"
"""The advisory lock under which one worker migrates, and the others wait."""

_SERVER = text("""
    SELECT current_setting('server_version_num')::int / 10000 AS version,
           current_setting('server_encoding') AS encoding,
           current_setting('transaction_read_only') = 'on' AS read_only,
           quote_ident(current_user) AS role,
           quote_ident(current_schema()) AS schema,
           has_schema_privilege(current_schema(), 'CREATE') AS creates
""")
_DENIED = text("""
    SELECT granted || ' ON ' || name
    FROM unnest(CAST(:tables AS text[])) AS name,
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS granted
    WHERE NOT has_table_privilege(to_regclass(name), granted)
    UNION ALL
    SELECT 'USAGE ON SEQUENCE ' || name
    FROM pg_get_serial_sequence('notifier_outbox', 'seq') AS name
    WHERE NOT has_sequence_privilege(name, 'USAGE')
""")


class _Server(NamedTuple):
    """What it says of itself and of us. `schema` is where tables are made, None where that is nowhere."""

    version: int
    encoding: str
    read_only: bool
    role: str
    schema: str | None
    creates: bool | None


def prepare(connection: Connection) -> None:
    """Bring the schema up to date, one worker at a time; all of it, or nothing.

    Raises StoreUnusable where a newer version wrote it, and StoreUnavailable for what an administrator can mend.
    """
    server = _usable(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    revision = _revision(connection)
    _permitted(connection, server, revision)
    if revision != migrations.HEAD:
        migrations.upgrade(connection)


def visit(connection: Connection) -> None:
    """See that the schema is there and up to date. Raises StoreUnusable where it is not."""
    _usable(connection)
    revision = _revision(connection)
    if revision is None:
        raise StoreUnusable("it has no tables of notifier yet; `notifier run` makes them")
    if revision != migrations.HEAD:
        raise StoreUnusable("an older version of notifier made its tables; `notifier run` brings them up to date")


def examine(connection: Connection) -> str:
    """What `run` would find, as a few words. Changes nothing; raises what `prepare` would."""
    server = _usable(connection)
    revision = _revision(connection)
    _permitted(connection, server, revision)
    if revision is None:
        tables = "its tables will be made"
    else:
        tables = "its tables are in order" if revision == migrations.HEAD else "its tables will be brought up to date"
    return f"PostgreSQL {server.version}, {tables}"


def _usable(connection: Connection) -> _Server:
    """The server, or StoreUnavailable where nobody could keep our tables there."""
    server = _Server(*connection.execute(_SERVER).one())
    if server.version < OLDEST:
        raise StoreUnavailable(f"PostgreSQL {server.version} is too old; it must be {OLDEST} or newer")
    if server.encoding != "UTF8":
        raise StoreUnavailable(
            f"its encoding is {server.encoding}; make a database with ENCODING 'UTF8' TEMPLATE template0"
        )
    return server


def _permitted(connection: Connection, server: _Server, revision: str | None) -> None:
    """Raise StoreUnavailable where something is not allowed that `run` must do; the line says what to grant."""
    if server.read_only:
        raise StoreUnavailable("it is read-only; name the primary server")
    if revision == migrations.HEAD:
        denied = list(connection.scalars(_DENIED, {"tables": list(metadata.tables)}))
        if denied:
            more = f" (and {len(denied) - 1} more rights)" if len(denied) > 1 else ""
            raise StoreUnavailable(f"{server.role} lacks rights: GRANT {denied[0]} TO {server.role}{more}")
    elif server.schema is None:
        raise StoreUnavailable(
            f"{server.role} may use no schema: GRANT USAGE, CREATE ON SCHEMA public TO {server.role}"
        )
    elif not server.creates:
        raise StoreUnavailable(
            f"{server.role} may not make tables: GRANT CREATE ON SCHEMA {server.schema} TO {server.role}"
        )


def _revision(connection: Connection) -> str | None:
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": migrations.VERSION_TABLE}) is None:
        return None
    revision = connection.scalar(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}"))  # noqa: S608
    if revision is not None and not migrations.known(revision):
        raise StoreUnusable(
            f"a newer version of notifier made its tables (schema {revision}, this one knows {migrations.HEAD});"
            " run that version, or name another database"
        )
    return None if revision is None else str(revision)
