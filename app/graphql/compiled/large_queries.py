"""Large queries, which are compiled at their first request and not only at the second."""

from collections.abc import AsyncIterator

from strawberry.extensions import SchemaExtension

from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.parsed import NotCovered
from app.graphql.compiled.shapes import Leaves
from app.graphql.execution.context import Context


class LargeQueries(SchemaExtension):
    """An extension that compiles a large query, because graphql-core would block the event loop with it."""

    _leaves = Leaves()

    async def on_execute(self) -> AsyncIterator[None]:
        """Execute a large query by compiled functions; leave any other operation to graphql-core."""
        execution = self.execution_context
        context: Context = execution.context
        if context.cost and context.cost.large:
            try:
                operation = await CompiledOperation.create(
                    execution.schema, self._leaves, execution.query or "", execution.operation_name
                )
                sight = context.viewer.scope.sight
                execution.result = await operation.execute(
                    execution.variables, context, sight=sight, yields=True
                )
            except NotCovered:
                pass
        yield
