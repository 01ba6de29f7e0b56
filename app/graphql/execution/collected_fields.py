"""The only place that names what graphql-core keeps private: where an executor keeps collected sub-fields.

`Executor.collect_subfields` looks up the sub-fields of a list of field nodes by the list's `id`, in a
dictionary that an executor shares with its copies. No public interface reaches that dictionary.
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import Executor
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.execution.async_helpers import help_weakly

Collected = dict[tuple[GraphQLObjectType, int], tuple[FieldDetailsList, CollectedFields]]
"""Sub-fields by type and the identity of the list; the list itself is kept, so that its id stays taken."""


def collected_by(executor: Executor[Any]) -> Mapping[Any, Any]:
    """Return the sub-fields that an executor has collected."""
    return executor._relevant_sub_fields


def collect_into(executor: Executor[Any], collected: Collected) -> None:
    """Have an executor look up sub-fields in `collected`, and add there what it collects."""
    executor._relevant_sub_fields = collected


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
