"""Live updates: the new states of documents, and the notices of all changes, as clients receive them."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from graphql import GraphQLObjectType, is_object_type

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentChanged as Notice
from app.cqrs.freshness.document_positions import ReachedPositions
from app.cqrs.freshness.tokens import LostHistory, Token
from app.cqrs.live import following as live
from app.cqrs.measured.tracing import Told
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Context, Info
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.subscription_state import ItemMetadata
from app.graphql.execution.visibility import visible_to
from app.graphql.internals.strawberry import core_schema
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.ids import global_id
from schema.circle.nodes import Node
from schema.circle.scalars import ConsistencyToken, Position
from schema.circle.shown import fields_showing, is_seen_whole, shown_by

CURSOR = "The cursor of this item. Pass it as `after` in a new subscription to resume right after this item."

Resume = Annotated[
    ConsistencyToken | None,
    strawberry.argument(
        description=(
            "The cursor of the last received item, or the token of a receipt: the subscription resumes right "
            "after it. By default it starts from the current state."
        )
    ),
]


@strawberry.type
class Update:
    """The fields that every state of a followed document has beside the document."""

    cursor: ConsistencyToken = strawberry.field(description=CURSOR)
    passed: strawberry.Private[int]
    reset: bool = strawberry.field(
        description=(
            "True if the document is sent anew because the store was restored to an earlier state, or the "
            "read model was rebuilt. Discard the items that you received before."
        )
    )

    @strawberry.field(
        description=(
            "The number of states that were skipped since the previous item, because they came faster than "
            "they could be sent. Changes between two subscriptions are not counted."
        )
    )
    def lagged(self, info: Info) -> int:
        """Return the number, and note its path: for a slow subscriber it is raised in their copy."""
        info.context.subscription.lagged_at.append(info.path.as_list())
        return self.passed


@dataclass(frozen=True)
class Followed:
    """A state of a document, and the values of the update's other fields."""

    document: Document
    shown: Mapping[str, Any]


async def follow(
    info: Info, collection: Collection, filter: Filter, followed: str, after: str | None
) -> AsyncGenerator[Followed, None]:
    """Yield the documents that fit `filter` now, then each new state of any of them.

    `followed` is the topic of their notices; `after` is the cursor or token to resume after.
    """
    context = info.context
    token, lost = await started_after(context, after)
    await context.reading.ready(collection.read_model)
    live = context.uncached_circle().live
    found = live.documents(collection, filter, followed, token, lost, scope=context.viewer.scope)
    async with aclosing(found) as states:
        async for state in states:
            context.reading.reflects(state.freshness)
            position = state.document_position[0]
            info.demand_below([Token(position)])
            cursor = cursor_at(context, {collection.read_model: state.document_position})
            context.subscription.item = ItemMetadata(
                cursor=cursor,
                position=position,
                step=state.document_position,
                document=state.document["_id"],
                changes=1 + state.lagged,
                told=Told(info.field_name, collection.read_model, position - 1, position),
            )
            shown = {"cursor": cursor, "passed": state.lagged, "reset": state.reset}
            yield Followed(state.document, shown)


@strawberry.type(
    description="A notice that a document of a read model has changed, without the document itself."
)
class DocumentChanged:
    read_model: ReadModelName = strawberry.field(description="The name of the read model.")
    document_type: str | None = strawberry.field(
        description="The name of the type that shows the document, such as `Product`; null if no type does."
    )
    node_id: strawberry.ID | None = strawberry.field(
        description=(
            "The global id of the document, for `node`, which is null once the document is removed. Null if "
            "the document is no node, such as a `SalesDay`."
        )
    )
    changed_fields: list[str] = strawberry.field(
        description="The fields of `documentType` whose values the event may have changed."
    )
    position: Position = strawberry.field(description="The position of the event that changed the document.")
    event_type: str = strawberry.field(description="The type of the event, such as `OrderPaid`.")
    collection: str = strawberry.field(
        description="The name of the collection in the document store.",
        deprecation_reason="Use `documentType` instead.",
    )
    document_id: str = strawberry.field(
        description="The key of the document in the document store.",
        deprecation_reason="Use `nodeId` instead.",
    )
    fields: list[str] = strawberry.field(
        description="The names of the changed fields in the document store.",
        deprecation_reason="Use `changedFields` instead.",
    )
    cursor: ConsistencyToken = strawberry.field(description=CURSOR)


@strawberry.type(
    description="A heartbeat with the freshness of the followed read models. It is the first item if "
    "`after` is omitted, and is sent whenever nothing has changed for a while."
)
class Heartbeat:
    freshness: list[Freshness] = strawberry.field(description="The freshness of each followed read model.")
    cursor: ConsistencyToken = strawberry.field(description=CURSOR)


@strawberry.type(
    description="A notice that changes were skipped, because the subscriber was too slow to receive them. "
    "Read the displayed data again."
)
class Lagged:
    count: int = strawberry.field(description="The number of skipped changes.")
    cursor: ConsistencyToken = strawberry.field(description=CURSOR)


@strawberry.type(
    description=(
        "A notice that the subscription could not resume: the changes since its cursor are no longer kept, "
        "the store was restored to an earlier state, or a read model was rebuilt. Read the displayed data "
        "again."
    )
)
class Reset:
    cursor: ConsistencyToken = strawberry.field(description=CURSOR)


ReadModelUpdate = Annotated[
    DocumentChanged | Heartbeat | Lagged | Reset,
    strawberry.union("ReadModelUpdate", description="An item of the subscription `readModelUpdates`."),
]


@strawberry.type
class UpdatesSubscription:
    @visible_to(Sight.STAFF)
    @strawberry.subscription(
        description="The changes of documents in read models, each as one item, and heartbeats while there "
        "are none."
    )
    async def read_model_updates(
        self,
        info: Info,
        read_models: Annotated[
            list[ReadModelName] | None,
            strawberry.argument(
                description="The names of the read models to follow, at least one. By default all are "
                "followed."
            ),
        ] = None,
        after: Resume = None,
    ) -> AsyncIterator[ReadModelUpdate]:
        context = info.context
        names = tuple(model.value for model in (ReadModelName.all() if read_models is None else read_models))
        if not names:
            raise BadArgument("readModels is empty. Name those to follow, or leave it out to follow all.")
        token, lost = await started_after(context, after)
        if context.subscription.skipped and context.subscription.after:
            yield Lagged(
                count=context.subscription.skipped, cursor=ConsistencyToken(context.subscription.after)
            )
            return
        scope = context.viewer.scope
        async with aclosing(context.uncached_circle().live.changes(names, token, lost)) as items:
            async for told in items:
                if isinstance(told.item, Notice) and not is_seen_whole(told.item.collection, scope):
                    continue
                cursor = cursor_at(context, told.reached)
                passed = _passed(told.item)
                context.subscription.item = ItemMetadata(
                    cursor=cursor,
                    position=max(position for position, _ in told.reached.values()),
                    step=told.step,
                    document=None,
                    changes=passed,
                    told=_told(info, told.item),
                )
                yield _shown(info, told.item, cursor)


def _shown(
    info: Info, item: Notice | live.Lagged | live.Reset | live.Heartbeat, cursor: ConsistencyToken
) -> DocumentChanged | Heartbeat | Lagged | Reset:
    match item:
        case Notice():
            return _changed(info, item, cursor)
        case live.Heartbeat():
            return Heartbeat(freshness=[Freshness.of(each) for each in item.freshness], cursor=cursor)
        case live.Lagged():
            return Lagged(count=item.count, cursor=cursor)
        case live.Reset():
            return Reset(cursor=cursor)


def _changed(info: Info, notice: Notice, cursor: ConsistencyToken) -> DocumentChanged:
    kind = shown_by(notice.collection)
    shown = core_schema(info.schema).get_type(kind.__name__) if kind else None
    return DocumentChanged(
        read_model=ReadModelName(notice.read_model),
        document_type=kind.__name__ if kind else None,
        node_id=global_id(kind.__name__, notice.document_id) if kind and issubclass(kind, Node) else None,
        changed_fields=_changed_fields(shown, notice) if is_object_type(shown) else [],
        position=Position(notice.position),
        event_type=notice.event_type,
        collection=notice.collection,
        document_id=notice.document_id,
        fields=list(notice.fields),
        cursor=cursor,
    )


def _changed_fields(kind: GraphQLObjectType, notice: Notice) -> list[str]:
    """Return the names of a type's fields that may have other values; all of a document that is gone."""
    return [*kind.fields] if notice.deleted else [*fields_showing(kind, notice.fields)]


def _told(info: Info, item: Notice | live.Lagged | live.Reset | live.Heartbeat) -> Told | None:
    if isinstance(item, Notice):
        return Told(info.field_name, item.read_model, item.position - 1, item.position)
    return None


def _passed(item: Notice | live.Lagged | live.Reset | live.Heartbeat) -> int:
    match item:
        case live.Lagged():
            return item.count
        case live.Heartbeat():
            return 0
    return 1


async def started_after(context: Context, after: str | None) -> tuple[Token | None, bool]:
    """Return the token to resume after, and whether it is of a history that the log has lost."""
    cursor = after if context.subscription.after is None else context.subscription.after
    try:
        return (None if cursor is None else await context.uncached_circle().tokens.read(cursor)), False
    except LostHistory:
        return None, True


def cursor_at(context: Context, reached: ReachedPositions) -> ConsistencyToken:
    """Return the cursor of a listener who has received all up to these positions."""
    position = min(document_position[0] for document_position in reached.values())
    return ConsistencyToken(context.uncached_circle().tokens.write(position, dict(reached)))
