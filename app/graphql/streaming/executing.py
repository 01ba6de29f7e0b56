"""The execution of operations through strawberry, for all transports."""

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

from app.graphql.compiled.answers import CompiledQueries
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.execution.personal import fields_by_actor
from app.graphql.execution.results import encoded, was_executed
from app.graphql.execution.subscription_state import SubscriptionState


@dataclass(frozen=True)
class Item:
    """One encoded result of an operation."""

    body: bytes
    """The result as JSON: `data`, `errors` and `extensions`."""
    cursor: str | None
    """The cursor to resume a subscription after this item; `None` unless it is an item of a subscription."""


class Refused(Exception):
    """The operation can't be executed; `errors` are the GraphQL errors to show in the response."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = [error.formatted for error in errors]


class Operations:
    """The operations of one schema, executed for all transports."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = schema
        self.compiled = CompiledQueries(schema)
        """The compiled queries: those that were sent more than once."""
        self.by_actor = fields_by_actor(schema)
        """The names of the subscriptions whose items depend on the actor."""

    async def execute(
        self, operation: Operation, context: Context, types: set[OperationType]
    ) -> ExecutionResult:
        """Return the only result of an operation of one of these types; raise strawberry's error for others.

        `context` must belong to this operation alone.
        """
        result = await self._schema.execute(
            operation.query,
            variable_values=dict(operation.variables or {}),
            operation_name=operation.operation_name,
            context_value=context,
            allowed_operation_types=types,
        )
        self._count(context)
        if context.caller and not was_executed(result):
            context.charge_text(operation.query)
        return result

    async def results(
        self, operation: Operation, context: Context, state: SubscriptionState, *, subscribed: bool = False
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Yield each result, and record in `state` how far a subscription has come; raise `Refused`.

        `subscribed` is true for a subscription with all its events.
        """
        own, asked = context.for_operation(state), 0
        if subscribed:
            state.show, asked = await self.compiled.event_shape(operation, own), 1
        source = await self._schema.stream(
            operation.query,
            variable_values=dict(operation.variables or {}),
            context_value=own,
            operation_name=operation.operation_name,
        )
        async with aclosing(source):
            async for result in source:
                if isinstance(result, PreExecutionError):
                    own.charge_text(operation.query)
                    raise Refused(result.errors or [])
                yield cast("ExecutionResult", result)  # nothing is deferred in this schema
                own.reading.forget_sources()  # Otherwise these would grow as long as the subscription lasts.
                if asked == 1:  # It has more events than one: now it is worth compiling.
                    state.show, asked = state.show or await self.compiled.event_shape(operation, own), 2
        self._count(own)

    def _count(self, context: Context) -> None:
        for each in self.compiled.reads.of(context.fields_read):
            each.ordinary += 1

    async def lagged_item(
        self, count: int, cursor: str | None, operation: Operation, context: Context
    ) -> Item:
        """Return the item with which a subscription reports that `count` notices were skipped."""
        state = SubscriptionState(after=cursor, skipped=count)
        async with aclosing(self.results(operation, context, state)) as results:
            return Item(encoded(await anext(results)), cursor)


def with_more_lagged(
    result: ExecutionResult, paths: Sequence[Sequence[str | int]], more: int
) -> ExecutionResult:
    """Return a copy of the result in which the numbers at these paths are higher by `more`."""
    data: Any = deepcopy(result.data)
    for *parents, name in paths:
        parent = data
        for each in parents:
            parent = parent[each]
        parent[name] += more
    return replace(result, data=data)
