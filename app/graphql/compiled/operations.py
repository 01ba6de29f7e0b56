"""Compiled operations, parsed and validated once, with plans for the conditions and viewers that differ."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import strawberry
from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues

from app.cqrs.viewers import Sight
from app.graphql.admission.cost import Cost
from app.graphql.admission.counting import formula
from app.graphql.admission.formula import Formula
from app.graphql.admission.lists import refuse_long_lists
from app.graphql.admission.turns import in_slices
from app.graphql.compiled.arguments import ByteBudget, Variables
from app.graphql.compiled.parsed import NotCovered, Parsed, parsed
from app.graphql.compiled.plans import EventShape, Plan
from app.graphql.compiled.shapes import Leaves
from app.graphql.internals.strawberry import core_schema
from app.graphql.measured.reads import FieldReads, root_fields

MOST_PLANS = 16
"""Plans of one operation: one for each combination of the conditions in `@skip` and `@include`, and for each
group of viewers who may ask for the same of its fields.
"""

PER_OPERATION = 5_000
"""Bytes of an operation besides its text and its plans."""

PER_RESOLVER = 6_000
"""Bytes that a field counts for that needs more than its parent. It takes 2,000, with its part of the cost;
the rest stands for the 15 objects that lengthen each full garbage collection."""

MOST_BYTES_CACHED = 500_000
"""Bytes of the cached arguments of all fields of an operation."""


class CompiledOperation:
    """An operation with its plans."""

    @classmethod
    async def create(
        cls, schema: strawberry.Schema, leaves: Leaves, query: str, operation_name: str | None
    ) -> Self:
        """Compile an operation in steps, and yield to other tasks between them; raise `NotCovered`."""
        found = await parsed(core_schema(schema), query, operation_name)
        return await in_slices(partial(cls, schema, leaves, found))

    def __init__(self, schema: strawberry.Schema, leaves: Leaves, parsed: Parsed) -> None:
        """Make the formula of the cost; raise `NotCovered`."""
        self._schema = schema
        self._leaves = leaves
        core = core_schema(schema)
        self._parsed = parsed
        definitions = self._parsed.operation.variable_definitions or ()
        self._variables = Variables(core, tuple(definitions))
        self._formula: Formula | None = None
        if not parsed.is_subscription:  # Each is charged alike.
            try:
                self._formula = formula(core, self._parsed.fragments, self._parsed.operation)
            except GraphQLError:
                raise NotCovered from None
        self._plans: dict[tuple[Any, ...], Plan] = {}
        """The plans by sight and conditions; a plan may be there for several sights."""
        self._size = PER_OPERATION + self._parsed.bytes
        self._cached = ByteBudget(MOST_BYTES_CACHED)
        self.root_fields = root_fields(parsed.operation, parsed.fragments)
        """The names of the operation's root fields."""
        self.reads: tuple[FieldReads, ...] | None = None
        """The counters of its root fields, once it was executed."""

    @property
    def is_mutation(self) -> bool:
        """True if the operation has effects, and is executed once."""
        return self._parsed.is_mutation

    @property
    def is_subscription(self) -> bool:
        """True if the operation has a result for each event."""
        return self._parsed.is_subscription

    @property
    def size(self) -> int:
        """The approximate size in bytes, which grows with each plan and each cached set of arguments."""
        return self._size + self._cached.bytes

    def cost(self, variables: Mapping[str, Any] | None) -> Cost:
        """Return the cost of a query or mutation; raise `NotCovered` if it exceeds the budget."""
        if self._formula is None:
            raise NotCovered
        try:
            refuse_long_lists(variables)
            return self._formula.cost(variables)
        except GraphQLError:
            raise NotCovered from None

    async def execute(
        self, variables: Mapping[str, Any] | None, context: Any, *, sight: Sight, yields: bool = False
    ) -> ExecutionResult:
        """Return data and errors for a viewer, as graphql-core does; raise `NotCovered`.

        A mutation raises it before it has an effect. An operation that yields to other tasks may read in
        another order than with graphql-core.
        """
        values = self._variables.coerced(variables or {})
        plan = await self._plan(values, sight)
        return await plan.execute(values, context, yields)

    async def event_shape(self, variables: Mapping[str, Any] | None, *, sight: Sight) -> EventShape | None:
        """Return the function that shows the events of a subscription to a viewer; raise `NotCovered`.

        Returns `None` if an event needs more than itself, such as another read.
        """
        plan = await self._plan(self._variables.coerced(variables or {}), sight)
        return plan.event_shape

    async def _plan(self, values: VariableValues, sight: Sight) -> Plan:
        conditions = tuple(values.coerced.get(name) for name in self._parsed.deciding)
        if (plan := self._plans.get((sight, *conditions))) is None:
            plans = len(set(self._plans.values()))
            if not all(isinstance(value, bool) for value in conditions) or plans >= MOST_PLANS:
                raise NotCovered
            plan = await Plan.create(self._schema, self._parsed, values, self._leaves, self._cached, sight)
            if meanwhile := self._plans.get((sight, *conditions)):
                return meanwhile
            self._plans |= {(each, *conditions): plan for each in plan.sights}
            self._size += plan.size + PER_RESOLVER * plan.resolved
        return plan
