"""Executors of subscriptions that keep nothing of an event once it was sent."""

from typing import Any

from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.execution.async_helpers import help_weakly
from app.graphql.internals.graphql_core import collect_into


class EventExecutor(StrawberryGraphQLCoreExecutionContext):
    """An executor that is freed at its end, and keeps nothing of an event of a subscription after that.

    graphql-core 3.3.2 has all events share one dictionary, to which each adds lists that no later event looks
    up: a subscription would grow by about 2 kB an item for as long as it is open.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        help_weakly(self)

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """Return a copy for one event, which collects sub-fields of its own."""
        executor: Executor[Any] = super().build_per_event_executor(payload)
        collect_into(executor, {})
        return executor
