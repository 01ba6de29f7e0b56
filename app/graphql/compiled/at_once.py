"""Queries that have much to show are compiled at once, not when they come again."""

from collections.abc import AsyncIterator

from strawberry.extensions import SchemaExtension

from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.parsed import NotCovered
from app.graphql.compiled.shapes import Leaves
from app.graphql.execution.context import Context


class AtOnce(SchemaExtension):
    """Executes a large query with functions made for it: graphql-core would block everybody meanwhile."""

    _leaves = Leaves()

    async def on_execute(self) -> AsyncIterator[None]:
        """Leave to graphql-core what is small, or can't be compiled."""
        execution = self.execution_context
        context: Context = execution.context
        if context.cost and context.cost.large:
            try:
                operation = await CompiledOperation.made(
                    execution.schema, self._leaves, execution.query or "", execution.operation_name
                )
                execution.result = await operation.execute(execution.variables, context, gives_way=True)
            except NotCovered:
                pass
        yield
