"""Cascades of commands: what a client that keeps answers has to drop or to ask for again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, cast

import strawberry
from graphql import GraphQLSchema

from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.effects import MOST_DOCUMENTS, Effect
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import declared_sight
from app.graphql.internals.strawberry import core_schema
from schema.circle.commands.list_fields import ListField, concerned_fields
from schema.circle.ids import global_id
from schema.circle.nodes import Node
from schema.circle.shown import shown_by

CASCADE = (
    "The effects of {} on what a client may have read before, once all read models show them. Null if they "
    f"are no longer known, or if more than {MOST_DOCUMENTS:,} objects changed: then everything may be out of "
    "date. Computed only if it is selected."
)


@strawberry.type(description="A reference to an object that a command has changed or removed.")
class CascadeNode:
    type: str = strawberry.field(description="The name of the object's type, such as `OrderSummary`.")
    node_id: strawberry.ID = strawberry.field(description="The global id of the object.")


@strawberry.type(description="A field that may have another value after a command, for some arguments.")
class CascadeField:
    type: str = strawberry.field(
        description="The name of the type that has the field: `Query`, or the type of any node."
    )
    name: str = strawberry.field(description="The name of the field, such as `orders`.")


@strawberry.type(
    description="The effects of a command, or of several, on what a client may have read before, as far as "
    "you may see them: for clients that keep answers in a cache. Read the objects in `changed` again, drop "
    "those in `removed`, and ask again for the `fields` that you show. Any other object and field is as it "
    "was before."
)
class Cascade:
    changed: list[CascadeNode] = strawberry.field(
        description="The objects that have another state now, and the new ones."
    )
    removed: list[CascadeNode] = strawberry.field(description="The objects that do not exist any more.")
    fields: list[CascadeField] = strawberry.field(
        description="The fields that may show other objects, another order, or other counts and sums. Those "
        "of `Query` come first."
    )

    @classmethod
    async def of(cls, info: Info, positions: Sequence[int], at_least: Iterable[Token]) -> Self | None:
        """Return the cascade of the commands that have recorded the events at these positions, if known."""
        context = info.context
        effects = await context.uncached_circle().effects.of(
            positions, context.reading, at_least, scope=context.viewer.scope
        )
        if effects is None:
            return None
        core = core_schema(info.schema)
        concerned = cast("set[ListField]", effects.concerned(concerned_fields(core)))
        return cls(
            changed=[*_nodes(each for each in effects.documents if not each.removed)],
            removed=[*_nodes(each for each in effects.documents if each.removed)],
            fields=[
                CascadeField(type=each.type, name=each.name)
                for each in sorted(concerned, key=lambda each: (each.type != "Query", each))
                if context.viewer.scope.sight.includes(_sight(core, each))
            ],
        )


def _nodes(effects: Iterable[Effect]) -> Iterator[CascadeNode]:
    for each in effects:
        kind = shown_by(each.collection.name)
        if kind and issubclass(kind, Node):
            yield CascadeNode(type=kind.__name__, node_id=global_id(kind.__name__, each.id))


def _sight(core: GraphQLSchema, field: ListField) -> Sight:
    """Return the lowest sight with which a viewer may ask for a field."""
    kind: Any = core.type_map[field.type]
    return declared_sight(kind.fields[field.name]) or Sight.ANONYMOUS
