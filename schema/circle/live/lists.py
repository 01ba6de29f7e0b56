"""Lists that live: the page now, then what enters it, changes in it, moves and leaves."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

import strawberry
from strawberry.types.base import get_object_definition

from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.differences import ListChange as Change
from app.cqrs.lists.differences import ListChangeKind
from app.cqrs.lists.states import ListItem
from app.cqrs.measured.tracing import Told
from app.cqrs.reading.pages import LONGEST_PAGE, PAGE
from app.graphql.admission.connections import DocumentConnection
from app.graphql.execution.context import Info
from app.graphql.execution.subscription_state import ItemMetadata
from schema.circle.enums import describe
from schema.circle.ids import global_id
from schema.circle.listings import LISTING, listing_maker, take_arguments
from schema.circle.nodes import Edge
from schema.circle.scalars import ConsistencyToken
from schema.circle.shown import shown_by
from schema.circle.updates import CURSOR, cursor_at, started_after

T = TypeVar("T")

describe(
    ListChangeKind,
    "The kind of a change of a list.",
    {
        "ENTERED": "The node was not in the list before, and is now at `index`.",
        "CHANGED": "The node has a new state, at the same place among the nodes that have stayed.",
        "MOVED": "The node is at another place now, and may have a new state.",
        "LEFT": "The node is no longer in the list: it is gone, no longer fits, or was pushed out.",
    },
)

_First = Annotated[
    int | None,
    strawberry.argument(
        description=f"The maximum number of nodes in the list, counted from the start: 0 to {LONGEST_PAGE}. "
        f"The default is {PAGE}."
    ),
]
_Resume = Annotated[
    ConsistencyToken | None,
    strawberry.argument(
        description="The cursor of the last received item: the list goes on from there. If that state is no "
        "longer known, and after the token of a receipt, the first item has the whole list. By default it "
        "has, too."
    ),
]
_ARGUMENTS = {"first": _First, "after": _Resume}


@strawberry.type(description="A change of one node of a list.")
class ListChange(Generic[T]):
    kind: ListChangeKind = strawberry.field(description="The kind of the change.")
    node_id: strawberry.ID = strawberry.field(description="The global id of the node.")
    index: int | None = strawberry.field(
        description="The place of the node in the list after this item, from 0; null if it has left."
    )
    previous_index: int | None = strawberry.field(
        description="The place of the node in the list before this item, from 0; null if it has entered."
    )
    edge: Edge[T] | None = strawberry.field(
        description="The node in its new state, with its cursor in this order; null if it has left."
    )


@strawberry.type
class ListUpdate(DocumentConnection, Generic[T]):
    """The fields of an item of a subscription to a list."""

    paged: ClassVar[Any] = ("edges", "changes")
    item: strawberry.Private[ListItem]
    cursor: ConsistencyToken = strawberry.field(description=CURSOR)

    @strawberry.field(
        description="The whole list, if this item replaces what you have: it does at the start, after a "
        "reset, and if you were away for too long. Otherwise null, and `changes` continue the list."
    )
    def edges(self) -> list[Edge[T]] | None:
        if self.item.changes is not None:
            return None
        return [self._edge(index) for index in range(len(self.item.state.rows))]

    @strawberry.field(
        description="The changes since the previous item; empty if there are `edges`. Remove the nodes that "
        "have left or moved. Then go through the others as they are sorted here, by `index`: insert "
        "those that have entered or moved at their `index`, and replace those that have changed."
    )
    def changes(self) -> list[ListChange[T]]:
        return [self._change(each) for each in self.item.changes or ()]

    @strawberry.field(description="True if more nodes follow after the list.")
    def has_next_page(self) -> bool:
        return self.item.state.page.has_next

    @strawberry.field(
        description="The number of states of the list that were skipped since the previous item, because "
        "they came faster than they could be sent. The changes contain their outcome."
    )
    def lagged(self) -> int:
        return self.item.lagged

    @strawberry.field(
        description="True if the list is sent anew because the store was restored to an earlier state, or "
        "the read model was rebuilt. Discard what you received before."
    )
    def reset(self) -> bool:
        return self.item.reset

    def _change(self, change: Change) -> ListChange[T]:
        kind = shown_by(self.item.state.page.listing.collection.name)
        return ListChange(
            kind=change.kind,
            node_id=global_id(kind.__name__ if kind else "", change.id),
            index=change.index,
            previous_index=change.previous,
            edge=None if change.index is None else self._edge(change.index),
        )

    def _edge(self, index: int) -> Edge[T]:
        page = self.item.state.page
        node = cast("T", page.documents[index])
        return Edge(cursor=page.cursors[index], node=node, search=page.listing.search)


def live_list_field(update: type[ListUpdate[Any]], query: type, name: str, description: str) -> Any:
    """Declare a subscription to the list that a field of `query` shows.

    It takes the arguments of that field which choose and sort the documents, and makes the same listing.
    """
    fields = get_object_definition(query, strict=True).fields
    [listing] = [each.metadata[LISTING] for each in fields if each.python_name == name]
    make = listing_maker(listing)

    async def resolve(info: Info, first: _First = None, after: _Resume = None, **own: Any) -> Any:
        context, asked = info.context, make(info, own)
        read_model = asked.collection.read_model
        token, lost = await started_after(context, after)
        await context.reading.ready(read_model, [token] if token else [])
        lists, scope = context.uncached_circle().lists, context.viewer.scope
        shown: int | None = None
        async with aclosing(lists.follow(asked, first, scope=scope, after=token, lost=lost)) as items:
            async for item in items:
                before, shown = shown, item.state.position
                context.reading.reflects(item.state.freshness)
                info.demand_below([Token(item.state.position)])
                cursor = cursor_at(context, {read_model: item.state.document_position})
                context.subscription.item = ItemMetadata(
                    cursor=cursor,
                    position=item.state.position,
                    step=item.step,
                    document=None,
                    changes=1 + item.lagged,
                    continues=True,
                    told=None if before is None else Told(info.field_name, read_model, before, shown),
                )
                yield update(item=item, cursor=cursor)

    returned: Any = AsyncIterator[update]  # type: ignore[valid-type]
    take_arguments(resolve, listing, _ARGUMENTS, returned)
    return strawberry.subscription(resolver=resolve, description=description)
