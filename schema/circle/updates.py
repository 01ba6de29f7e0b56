"""Live updates: how a document's new states, and the notices of all changes, reach a client."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from graphql import GraphQLObjectType, is_object_type

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentChanged as Notice
from app.cqrs.freshness.places import Reached
from app.cqrs.freshness.tokens import LostHistory, Token
from app.cqrs.live import following as live
from app.graphql.execution.context import Context, Info
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.standing import Mark
from app.graphql.internals.strawberry import core_schema
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.ids import global_id
from schema.circle.nodes import Node
from schema.circle.scalars import ConsistencyToken, Position
from schema.circle.shown import fields_showing, shown_by

Resume = Annotated[
    ConsistencyToken | None,
    strawberry.argument(
        description=(
            "The cursor of the last item you have, or a receipt's token: goes on right after it, with the "
            "newest state of what has changed since."
        )
    ),
]


@strawberry.type
class Update:
    """What every live document comes with."""

    cursor: ConsistencyToken = strawberry.field(
        description="Where this item stands: subscribe with it as `after` to go on from here."
    )
    passed: strawberry.Private[int]
    reset: bool = strawberry.field(
        description=(
            "Whether the document is sent anew because the store was set back to an earlier state: forget "
            "what you were sent before."
        )
    )

    @strawberry.field(
        description=(
            "How many states came faster than they could be sent, and were passed over since the last item. "
            "What happened while you were away is not counted."
        )
    )
    def lagged(self, info: Info) -> int:
        """Also notes where it is asked for: of a slow subscriber's copy it is raised."""
        info.context.standing.lagged_at.append(info.path.as_list())
        return self.passed


@dataclass(frozen=True)
class Followed:
    """A document's state, and what its update shows beside it."""

    document: Document
    shown: Mapping[str, Any]


async def follow(
    info: Info, collection: Collection, filter: Filter, followed: str, after: str | None
) -> AsyncGenerator[Followed, None]:
    """The documents that fit `filter` now, then each new state of any."""
    context = info.context
    token, lost = await _start(context, after)
    await context.reading.ready(collection.read_model)
    live = context.uncached_circle().live
    async with aclosing(live.documents(collection, filter, followed, token, lost)) as states:
        async for state in states:
            context.reading.reflects(state.freshness)
            cursor = _cursor(context, {collection.read_model: state.place})
            context.standing.mark = Mark(
                cursor=cursor, step=state.place, document=state.document["_id"], passed=1 + state.lagged
            )
            shown = {"cursor": cursor, "passed": state.lagged, "reset": state.reset}
            yield Followed(state.document, shown)


@strawberry.type(description="A document of a read model has a new state.")
class DocumentChanged:
    """A notice, without the document itself."""

    read_model: ReadModelName = strawberry.field(description="The read model.")
    document_type: str | None = strawberry.field(
        description="The type that shows the document, such as `Product`; null where none does."
    )
    node_id: strawberry.ID | None = strawberry.field(
        description=(
            "The document's global id, for `node`, which is null once the document is removed. "
            "Null for what is no node, such as a `SalesDay`."
        )
    )
    changed_fields: list[str] = strawberry.field(
        description="The fields of `documentType` that may have other values than before this event."
    )
    position: Position = strawberry.field(description="The event that changed it.")
    event_type: str = strawberry.field(description="What happened, such as `OrderPaid`.")
    collection: str = strawberry.field(
        description="The collection in the document store.", deprecation_reason="Select `documentType`."
    )
    document_id: str = strawberry.field(
        description="The document's key in the document store.", deprecation_reason="Select `nodeId`."
    )
    fields: list[str] = strawberry.field(
        description="The names that the document store has for what was written.",
        deprecation_reason="Select `changedFields`.",
    )
    cursor: ConsistencyToken = strawberry.field(description="To go on from here.")


@strawberry.type(description="Nothing has changed for a while; the connection and the projectors are alive.")
class Heartbeat:
    """How fresh the read models are."""

    freshness: list[Freshness] = strawberry.field(description="One for each read model that is followed.")
    cursor: ConsistencyToken = strawberry.field(description="To go on from here.")


@strawberry.type(description="You were too slow: notices of some changes were passed over.")
class Lagged:
    """Read again what you show."""

    count: int = strawberry.field(description="How many notices.")
    cursor: ConsistencyToken = strawberry.field(description="To go on from here.")


@strawberry.type(
    description=(
        "The changes since your cursor are no longer kept, or the store was set back to an earlier state: "
        "read again what you show."
    )
)
class Reset:
    """What could not be resumed."""

    cursor: ConsistencyToken = strawberry.field(description="To go on from here.")


ReadModelUpdate = Annotated[
    DocumentChanged | Heartbeat | Lagged | Reset,
    strawberry.union("ReadModelUpdate", description="What `readModelUpdates` sends."),
]


@strawberry.type
class UpdatesSubscription:
    """Notices of changes."""

    @strawberry.subscription(
        description="Each change of a document of these read models, at least one, or of all."
    )
    async def read_model_updates(
        self,
        info: Info,
        read_models: Annotated[
            list[ReadModelName] | None, strawberry.argument(description="Which; all where null.")
        ] = None,
        after: Resume = None,
    ) -> AsyncIterator[ReadModelUpdate]:
        """Notices as the projectors give them."""
        context = info.context
        names = tuple(model.value for model in (ReadModelName.all() if read_models is None else read_models))
        if not names:
            raise BadArgument("readModels is empty. Name those to follow, or leave it out to follow all.")
        token, lost = await _start(context, after)
        if context.standing.missed and context.standing.after:
            yield Lagged(count=context.standing.missed, cursor=ConsistencyToken(context.standing.after))
            return
        async with aclosing(context.uncached_circle().live.changes(names, token, lost)) as items:
            async for told in items:
                cursor = _cursor(context, told.reached)
                passed = _passed(told.item)
                context.standing.mark = Mark(cursor=cursor, step=told.step, document=None, passed=passed)
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


def _passed(item: Notice | live.Lagged | live.Reset | live.Heartbeat) -> int:
    match item:
        case live.Lagged():
            return item.count
        case live.Heartbeat():
            return 0
    return 1


async def _start(context: Context, after: str | None) -> tuple[Token | None, bool]:
    """Where to go on from, and whether that is in a history which the log has lost."""
    cursor = after if context.standing.after is None else context.standing.after
    try:
        return (None if cursor is None else await context.uncached_circle().tokens.read(cursor)), False
    except LostHistory:
        return None, True


def _cursor(context: Context, reached: Reached) -> ConsistencyToken:
    position = min(place[0] for place in reached.values())
    return ConsistencyToken(context.uncached_circle().tokens.write(position, dict(reached)))
