"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share in all but the import, and long lists in short bites."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

from notifier.store.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

BITE = 500
"""Rows in one statement, or one pruning transaction: below every engine's limit, and quick for others to wait for."""

T = TypeVar("T")


def insert_into(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """The dialect's INSERT, which knows ON CONFLICT."""
    if dialect != "postgresql":
        return sqlite.insert(table)
    # Two megabytes that a service on SQLite does without.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *keep: str) -> None:
    """Insert rows, or replace those of the same primary key, all but the columns to `keep`."""
    _upsert(table, keep).execute_many(connection, rows)


@cache
def _upsert(table: Table, keep: tuple[str, ...]) -> Prepared:
    def statement(dialect: str, _: object) -> "sqlite.Insert | postgresql.Insert":
        inserted = insert_into(dialect, table)
        replaced = {
            column.name: inserted.excluded[column.name]
            for column in table.columns
            if not column.primary_key and column.name not in keep
        }
        return inserted.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)

    return Prepared(statement)


def bites(values: Collection[T]) -> Iterator[list[T]]:
    """The values, at most BITE at a time."""
    rest = iter(values)
    while bite := list(islice(rest, BITE)):
        yield bite
