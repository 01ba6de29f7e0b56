"""What every shop can be asked: anything by its id, and how fresh the read models are."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, cast

import strawberry

from app.cqrs.documents.read_model import Collection
from app.graphql.execution.context import Info
from schema.circle.consistency import Freshness, ReadModelName
from schema.circle.ids import BadId, split_id
from schema.circle.nodes import Node, NodeId, NodeIds
from schema.circle.shown import shown_documents

MOST_NODES = 100


@cache
def node_types() -> Mapping[str, tuple[type[Node], Collection]]:
    """Return the types of nodes with where their documents are, by name; all of them must be imported."""
    return {
        kind.__name__: (kind, collection) for collection, kind in shown_documents() if issubclass(kind, Node)
    }


@strawberry.type
class NodesQuery:
    """Reads that name no context."""

    @strawberry.field(description="Anything by its global id; null where there is nothing.")
    async def node(self, info: Info, id: NodeId) -> Node | None:
        """One find by key. Relay allows no other argument here: a token goes into the header."""
        return await _read_node(info, id)

    @strawberry.field(description="Several things by their global ids, in the order of the ids.")
    async def nodes(self, info: Info, ids: NodeIds) -> list[Node | None] | None:
        """One find for each; a bad id is an error in its own place."""
        if len(ids) > MOST_NODES:
            raise BadId(f"Ask for at most {MOST_NODES} nodes at once; these are {len(ids)}.")
        return cast("list[Node | None]", [_read_node(info, id) for id in ids])

    @strawberry.field(description="How fresh each read model is, compared with the log.")
    async def freshness(
        self,
        info: Info,
        read_models: Annotated[
            list[ReadModelName] | None, strawberry.argument(description="Which; all where null.")
        ] = None,
    ) -> list[Freshness] | None:
        """From the projectors' own progress; reads no document."""
        progress = info.context.uncached_circle().progress
        names = ReadModelName.all() if read_models is None else read_models
        return [Freshness.of(progress[name.value].freshness()) for name in names]


async def _read_node(info: Info, id: str) -> Node | None:
    type_name, key = split_id(id)
    if type_name not in node_types():
        raise BadId("This is not an id. Send one as you received it.")
    _, collection = node_types()[type_name]
    found = await info.context.reading.get(collection, key, fields=info.shown)
    return cast("Node | None", found and {**found, "__typename": type_name})
