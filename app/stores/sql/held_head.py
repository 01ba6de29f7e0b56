"""How the log is held by the one transaction that appends to it."""

from typing import Any

from sqlalchemy import ScalarSelect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class HeldHead(FunctionElement[int]):
    """The position of the newest event; until this transaction has ended, no other one appends to the log."""

    inherit_cache = True

    def __init__(self, newest: ScalarSelect[int]) -> None:
        super().__init__(newest)


@compiles(HeldHead)
def _of_the_only_writer(held: HeldHead, compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(held.clause_expr, **how)


@compiles(HeldHead, "postgresql")
def _of_who_has_locked_a_row(_held: HeldHead, _compiler: SQLCompiler, **_how: Any) -> str:
    return "hold_log()"  # as a migration has made it
