"""The SQL expression that locks the end of the log for the transaction that appends to it."""

from typing import Any

from sqlalchemy import ScalarSelect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


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
