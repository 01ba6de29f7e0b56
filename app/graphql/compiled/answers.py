"""Queries that come again are answered by functions made for them, to the letter as strawberry answers.

What was made of documents alone is kept until they change.
"""

from dataclasses import dataclass

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from app.cqrs.freshness.tokens import BadToken
from app.cqrs.sizes import bytes_of, compact
from app.graphql.compiled.operations import PER_OPERATION, CompiledOperation
from app.graphql.compiled.parsed import NotCovered
from app.graphql.compiled.shapes import Leaves
from app.graphql.compiled.sightings import Sightings
from app.graphql.execution.context import Context
from app.graphql.execution.errors import presentable
from app.graphql.execution.extension import extensions_of
from app.graphql.execution.requested import Operation
from app.graphql.execution.results import encoded, with_cost, with_freshness

MOST_OPERATIONS = 500
MOST_BYTES = 12_000_000
"""Of all operations that are kept ready; one of some hundred characters takes 50,000."""


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
        """How many operations were executed here."""
        self.recalled = 0
        """How many answers were found to be what they would be again."""

    async def answer(self, operation: Operation, context: Context) -> bytes | None:
        """The response's body; `None` for what must be done the ordinary way.

        The context must be the operation's own, and is spoilt where there is no answer.
        """
        try:
            await context.demand_sent_tokens()
        except (BadToken, GraphQLError):
            return None
        if body := self.recall(operation, context):
            return body
        cache, key = context.cache, (context.viewer, *operation.key)
        ready = await self._operations.get(operation.query, operation.operation_name)
        if not isinstance(ready, CompiledOperation):
            return None
        since, size = cache.mark(), ready.size
        try:
            context.cost = cost = ready.cost(operation.variables)
            result = await ready.execute(operation.variables, context, gives_way=cost.large)
            if result.errors:
                errors = [presentable(error) for error in result.errors]
                body = encoded(ExecutionResult(result.data, errors, extensions_of(context)))
            else:
                data = with_cost(orjson.dumps(result.data), cost)
                body = with_freshness(data, context.reading.freshness())
                if context.cacheable and cache.capacity:
                    kept = compact(data)
                    size_of_both = bytes_of(kept) + operation.size
                    context.reading.keep(cache, key, kept, size=size_of_both, since=since)
        except (NotCovered, TypeError):  # the latter of what JSON can't hold
            return None
        finally:
            if ready.size != size:
                self._operations.weigh(operation.query, operation.operation_name)
        self.answered += 1
        return body

    def recall(self, operation: Operation, context: Context) -> bytes | None:
        """Return the body of a response that is known; `None` where documents must be read, or waited for."""
        reading = context.reading
        data = reading.recall(context.cache, (context.viewer, *operation.key))
        if data is None:
            return None
        self.recalled += 1
        return with_freshness(data, reading.freshness())

    async def _operation(self, query: str, operation_name: str | None) -> CompiledOperation | NotCompiled:
        try:
            return await CompiledOperation.made(self._schema, self._leaves, query, operation_name)
        except NotCovered:
            return NotCompiled(PER_OPERATION + bytes_of(query))
