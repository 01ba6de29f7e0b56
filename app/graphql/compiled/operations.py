"""An operation made ready: parsed and validated once, compiled for each of its shapes."""

from collections.abc import Mapping
from typing import Any, Self

import strawberry
from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues

from app.graphql.admission.cost import Cost
from app.graphql.admission.counting import formula
from app.graphql.admission.lists import refuse_long_lists
from app.graphql.compiled.arguments import Room, Variables
from app.graphql.compiled.parsed import NotCovered, Parsed, parsed
from app.graphql.compiled.plans import Plan
from app.graphql.compiled.shapes import Leaves
from app.graphql.internals.strawberry import core_schema

MOST_PLANS = 16
"""Of one operation: it has one for each combination of what `@skip` and `@include` ask for."""

PER_OPERATION = 5_000
"""Bytes of an operation beside its text and its plans."""

MOST_BYTES_REMEMBERED = 500_000
"""Of the arguments that all fields of an operation remember."""


class CompiledOperation:
    """One operation of a text, with its plans."""

    @classmethod
    async def made(
        cls, schema: strawberry.Schema, leaves: Leaves, query: str, operation_name: str | None
    ) -> Self:
        """Make the operation in steps between which others have the event loop; raise `NotCovered`."""
        return cls(schema, leaves, await parsed(core_schema(schema), query, operation_name))

    def __init__(self, schema: strawberry.Schema, leaves: Leaves, parsed: Parsed) -> None:
        """Raises `NotCovered`."""
        self._schema = schema
        self._leaves = leaves
        core = core_schema(schema)
        self._parsed = parsed
        definitions = self._parsed.operation.variable_definitions or ()
        self._variables = Variables(core, tuple(definitions))
        try:
            self._formula = formula(core, self._parsed.fragments, self._parsed.operation)
        except GraphQLError:
            raise NotCovered from None
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._size = PER_OPERATION + self._parsed.bytes
        self._remembered = Room(MOST_BYTES_REMEMBERED)

    @property
    def size(self) -> int:
        """In bytes, about; it grows with each plan, and with what the fields remember."""
        return self._size + self._remembered.bytes

    def cost(self, variables: Mapping[str, Any] | None) -> Cost:
        """Return what the operation costs; raise `NotCovered` where that is more than it may."""
        try:
            refuse_long_lists(variables)
            return self._formula.cost(variables)
        except GraphQLError:
            raise NotCovered from None

    async def execute(
        self, variables: Mapping[str, Any] | None, context: Any, *, gives_way: bool = False
    ) -> ExecutionResult:
        """Answer with data and errors, as graphql-core does; raise `NotCovered`.

        An operation that gives way to others may read in another order than graphql-core does.
        """
        values = self._variables.coerced(variables or {})
        return await (await self._plan(values)).execute(values, context, gives_way)

    async def _plan(self, values: VariableValues) -> Plan:
        key = tuple(values.coerced.get(name) for name in self._parsed.deciding)
        if (plan := self._plans.get(key)) is None:
            if not all(isinstance(value, bool) for value in key) or len(self._plans) >= MOST_PLANS:
                raise NotCovered
            plan = await Plan.made(self._schema, self._parsed, values, self._leaves, self._remembered)
            if (meanwhile := self._plans.setdefault(key, plan)) is not plan:
                return meanwhile
            self._size += plan.size
        return plan
