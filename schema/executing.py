"""One operation, executed and encoded."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, cast

from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from schema.compiled.answers import Compiled
from schema.context import Context
from schema.requested import Operation
from schema.results import encoded
from schema.root import schema
from schema.standing import Standing

compiled = Compiled(schema)
"""For queries that come again."""


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


async def results(
    operation: Operation, context: Context, standing: Standing
) -> AsyncGenerator[ExecutionResult, None]:
    """Each result; where it stands in a subscription is told in `standing`. Raises `Refused`."""
    source = await schema.stream(
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


async def lagged_item(count: int, cursor: str | None, operation: Operation, context: Context) -> Item:
    """The operation's own way of saying that notices were passed over."""
    standing = Standing(after=cursor, missed=count)
    async with aclosing(results(operation, context, standing)) as told:
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
