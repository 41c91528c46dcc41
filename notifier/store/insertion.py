"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share in all but the import, and long lists in short bites."""

from collections.abc import Collection, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

BITE = 500
"""Rows in one statement, or one pruning transaction: below every engine's limit, and quick for others to wait for."""

T = TypeVar("T")


def insert_into(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """The dialect's INSERT, which knows ON CONFLICT."""
    return _insert(connection.dialect.name, table)


def upsert(connection: Connection, table: Table, *keep: str) -> "sqlite.Insert | postgresql.Insert":
    """INSERT that replaces the row of the same primary key, all but the columns to `keep`."""
    return _upsert(connection.dialect.name, table, keep)


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    if dialect != "postgresql":
        return sqlite.insert(table)
    # Two megabytes that a service on SQLite does without.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


# Written once: composing it for a table of many columns takes as long as executing it.
@cache
def _upsert(dialect: str, table: Table, keep: tuple[str, ...]) -> "sqlite.Insert | postgresql.Insert":
    statement = _insert(dialect, table)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key and column.name not in keep
    }
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)


def bites(values: Collection[T]) -> Iterator[list[T]]:
    """The values, at most BITE at a time."""
    rest = iter(values)
    while bite := list(islice(rest, BITE)):
        yield bite
