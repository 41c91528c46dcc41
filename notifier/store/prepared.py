"""Statements that are compiled once and then handed to the driver as they are: what is executed for each message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Dialect, bindparam
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Members = Sequence[BindParameter[Any]]
"""The parameters that stand for the members of a list."""


class Prepared:
    """A statement of either engine, about as many members of a list as it is given.

    It costs a fraction of what SQLAlchemy takes to find what it has compiled, to fill it in, and to make a result of
    it. Values go to the driver and come back as they are: for statements of texts and numbers alone, where a truth
    comes back as a number.
    """

    def __init__(self, statement: Callable[[str, Members], ClauseElement], *, width: int = 1) -> None:
        """`statement` makes it, from the dialect's name and its members, which come `width` at a time."""
        self._statement = statement
        self._width = width
        self._compiled: dict[tuple[str, int, Sequence[str]], _Compiled] = {}

    def execute(self, connection: Connection, members: Sequence[Any] = (), **values: Any) -> Sequence[Sequence[Any]]:
        """Execute it, and return its rows; `values` are those of its own parameters."""
        # A list says the same with its last member named again: so there are few lengths to compile.
        count = len(members) // self._width
        size = 1 << (count - 1).bit_length() if count else 0
        compiled = self._for(connection.dialect, size, ())
        filled = compiled.values | values
        every = [*members, *list(members[-self._width :]) * (size - count)]
        filled.update(zip(compiled.members, every, strict=True))
        if compiled.order is None:
            result = connection.exec_driver_sql(compiled.text, filled)
            return result.all() if result.returns_rows else ()
        cursor = driver_of(connection).execute(compiled.text, [filled[name] for name in compiled.order])
        return cast(Sequence[Sequence[Any]], cursor.fetchall())

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each row; all name the same columns."""
        if not rows:
            return
        compiled = self._for(connection.dialect, 0, tuple(rows[0]))
        if compiled.order is None:
            connection.exec_driver_sql(compiled.text, [compiled.values | dict(row) for row in rows])
            return
        order = compiled.order
        driver_of(connection).executemany(compiled.text, [[row[name] for name in order] for row in rows])

    def _for(self, dialect: Dialect, size: int, columns: Sequence[str]) -> "_Compiled":
        key = dialect.name, size, columns
        if key not in self._compiled:
            names = [f"member_{each}" for each in range(size * self._width)]
            statement = self._statement(dialect.name, [bindparam(name) for name in names])
            self._compiled[key] = _compiled(statement, dialect, names, columns)
        return self._compiled[key]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Its text, the names of its members, what it fills in itself, and the order of all where the driver goes by it.

    It does with SQLite's, which is then asked without a detour: it has no server whose answers can be long in coming,
    and its errors are told as those of any other statement (`sqlite.Kept`).
    """

    text: str
    members: Sequence[str]
    values: dict[str, Any]
    order: Sequence[str] | None


def _compiled(statement: ClauseElement, dialect: Dialect, members: Sequence[str], columns: Sequence[str]) -> _Compiled:
    named = {"column_keys": list(columns)} if columns else {}
    compiled = cast(SQLCompiler, cast(Any, statement).compile(dialect=dialect, **named))
    own: Mapping[str, Any] = compiled.params
    return _Compiled(compiled.string, members, dict(own), compiled.positiontup)


def driver_of(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection
