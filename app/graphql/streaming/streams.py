"""Operations as streams of encoded results; subscribers to the same operation are sent the same bytes.

Each execution of a subscription is a task of its own, and serves many subscribers. A subscriber joins an
execution of the same operation from the same start if that has not yielded an item yet; otherwise it gets an
execution of its own. When two executions of one operation have just yielded the same step, all later items
are the same, so one of them ends and the other takes over its subscribers.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from graphql import GraphQLError

from app.cqrs.measured.sampling import place_in
from app.cqrs.measured.tracing import WITH_ERRORS, Tracing
from app.graphql.admission.budgets import SUBSCRIPTION, Throttled
from app.graphql.admission.turns import turns
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.execution.results import encoded, has_errors
from app.graphql.execution.subscription_state import SubscriptionState
from app.graphql.measured.operation_names import operation_in_text
from app.graphql.measured.traffic import Traffic
from app.graphql.streaming.executing import Item, Operations, Refused
from app.graphql.streaming.sharing import SharingKey, sharing_key
from app.graphql.streaming.subscribers import SharedExecution, SharedItem, Subscriber


class Streams:
    """The streams of all transports, whose subscribers share executions."""

    def __init__(
        self, operations: Operations, traffic: Traffic | None = None, tracing: Tracing | None = None
    ) -> None:
        self._operations = operations
        self._tracing = tracing
        self._traffic = traffic or Traffic()
        self._starting: dict[SharingKey, SharedExecution] = {}
        self._at: dict[tuple[bytes, Any], SharedExecution] = {}

    async def open(
        self, operation: Operation, context: Context, at_once: Callable[[Item], bool] = lambda _item: False
    ) -> AsyncGenerator[Item, None]:
        """Yield each result of a subscription, or the only result of a query or mutation; raise `Refused`.

        Items of a subscription for which the caller waits are given to `at_once`, and yielded only if that
        returns false. A subscriber that does not take items as they come misses some, and is told how many.
        Close the generator (`contextlib.aclosing`) to unsubscribe.
        """
        await turns.take_for(operation.query)
        context = context.with_tokens_of(operation)
        key = await self._key(operation, context)
        if key is None:
            for body in await self._answers(operation, context):
                yield Item(body, None)
            return
        try:
            context.for_operation().charge(SUBSCRIPTION)
        except GraphQLError as refusal:
            raise Refused([refusal]) from refusal

        def send_at_once(item: SharedItem) -> bool:
            if sent := at_once(item.item(0)):
                self._traffic.items += 1
                if item.delivery:
                    item.delivery.done()
            return sent

        subscriber = Subscriber(operation.after, send_at_once)
        self._join(subscriber, key, operation, context)
        self._traffic.subscribers += 1
        try:
            while True:
                if subscriber.is_behind:
                    again = replace(operation, after=subscriber.cursor)
                    key = await self._key(again, context) or key
                    self._leave(subscriber)
                    subscriber.restart()
                    self._join(subscriber, key, again, context)
                item = await subscriber.take()
                if item is None:
                    return
                lagged = subscriber.take_lagged()
                self._traffic.items += 1
                self._traffic.skipped += lagged
                if lagged and item.document is None:
                    yield await self._operations.lagged_item(lagged, subscriber.cursor, operation, context)
                    lagged = 0
                subscriber.cursor = item.cursor or subscriber.cursor
                yield item.item(lagged)
                if item.delivery:
                    item.delivery.done()
        finally:
            self._traffic.subscribers -= 1
            self._leave(subscriber)

    async def _answers(self, operation: Operation, context: Context) -> Sequence[bytes]:
        """Return the result of a query or mutation; raise `Refused`."""
        place = place_in(operation.traceparent)
        if self._tracing and self._tracing.samples(place):
            kind, name = operation_in_text(operation.query, operation.operation_name)
            with self._tracing.operation(kind, name, parent=place) as span:
                answers = await self._answers_untraced(operation, context)
                if any(map(has_errors, answers)):
                    span.fail(WITH_ERRORS)
                return answers
        return await self._answers_untraced(operation, context)

    async def _answers_untraced(self, operation: Operation, context: Context) -> Sequence[bytes]:
        with turns.operation():
            return await self._answers_in_turn(operation, context)

    async def _answers_in_turn(self, operation: Operation, context: Context) -> Sequence[bytes]:
        try:
            body = await self._operations.compiled.answer(operation, context.for_operation())
        except Throttled as refusal:
            raise Refused([refusal]) from refusal
        if body:
            return (body,)
        async with aclosing(self._operations.results(operation, context, SubscriptionState())) as answers:
            return [encoded(answer) async for answer in answers]

    async def _key(self, operation: Operation, context: Context) -> SharingKey | None:
        return await sharing_key(operation, context, self._operations.by_actor)

    def _join(self, subscriber: Subscriber, key: SharingKey, operation: Operation, context: Context) -> None:
        """Have the subscriber join an execution that has not yielded yet; start one if there is none."""
        execution = self._starting.get(key)
        if execution is None:
            execution = self._starting[key] = SharedExecution(key)
            running = self._run(execution, operation, context)
            execution.task = asyncio.create_task(running, name="subscription")
        execution.take_over({subscriber})

    def _leave(self, subscriber: Subscriber) -> None:
        if execution := subscriber.execution:
            subscriber.execution = None
            execution.subscribers.discard(subscriber)
            if not execution.subscribers:
                self._forget(execution)
                execution.task.cancel()
                del execution.task  # which keeps its end with the traceback, and so the execution

    async def _run(self, execution: SharedExecution, operation: Operation, context: Context) -> None:
        state = SubscriptionState(after=operation.after)
        ended: Exception | None = None
        try:
            async with aclosing(
                self._operations.results(operation, context, state, subscribed=True)
            ) as results:
                async for result in results:
                    metadata, lagged_at = state.take()
                    self._forget(execution)
                    item = SharedItem(result, metadata, lagged_at)
                    if self._tracing and metadata and metadata.told:
                        item.delivery = self._tracing.delivery(metadata.told, len(execution.subscribers))
                    await execution.publish(item)
                    if metadata and metadata.step is not None:
                        execution.step = metadata.step
                        host = self._at.setdefault((execution.key.operation, metadata.step), execution)
                        if host is not execution:
                            host.take_over(execution.subscribers)
                            return
                    await execution.more_wanted.wait()
        except Exception as error:
            ended = error
        finally:
            self._forget(execution)
        execution.end(ended)

    def _forget(self, execution: SharedExecution) -> None:
        """Stop offering this execution to subscribers at the step that it has left."""
        if self._starting.get(execution.key) is execution:
            del self._starting[execution.key]
        at = (execution.key.operation, execution.step)
        if self._at.get(at) is execution:
            del self._at[at]
