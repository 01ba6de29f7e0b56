"""Relay's building blocks: nodes, connections, and the arguments and descriptions that they share."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar, cast
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo

from app.cqrs.documents.read_model import Collection, Document
from app.cqrs.reading.pages import LONGEST_PAGE, MATCHES, PAGE, Listing, Page, PageArguments
from app.cqrs.searching.matches import matches
from app.cqrs.searching.search import Search
from app.graphql.admission.connections import DocumentConnection
from app.graphql.compiled.parents import KEYS
from app.graphql.execution.context import Info
from schema.circle.enums import describe
from schema.circle.ids import global_id, split_id
from schema.circle.scalars import ConsistencyToken
from schema.circle.shown import shown_documents

T = TypeVar("T")

AtLeast = Annotated[
    list[ConsistencyToken] | None,
    strawberry.argument(
        description="Consistency tokens that the answer must reflect, at most 100. The read waits until it "
        "does, and fails with `READ_MODEL_BEHIND` if that takes too long. By default the read does not "
        "wait."
    ),
]
First = Annotated[
    int | None,
    strawberry.argument(
        description=f"The maximum number of nodes to return, counted from the start: 0 to {LONGEST_PAGE}. "
        f"The default is {PAGE}. Not to be combined with `last`."
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="The cursor after which the page begins, exclusive.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"The maximum number of nodes to return, counted from the end: 0 to {LONGEST_PAGE}. "
        "Not to be combined with `first`."
    ),
]
NodeId = Annotated[
    strawberry.ID, strawberry.argument(description="The global id, exactly as the API returned it.")
]
MaybeNodeId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The global id, exactly as the API returned it."),
]
NodeIds = Annotated[
    list[strawberry.ID],
    strawberry.argument(description="The global ids, exactly as the API returned them; at most 100."),
]
Before = Annotated[
    str | None, strawberry.argument(description="The cursor before which the page ends, exclusive.")
]

MOST_MATCHES = 20
"""Words of a field that are shown as found by a search."""

VERSION = "The current version of the {}, for `expectedVersion` in mutations."
LAST_POSITION = "The position of the event that last changed this document."


class SortDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


describe(
    SortDirection,
    "The direction in which a list is sorted.",
    {
        "ASC": "Ascending order: the lowest, first or oldest value comes first.",
        "DESC": "Descending order: the highest, last or newest value comes first.",
    },
)


def page(first: First, after: After, last: Last, before: Before) -> PageArguments:
    """Return the page that a field's arguments ask for."""
    return PageArguments(first=first, after=after, last=last, before=before)


@strawberry.interface(description="An object with a global id.")
class Node:
    @strawberry.field(description="The global id of the object: opaque, and unique among all objects.")
    def id(document: strawberry.Parent[Any], info: Info) -> strawberry.ID:
        return global_id(info.path.typename, document["_id"])

    @classmethod
    def is_type_of(cls, source: object, _info: GraphQLResolveInfo[Any]) -> bool:
        """Return whether a document was read for this type; a read of several types says in it which one."""
        return isinstance(source, dict) and source.get("__typename", cls.__name__) == cls.__name__


@cache
def node_types() -> Mapping[str, tuple[type[Node], Collection]]:
    """Return the types of nodes with their collections, by type name.

    The result is cached, so all types must be imported before the first call.
    """
    return {
        kind.__name__: (kind, collection) for collection, kind in shown_documents() if issubclass(kind, Node)
    }


async def linked(info: Info, collection: Collection, key: str) -> Document | None:
    """Return the document to which another one links by its key; `None` if the viewer may not see it.

    It reflects the tokens of the root field above. Links of one list are read together.
    """
    return await info.context.reading.get(collection, key, await info.tokens(), fields=info.shown)


async def read_one(
    info: Info, collection: Collection, asked: UUID | Listing, at_least: Sequence[str] | None
) -> Document | None:
    """Return the document with a key, or the first of a listing, as a root field shows it.

    `None` if there is none, or the viewer may not see it. It reflects the tokens in `at_least`.
    """
    reading, tokens = info.context.reading, await info.tokens(at_least)
    if isinstance(asked, Listing):
        return await reading.first(asked, tokens, fields=info.shown)
    return await reading.get(collection, str(asked), tokens, fields=info.shown)


async def linked_node(info: Info, id: str) -> Node | None:
    """Return the node with this global id; `None` if there is none, or the viewer may not see it."""
    type_name, key = split_id(id)
    if type_name not in node_types():
        return None
    found = await linked(info, node_types()[type_name][1], key)
    return cast("Node | None", found and {**found, "__typename": type_name})


@strawberry.type(description="Information about a page, for requesting the pages beside it.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="True if more nodes follow this page; always true with `before`."
    )
    has_previous_page: bool = strawberry.field(
        description="True if more nodes precede this page; always true with `after`."
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first node; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last node; null if the page is empty."
    )


@strawberry.type(description="A field of a node in which a search has found it.")
class SearchMatch:
    field: str = strawberry.field(description="The name of the field of the node, such as `name`.")
    words: list[str] = strawberry.field(
        description="The words of the field that the search has found, each whole, as searches compare them: "
        "in lower case and without accents. The search `ket` finds `kettle` in `Kettle, small`, and so does "
        "the misspelt `ketle`. To highlight them, bring the words of the text that you show into the same "
        f"form, and mark those that are equal. There are at most {MOST_MATCHES}."
    )


@strawberry.type(description="A node and its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="The cursor of the node in this order, for `after` and `before`: opaque, and valid while "
        "other nodes come and go."
    )
    node: T = strawberry.field(description="The node at this cursor.")
    search: strawberry.Private[Search | None] = None

    @strawberry.field(
        description="The fields in which the search of the list has found the node; empty without a search.",
        metadata={KEYS: (MATCHES,)},
    )
    def matches(self) -> list[SearchMatch]:
        found = matches(self.search, cast("Document", self.node)) if self.search else ()
        return [SearchMatch(field=name, words=words[:MOST_MATCHES]) for name, words in found]


@strawberry.type(description="A page of a sorted list of nodes.")
class Connection(DocumentConnection, Generic[T]):
    page: strawberry.Private[Page]

    @classmethod
    async def read(
        cls, info: Info, listing: Listing, arguments: PageArguments, at_least: AtLeast = None
    ) -> Self:
        """Return the connection that shows a page of a listing, read in one find; raise `BadPage`."""
        tokens = await info.tokens(at_least)
        reading = info.context.reading
        return cls(page=await reading.page(listing, arguments, tokens, fields=info.shown))

    @strawberry.field(description="The nodes of this page with their cursors.")
    def edges(self) -> list[Edge[T]]:
        pairs = zip(self.page.cursors, self.page.documents, strict=True)
        search = self.page.listing.search
        return [Edge(cursor=cursor, node=cast("T", document), search=search) for cursor, document in pairs]

    @strawberry.field(description="The nodes of this page.")
    def nodes(self) -> list[T]:
        return cast("list[T]", self.page.documents)

    @strawberry.field(description="Information about this page, for requesting the pages beside it.")
    def page_info(self) -> PageInfo:
        cursors = self.page.cursors
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="The number of nodes on all pages together.")
    async def total_count(self, info: Info) -> int | None:
        return await info.context.reading.count(self.page.listing)
