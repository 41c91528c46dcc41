"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share in all but the import, and long lists in short bites."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

BITE = 500
"""Rows in one statement, or one pruning transaction: below every engine's limit, and quick for others to wait for."""

T = TypeVar("T")


def insert_into(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(
    connection: AsyncConnection, table: Table, *, keep: Collection[str] = ()
) -> sqlite.Insert | postgresql.Insert:
    """INSERT that replaces the row of the same primary key, all but the columns to `keep`."""
    statement = insert_into(connection, table)
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
