"""The executor of operations that are not compiled, which yields to other tasks between items of a list."""

from collections.abc import Generator
from typing import Any

from graphql import GraphQLOutputType, GraphQLResolveInfo, get_named_type, is_composite_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path

from app.graphql.admission.turns import turns
from app.graphql.core.collected_fields import EventExecutor


class YieldingExecutor(EventExecutor):
    """An executor that completes a list item in a later turn of the loop once this turn was long enough.

    A subscription or a mutation may return thousands of values, and introspection the whole schema. For each
    graphql-core takes microseconds, and it would complete all of them before any other task runs.
    """

    def complete_list_item_value(
        self,
        item: Any,
        complete_results: list[Any],
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        item_path: Path,
        position_context: Any,
    ) -> bool:
        """Add an item's result, or an awaitable of it; return whether it is an awaitable."""
        if not is_composite_type(get_named_type(item_type)) or not turns.over():
            return super().complete_list_item_value(
                item, complete_results, item_type, field_details_list, info, item_path, position_context
            )
        later = self.complete_awaitable_list_item_value(
            _InItsTurn(item), item_type, field_details_list, info, item_path, position_context
        )
        complete_results.append(later)
        return True


class _InItsTurn:
    """An awaitable of an item: no coroutine, because the item is dropped if its operation is cancelled."""

    __slots__ = ("_item",)

    def __init__(self, item: Any) -> None:
        self._item = item

    def __await__(self) -> Generator[Any, None, Any]:
        yield from turns.next().__await__()
        return self._item
