"""Executors of subscriptions that free everything of an event after it was sent."""

from typing import Any, cast

from graphql import ExecutionResult
from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.core.async_helpers import use_weak_helpers
from app.graphql.internals.graphql_core import collect_into


class _ShownEvent:
    """An event that a compiled function has shown, in the place of the executor that would show it."""

    __slots__ = ("_data",)

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def execute_operation(self, *_arguments: Any, **_options: Any) -> ExecutionResult:
        """Return the result."""
        return ExecutionResult(self._data)


class EventExecutor(StrawberryGraphQLCoreExecutionContext):
    """An executor that is freed when it ends, and keeps nothing of a subscription's earlier events.

    In graphql-core 3.3.2 all events share one dictionary, to which each adds lists that no later event reads.
    An open subscription would grow by about 2 kB per item.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        use_weak_helpers(self)

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """Return the executor of one event: a compiled function's result, or a copy with its own dictionary.

        A copy would take longer than the function, for each list and each change of it.
        """
        subscription = getattr(self.context_value, "subscription", None)
        if subscription is not None and subscription.show is not None:
            data = subscription.shown(payload, self.context_value)
            if data is not None:
                return cast("Executor[Any]", _ShownEvent(data))
        executor: Executor[Any] = super().build_per_event_executor(payload)
        collect_into(executor, {})
        return executor
