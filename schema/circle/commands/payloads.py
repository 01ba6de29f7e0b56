"""The payloads of mutations: the changed node, and its edges for the lists that a client shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import strawberry

from app.cqrs.messages import Command
from app.cqrs.reading.pages import Listing, cursor_of
from app.graphql.execution.context import Info
from schema.circle.commands.sending import Payload
from schema.circle.nodes import Edge, Node
from schema.circle.shown import collection_of


@dataclass(frozen=True, kw_only=True)
class ListedIn:
    """The list of a node's type into which a client may put the edge of a payload."""

    name: str
    """The name of the list in descriptions, such as "`products`"."""
    listing: Listing
    """The list in its default order, by which the edge has its cursor."""


Lists = Mapping[type[Node], ListedIn]
"""The types that show the changed aggregate, each with its list."""


def payload_for(command: type[Command], mutation: str, shown: type[Node], lists: Lists) -> type[Payload]:
    """Return the payload type of a mutation.

    It has a field for the changed node as `shown`, and for each type in `lists` the node and its edge.
    """
    fields = dict(_node_field(kind) for kind in dict.fromkeys([shown, *lists]))
    fields |= dict(_edge_field(kind, listed) for kind, listed in lists.items())
    kind = type(f"{command.__name__}Payload", (Payload,), {"__module__": __name__, **fields})
    return strawberry.type(kind, description=f"The payload of the mutation `{mutation}`.")


def _node_field(kind: type[Node]) -> tuple[str, Any]:
    async def changed(self: Payload, info: Info) -> Any:
        return await self.read_back(info, collection_of(kind))

    changed.__annotations__ = {"info": Info, "return": kind | None}
    description = f"The {_spoken(kind)} after the change; null if the command was refused."
    return snake(kind.__name__), strawberry.field(resolver=changed, description=description)


def _edge_field(kind: type[Node], listed: ListedIn) -> tuple[str, Any]:
    async def edge(self: Payload, info: Info) -> Any:
        document = await self.read_back(info, collection_of(kind))
        return document and Edge(cursor=cursor_of(listed.listing, document), node=cast("Any", document))

    edge.__annotations__ = {"info": Info, "return": Edge[kind] | None}  # type: ignore[valid-type]
    description = (
        f"The {_spoken(kind)} as an edge of {listed.name}, with its cursor in the default order; null if the "
        "command was refused."
    )
    return f"{snake(kind.__name__)}_edge", strawberry.field(resolver=edge, description=description)


def snake(name: str) -> str:
    """Return the name of a class as the name of a field."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _spoken(kind: type[Node]) -> str:
    return snake(kind.__name__).replace("_", " ")
