"""Answers by compiled operations, which are byte for byte those that strawberry would give.

An answer to a query that is made of documents only is cached until one of them changes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from app.cqrs.freshness.tokens import BadToken
from app.cqrs.memory.sizes import bytes_of, compact
from app.graphql.admission.budgets import Throttled, spent
from app.graphql.admission.cost import Cost
from app.graphql.admission.turns import turns
from app.graphql.compiled.operations import PER_OPERATION, CompiledOperation
from app.graphql.compiled.parsed import NotCovered
from app.graphql.compiled.plans import EventShape
from app.graphql.compiled.repeat_cache import RepeatCache
from app.graphql.compiled.shapes import Leaves
from app.graphql.execution.context import Context
from app.graphql.execution.errors import forget_frames, presentable
from app.graphql.execution.extension import extensions_of
from app.graphql.execution.operation import Operation
from app.graphql.execution.results import encoded, with_cost, with_freshness, with_left, with_token
from app.graphql.measured.reads import FieldReads, Reads

MOST_OPERATIONS = 500
MOST_BYTES = 12_000_000
"""Bytes of all compiled operations; one of some hundred characters takes 50,000."""


class Kept(NamedTuple):
    """A cached answer: its part that is the same for all viewers of a scope, and what it costs them."""

    data: bytes
    points: int | None
    """Points; `None` if they are not counted, and the data does not tell them."""
    reads: tuple[FieldReads, ...]
    """The counters of the answer's root fields."""


PER_ANSWER = 100
"""Bytes of a kept answer besides its data and its key."""


@dataclass(frozen=True)
class NotCompiled:
    """An operation that strawberry always executes."""

    size: int


class CompiledQueries:
    """The compiled queries of a schema; each is compiled at its second request."""

    def __init__(
        self, schema: strawberry.Schema, *, most: int = MOST_OPERATIONS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._schema = schema
        self._leaves = Leaves()
        self._operations = RepeatCache(self._operation, most=most, most_bytes=most_bytes)
        self.reads = Reads()
        """The reads by root field, also of operations that strawberry executes."""
        self.answered = 0
        """The number of operations that compiled functions executed."""
        self.recalled = 0
        """The number of answers that came from the cache."""

    async def answer(self, operation: Operation, context: Context, *, mutations: bool = True) -> bytes | None:
        """Return the response's body; `None` if strawberry must execute the operation, or refuse it.

        The context must belong to this operation alone, and must not be used again if there is no answer.
        Mutations are executed only with `mutations`. Raise `Throttled`.
        """
        context.refuse_if_spent()
        try:
            await context.demand_sent_tokens()
        except (BadToken, GraphQLError):
            return None
        if body := self.recall(operation, context):
            return body
        cache, key = context.cache, (context.viewer.scope, *operation.key)
        ready = await self._operations.get(operation.query, operation.operation_name)
        if not isinstance(ready, CompiledOperation) or (ready.is_mutation and not mutations):
            return None
        if ready.is_subscription:
            return None
        since, size = cache.mark(), ready.size
        try:
            context.cost = cost = ready.cost(operation.variables)
            self._charge(cost, context)
            sight = context.viewer.scope.sight
            result = await ready.execute(operation.variables, context, sight=sight, yields=cost.large)
            if cost.large:
                await turns.take()  # for encoding the answer
            if result.errors:
                errors = [presentable(error, context.sent) for error in result.errors]
                forget_frames(result.errors)
                body = encoded(ExecutionResult(result.data, errors, extensions_of(context)))
            else:
                data, points = with_cost(orjson.dumps(result.data), cost), context.settle()
                body = with_freshness(data, context.reading.freshness(), context.account)
                body = with_token(body, context.token_to_tell)
                if context.cacheable and cache.capacity and not ready.is_mutation:
                    kept = _kept(data, points, self._reads_of(ready), context)
                    size_of_both = PER_ANSWER + bytes_of(kept.data) + operation.size
                    context.reading.keep(cache, key, kept, size=size_of_both, since=since)
        except (NotCovered, TypeError):  # a TypeError for a value that JSON can't hold
            if context.sent:
                raise  # A mutation is executed once.
            if context.account:
                context.account.settle(0)
            return None
        finally:
            if ready.size != size:
                self._operations.weigh(operation.query, operation.operation_name)
        self.answered += 1
        if not ready.is_mutation:
            for each in self._reads_of(ready):
                each.compiled += 1
        return body

    async def event_shape(self, operation: Operation, context: Context) -> EventShape | None:
        """Return the function that shows the events of a subscription; `None` if strawberry must do it.

        It is compiled at the second call for the same text.
        """
        ready = await self._operations.get(operation.query, operation.operation_name)
        if not isinstance(ready, CompiledOperation) or not ready.is_subscription:
            return None
        size = ready.size
        try:
            return await ready.event_shape(operation.variables, sight=context.viewer.scope.sight)
        except NotCovered:
            return None
        finally:
            if ready.size != size:
                self._operations.weigh(operation.query, operation.operation_name)

    def recall(self, operation: Operation, context: Context) -> bytes | None:
        """Return the body of a cached response; `None` if documents must be read, or waited for.

        Raise `Throttled`.
        """
        reading = context.reading
        kept: Kept | None = reading.recall(context.cache, (context.viewer.scope, *operation.key))
        if kept is None:
            return None
        data, points, reads = kept
        caller = context.caller
        budget = caller and caller.points
        if points is None:
            if budget:
                return None  # It was cached by a context without a budget, and does not tell its points.
            self._count_kept(reads)
            body = with_freshness(data, reading.freshness())
            return with_token(body, context.token_to_tell) if context.tells_token else body
        if not caller or not budget:
            return None
        left = budget.take(caller.spender(context.viewer), points)
        if left < 0:
            context.charge(points)  # which raises the refusal
        self._count_kept(reads)
        body = with_left(data, left, budget, reading.freshness())
        return with_token(body, context.token_to_tell) if context.tells_token else body

    def _count_kept(self, reads: tuple[FieldReads, ...]) -> None:
        self.recalled += 1
        for each in reads:
            each.kept += 1

    def _reads_of(self, operation: CompiledOperation) -> tuple[FieldReads, ...]:
        if operation.reads is None:
            operation.reads = self.reads.of(operation.root_fields)
        return operation.reads

    def _charge(self, cost: Cost, context: Context) -> None:
        """Charge an operation; raise `Throttled`, or `NotCovered` if it exceeds the whole budget."""
        try:
            context.charge(cost.points, cost.commands)
        except Throttled:
            raise
        except GraphQLError:
            raise NotCovered from None

    async def _operation(self, query: str, operation_name: str | None) -> CompiledOperation | NotCompiled:
        try:
            return await CompiledOperation.create(self._schema, self._leaves, query, operation_name)
        except NotCovered:
            return NotCompiled(PER_OPERATION + bytes_of(query))


def _kept(data: bytes, points: int, reads: tuple[FieldReads, ...], context: Context) -> Kept:
    if context.caller and context.caller.points:
        return Kept(compact(data + spent(points, points)), points, reads)
    return Kept(compact(data), None, reads)
