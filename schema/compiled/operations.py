"""An operation made ready: parsed and validated once, compiled for each of its shapes."""

from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import ExecutionResult
from graphql.execution.values import VariableValues

from schema.compiled.arguments import Variables
from schema.compiled.parsed import NotCovered, parsed
from schema.compiled.plans import Plan
from schema.compiled.shapes import Leaves

MOST_PLANS = 16
"""Of one operation: it has one for each combination of what `@skip` and `@include` ask for."""

BYTES_OF_TEXT = 200
"""That a character takes in memory, about, once it is parsed."""


class CompiledOperation:
    """One operation of a text, with its plans."""

    def __init__(
        self, schema: strawberry.Schema, leaves: Leaves, query: str, operation_name: str | None
    ) -> None:
        """Raises `NotCovered`."""
        self._schema = schema
        self._leaves = leaves
        self._parsed = parsed(schema._schema, query, operation_name)
        definitions = self._parsed.operation.variable_definitions or ()
        self._variables = Variables(schema._schema, tuple(definitions))
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self.size = len(query) * BYTES_OF_TEXT
        """In bytes, about; it grows with each plan."""

    async def execute(self, variables: Mapping[str, Any] | None, context: Any) -> ExecutionResult:
        """Answers with data and errors, as graphql-core does; raises `NotCovered`."""
        values = self._variables.coerced(variables or {})
        return await self._plan(values).execute(values, context)

    def _plan(self, values: VariableValues) -> Plan:
        key = tuple(values.coerced.get(name) for name in self._parsed.deciding)
        if (plan := self._plans.get(key)) is None:
            if not all(isinstance(value, bool) for value in key) or len(self._plans) >= MOST_PLANS:
                raise NotCovered
            plan = self._plans[key] = Plan(self._schema, self._parsed, values, self._leaves)
            self.size += plan.size
        return plan
