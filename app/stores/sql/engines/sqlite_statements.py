"""Statements of SQLAlchemy that SQLite executes directly, without what SQLAlchemy does at each execution.

SQLAlchemy still writes the SQL, once for each kind of values, and its types convert parameters and columns.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Delete, Dialect, Executable, Insert, Result, Select, Update
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

MOST_PREPARED = 500
"""Statements that are kept; those of commands are built once, when the program starts."""

Values = Mapping[str, Any]
Conversion = Callable[[Any], Any] | None


class Prepared:
    """A statement in SQLite's words, for values with certain names."""

    def __init__(
        self, compiled: SQLCompiler, statement: Select[Any] | Insert | Update | Delete, dialect: Dialect
    ) -> None:
        self.sql = str(compiled)
        self._parameters = [
            (name, compiled.binds[name], _for_storage(compiled.binds[name].type, dialect))
            for name in compiled.positiontup or ()
        ]
        columns = [*statement.exported_columns]  # those that it selects or returns
        self._names = SimpleResultMetaData([column.key for column in columns])
        self._conversions = [_from_storage(column.type, dialect) for column in columns]

    def execute(self, file: sqlite3.Connection, values: Values | Sequence[Values]) -> Result[Any]:
        """Execute the statement with one set of values, or once with each of several; raise `DBAPIError`."""
        try:
            if isinstance(values, Mapping):
                rows = file.execute(self.sql, self._converted(values)).fetchall()
            else:
                rows = file.executemany(self.sql, map(self._converted, values)).fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(self.sql, None, error, sqlite3.Error, hide_parameters=True) from error
        return IteratorResult(self._names, map(self._read, rows))

    def _converted(self, values: Values) -> list[Any]:
        converted = []
        for name, parameter, convert in self._parameters:
            value = values[name] if name in values or parameter.required else parameter.effective_value
            converted.append(value if convert is None else convert(value))
        return converted

    def _read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            [
                value if convert is None else convert(value)
                for value, convert in zip(row, self._conversions, strict=True)
            ]
        )


@lru_cache(MOST_PREPARED)
def prepared(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> Prepared | None:
    """Return the statement for values with these names; `None` if only SQLAlchemy can execute it.

    It can't be done for text, and if the SQL depends on the values, or SQLAlchemy would add some.
    """
    if not isinstance(statement, Select | Insert | Update | Delete):
        return None
    compiled = statement.compile(dialect=dialect, column_keys=[*names])
    if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params or compiled.prefetch:
        return None
    return Prepared(compiled, statement, dialect)


def names_in(values: Values | Sequence[Values]) -> tuple[str, ...]:
    """Return the names of the values, which all sets of them have."""
    return tuple(values if isinstance(values, Mapping) else values[0])


def _for_storage(kind: TypeEngine[Any], dialect: Dialect) -> Conversion:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _from_storage(kind: TypeEngine[Any], dialect: Dialect) -> Conversion:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
