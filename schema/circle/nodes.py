"""Relay's building blocks: nodes, connections, and the arguments they share."""

from enum import Enum
from typing import Annotated, Any, Generic, Self, TypeVar, cast

import strawberry
from graphql import GraphQLResolveInfo

from app.cqrs.reading.pages import LONGEST_PAGE, Listing, Page, PageArguments
from app.graphql.admission.connections import OfDocuments
from app.graphql.execution.context import Info
from schema.circle.enums import describe
from schema.circle.ids import global_id
from schema.circle.scalars import ConsistencyToken

T = TypeVar("T")

AtLeast = Annotated[
    list[ConsistencyToken] | None,
    strawberry.argument(description="Wait until the answer holds what these tokens stand for."),
]
First = Annotated[
    int | None, strawberry.argument(description=f"The first so many, at most {LONGEST_PAGE}; 20 by default.")
]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[
    int | None,
    strawberry.argument(description=f"The last so many instead, at most {LONGEST_PAGE}."),
]
NodeId = Annotated[strawberry.ID, strawberry.argument(description="Its global id, as you received it.")]
NodeIds = Annotated[
    list[strawberry.ID],
    strawberry.argument(description="Their global ids, as you received them; at most 100."),
]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


class SortDirection(Enum):
    """Ascending or descending."""

    ASC = "ASC"
    DESC = "DESC"


describe(
    SortDirection,
    "Which way a list is sorted.",
    {"ASC": "Lowest, first or oldest on top.", "DESC": "Highest, last or newest on top."},
)


def page(first: First, after: After, last: Last, before: Before) -> PageArguments:
    """The page that a field's arguments ask for."""
    return PageArguments(first=first, after=after, last=last, before=before)


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    """A document with a global id; the type's name is part of it."""

    @strawberry.field(description="A globally unique id, opaque.")
    def id(document: strawberry.Parent[Any], info: Info) -> strawberry.ID:
        """Made from the type's name and the document's own key."""
        return global_id(info.path.typename, document["_id"])

    @classmethod
    def is_type_of(cls, source: object, _info: GraphQLResolveInfo[Any]) -> bool:
        """Documents fit the type they were read for; among several types they name theirs."""
        return isinstance(source, dict) and source.get("__typename", cls.__name__) == cls.__name__


@strawberry.type(description="Where a page lies in its connection.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first node.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last node.")


@strawberry.type(description="A node with its cursor.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="The node's place in this order, opaque and stable.")
    node: T = strawberry.field(description="The node.")


@strawberry.type(description="A page of nodes in an order.")
class Connection(OfDocuments, Generic[T]):
    """Relay's connection over a page of documents."""

    page: strawberry.Private[Page]

    @classmethod
    async def read(
        cls, info: Info, listing: Listing, arguments: PageArguments, at_least: AtLeast = None
    ) -> Self:
        """The connection that shows a page of a listing, read in one find."""
        tokens = await info.context.tokens(at_least)
        reading = info.context.reading
        return cls(page=await reading.page(listing, arguments, tokens, fields=info.shown))

    @strawberry.field(description="The page's nodes with their cursors.")
    def edges(self) -> list[Edge[T]]:
        """Each document with its cursor."""
        pairs = zip(self.page.cursors, self.page.documents, strict=True)
        return [Edge(cursor=cursor, node=cast("T", document)) for cursor, document in pairs]

    @strawberry.field(description="The page's nodes.")
    def nodes(self) -> list[T]:
        """The documents alone."""
        return cast("list[T]", self.page.documents)

    @strawberry.field(description="Where this page lies.")
    def page_info(self) -> PageInfo:
        """From the page's own ends."""
        cursors = self.page.cursors
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="How many nodes there are on all pages.")
    async def total_count(self, info: Info) -> int | None:
        """Counted only where it is asked for."""
        return await info.context.reading.count(self.page.listing)
