"""Statements that are compiled once and then handed to the driver as they are: what is executed for each message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, CursorResult, Dialect, Integer, bindparam
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Statement = Callable[[Sequence[BindParameter[int]]], ClauseElement]


class Prepared:
    """A statement of either engine, about as many numbers as it is given.

    It costs a third of what SQLAlchemy takes to find what it has compiled, and to fill it in. Values go to the driver
    and come back as they are: for statements of texts and numbers alone.
    """

    def __init__(self, statement: Statement) -> None:
        """`statement` makes it, from the parameters that stand for the numbers."""
        self._statement = statement
        self._compiled: dict[tuple[str, int], _Compiled] = {}

    def execute(self, connection: Connection, numbers: Sequence[int] = (), **values: Any) -> CursorResult[Any]:
        """Execute it; `values` are those of its own parameters."""
        key = connection.dialect.name, len(numbers)
        if key not in self._compiled:
            self._compiled[key] = _compiled(self._statement, len(numbers), connection.dialect)
        compiled = self._compiled[key]
        filled = compiled.values | values | dict(zip(compiled.numbers, numbers, strict=True))
        if compiled.order is None:
            return connection.exec_driver_sql(compiled.text, filled)
        return connection.exec_driver_sql(compiled.text, tuple(filled[name] for name in compiled.order))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Its text, the names of its numbers, what it fills in itself, and the order of all where the driver goes by it."""

    text: str
    numbers: Sequence[str]
    values: dict[str, Any]
    order: Sequence[str] | None


def _compiled(statement: Statement, size: int, dialect: Dialect) -> _Compiled:
    names = [f"number_{each}" for each in range(size)]
    stand_ins = [bindparam(name, type_=Integer) for name in names]
    compiled = cast(SQLCompiler, statement(stand_ins).compile(dialect=dialect))
    own: Mapping[str, Any] = compiled.params
    return _Compiled(compiled.string, names, dict(own), compiled.positiontup)
