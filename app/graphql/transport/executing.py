"""Operations, executed and encoded."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.graphql.compiled.answers import Compiled
from app.graphql.execution.context import Context
from app.graphql.execution.requested import Operation
from app.graphql.execution.results import encoded
from app.graphql.execution.standing import Standing


@dataclass(frozen=True)
class Item:
    """One execution result."""

    body: bytes
    """The result in JSON: `data`, `errors` and `extensions`."""
    cursor: str | None
    """Where a subscription goes on from after this; null for what is no item of a subscription."""


class Refused(Exception):
    """The operation can't be executed; `errors` are GraphQL errors as a response has them."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = [error.formatted for error in errors]


class Operations:
    """Executes the operations of one schema, for all transports."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = schema
        self.compiled = Compiled(schema)
        """The queries that came again."""

    async def execute(
        self, operation: Operation, context: Context, types: set[OperationType]
    ) -> ExecutionResult:
        """Return the one result of an operation of one of these types; raise strawberry's error for others.

        The context must be the operation's own.
        """
        return await self._schema.execute(
            operation.query,
            variable_values=dict(operation.variables or {}),
            operation_name=operation.operation_name,
            context_value=context,
            allowed_operation_types=types,
        )

    async def results(
        self, operation: Operation, context: Context, standing: Standing
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Yield each result, and note in `standing` where a subscription stands; raise `Refused`."""
        source = await self._schema.stream(
            operation.query,
            variable_values=dict(operation.variables or {}),
            context_value=context.for_operation(standing),
            operation_name=operation.operation_name,
        )
        async with aclosing(source):
            async for result in source:
                if isinstance(result, PreExecutionError):
                    raise Refused(result.errors or [])
                yield cast("ExecutionResult", result)  # nothing is deferred in this schema

    async def lagged_item(
        self, count: int, cursor: str | None, operation: Operation, context: Context
    ) -> Item:
        """Return the item by which a subscription says that so many notices were passed over."""
        standing = Standing(after=cursor, missed=count)
        async with aclosing(self.results(operation, context, standing)) as told:
            return Item(encoded(await anext(told)), cursor)


def raised(result: ExecutionResult, places: Sequence[Sequence[str | int]], more: int) -> ExecutionResult:
    """The same result, with the numbers at these places so much higher."""
    data: Any = deepcopy(result.data)
    for *parents, name in places:
        parent = data
        for each in parents:
            parent = parent[each]
        parent[name] += more
    return replace(result, data=data)
