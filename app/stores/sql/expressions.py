"""The SQL expressions that are not the same on SQLite and PostgreSQL."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Dialect, ScalarSelect, Text, TypeDecorator, Uuid, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine


class HeldHead(FunctionElement[int]):
    """The position of the newest event; no other transaction appends to the log until this one has ended."""

    inherit_cache = True

    def __init__(self, newest: ScalarSelect[int]) -> None:
        super().__init__(newest)


@compiles(HeldHead)
def _without_lock(held: HeldHead, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(held.clause_expr, **options)  # SQLite has a single writer.


@compiles(HeldHead, "postgresql")
def _with_locked_row(_held: HeldHead, _compiler: SQLCompiler, **_options: Any) -> str:
    return "hold_log()"  # The function that migration 0005 has created.


class AmongKeys(FunctionElement[bool]):
    """A condition: a column of the type `Uuid` has one of the values of the parameter `keys`.

    However many there are, they are one parameter of the same statement. For a list of parameters SQLAlchemy
    would write another statement each time, which takes it as long as the database takes to execute it, and
    PostgreSQL would prepare one for each number of keys.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Column[Any]) -> None:
        super().__init__(column, bindparam("keys", type_=_Keys()))

    def self_group(self, against: OperatorType | None = None) -> "AmongKeys":  # noqa: ARG002
        """Return the condition as it is, where SQLAlchemy would add `= 1` for SQLite.

        With that, SQLite reads the whole table instead of looking the keys up.
        """
        return self


class _Keys(TypeDecorator[Collection[UUID]]):
    """Keys as one parameter: an array, or in SQLite, which has none, JSON."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[UUID] | None, dialect: Dialect) -> Any:
        keys = list(value or ())
        return keys if dialect.name == "postgresql" else json.dumps([key.hex for key in keys])


@compiles(AmongKeys)
def _in_json(among: AmongKeys, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(each, **options) for each in among.clauses)
    each = f"SELECT value FROM json_each({keys})"  # noqa: S608 - an expression that SQLAlchemy has compiled
    return f"{column} IN ({each})"


@compiles(AmongKeys, "postgresql")
def _in_array(among: AmongKeys, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(each, **options) for each in among.clauses)
    return f"{column} = ANY ({keys})"
