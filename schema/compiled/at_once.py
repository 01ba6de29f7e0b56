"""Queries that have much to show are compiled at once, not when they come again."""

from collections.abc import AsyncIterator

from strawberry.extensions import SchemaExtension

from schema.compiled.operations import CompiledOperation
from schema.compiled.parsed import NotCovered
from schema.compiled.shapes import Leaves
from schema.context import Context
from schema.limits import after_others


class AtOnce(SchemaExtension):
    """Executes a large query with functions made for it: graphql-core would block everybody meanwhile."""

    _leaves = Leaves()

    async def on_execute(self) -> AsyncIterator[None]:
        """Leave to graphql-core what is small, or can't be compiled."""
        execution = self.execution_context
        context: Context = execution.context
        if context.cost and context.cost.large:
            await after_others(execution.query)
            try:
                operation = CompiledOperation(
                    execution.schema, self._leaves, execution.query or "", execution._provided_operation_name
                )
                execution.result = await operation.execute(execution.variables, context, gives_way=True)
            except NotCovered:
                pass
        yield
