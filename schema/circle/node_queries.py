"""The queries that every shop has: objects by global id, and the freshness of read models."""

from typing import Annotated, cast

import strawberry

from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.ids import BadId, not_an_id, split_id
from schema.circle.nodes import Node, NodeId, NodeIds, linked_node, node_types

MOST_NODES = 100


@strawberry.type
class NodesQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(description="The object with this global id; null if there is none.")
    async def node(self, info: Info, id: NodeId) -> Node | None:
        # Relay allows no other argument here, so a token can only come in the header.
        return await _read_node(info, id)

    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(
        description="The objects with these global ids, in the same order; null for an id without an "
        "object. An invalid id is an error of its own item only."
    )
    async def nodes(self, info: Info, ids: NodeIds) -> list[Node | None] | None:
        if len(ids) > MOST_NODES:
            raise BadId(f"Ask for at most {MOST_NODES} nodes at once; these are {len(ids)}.")
        return cast("list[Node | None]", [_read_node(info, id) for id in ids])

    @visible_to(Sight.STAFF)
    @strawberry.field(description="The freshness of read models, compared with the newest event in the log.")
    async def freshness(
        self,
        info: Info,
        read_models: Annotated[
            list[ReadModelName] | None,
            strawberry.argument(description="The names of the read models. By default all are returned."),
        ] = None,
    ) -> list[Freshness] | None:
        progress = info.context.uncached_circle().progress
        names = ReadModelName.all() if read_models is None else read_models
        return [Freshness.of(progress[name.value].freshness()) for name in names]


async def _read_node(info: Info, id: str) -> Node | None:
    type_name, _ = split_id(id)
    if type_name not in node_types():
        raise not_an_id(id)
    return await linked_node(info, id)
