"""Queries that come again are answered by functions made for them, to the letter as strawberry answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types import ExecutionResult

from app.cqrs.tokens import BadToken
from schema.compiled.operations import CompiledOperation
from schema.compiled.parsed import NotCovered
from schema.compiled.shapes import Leaves
from schema.compiled.sightings import Sightings
from schema.context import Context
from schema.operation import extensions_of, presentable
from schema.results import encoded

MOST_OPERATIONS = 500
MOST_BYTES = 50_000_000
"""Of all operations that are kept ready."""


@dataclass(frozen=True)
class NotCompiled:
    """An operation that is done the ordinary way whenever it comes."""

    size: int


class Compiled:
    """The queries of a schema, each compiled when it comes for the second time."""

    def __init__(
        self, schema: strawberry.Schema, *, most: int = MOST_OPERATIONS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._schema = schema
        self._leaves = Leaves()
        self._operations = Sightings(self._operation, most=most, most_bytes=most_bytes)
        self.answered = 0
        """How many operations were answered here."""

    async def answer(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None, context: Context
    ) -> bytes | None:
        """The response's body, and its token in the header; `None` for what must be done the ordinary way.

        The context must be the operation's own.
        """
        operation = self._operations.get(query, operation_name)
        if not isinstance(operation, CompiledOperation):
            return None
        size = operation.size
        try:
            context.demand_what_was_seen()
            result = await operation.execute(variables, context)
        except (NotCovered, BadToken):
            return None
        finally:
            if operation.size != size:
                self._operations.trim()
        errors = [presentable(error) for error in result.errors] if result.errors else None
        try:
            body = encoded(ExecutionResult(result.data, errors, extensions_of(context)))
        except TypeError:  # of what JSON can't hold
            return None
        context.return_token()
        self.answered += 1
        return body

    def _operation(self, query: str, operation_name: str | None) -> CompiledOperation | NotCompiled:
        try:
            return CompiledOperation(self._schema, self._leaves, query, operation_name)
        except NotCovered:
            return NotCompiled(len(query))
