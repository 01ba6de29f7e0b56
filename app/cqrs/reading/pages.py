"""Listings and their pages: the find for a page, and the page from the found documents.

A cursor contains the sort key of a document, not a count: it stays valid if documents are added or removed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import RELEVANCE, Collection, Document, Filter
from app.cqrs.documents.store import Fields, Sort
from app.cqrs.reading.cursors import NotACursor, decoded, encoded
from app.cqrs.reading.ranks import beyond, ranks_between
from app.cqrs.searching.search import Search

PAGE, LONGEST_PAGE = 20, 100
"""Documents on a page by default, and at most."""

MATCHES = "matches"
"""The path that stands for all fields of a document in which the listing searches."""


class BadPage(Exception):
    """The page arguments can't be followed; the message says what to send instead."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that match a filter and are found by a search, in an order.

    `order` is a list of field paths, a leading `-` for descending; `_id` settles ties. Its first path may be
    `RELEVANCE`, which has no effect without a search.
    """

    collection: Collection
    filter: Filter
    """The conditions besides the search."""
    order: Sequence[str]
    search: Search | None = None

    @property
    def matching(self) -> Filter:
        """The filter for all documents of the listing."""
        return _both(self.filter, self.search.filter) if self.search else self.filter

    @property
    def ranks(self) -> Sequence[Filter] | None:
        """A filter for each rank, if the listing is in the order of relevance; `None` otherwise."""
        if not self.search or self.order[0].removeprefix("-") != RELEVANCE:
            return None
        return [_both(self.filter, rank) for rank in self.search.ranks]

    @property
    def keys(self) -> Sequence[tuple[str, int]]:
        """The paths that sort the listing, each with 1 for ascending or -1 for descending."""
        keys = [_direction(path) for path in self.order]
        keys.append(("_id", keys[-1][1]))  # The same direction, so that one index serves both ways.
        return keys if self.search else [key for key in keys if key[0] != RELEVANCE]


def _both(one: Filter, other: Filter) -> Filter:
    return {"$and": [one, other]} if one and other else one or other


@dataclass(frozen=True, kw_only=True)
class PageArguments:
    """Relay's page arguments."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def backward(self) -> bool:
        """True if the page is counted from its end."""
        return self.last is not None

    @property
    def size(self) -> int:
        """The requested number of documents; raises `BadPage` if the arguments are not valid."""
        if self.first is not None and self.last is not None:
            raise BadPage("Give first or last, not both.")
        size = self.last if self.last is not None else self.first
        if size is not None and not 0 <= size <= LONGEST_PAGE:
            raise BadPage(f"first and last take 0 to {LONGEST_PAGE}, not {size}.")
        return PAGE if size is None else size


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some documents of a listing, in its order, each with its cursor."""

    listing: Listing
    documents: Sequence[Document]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, kw_only=True)
class PageFind:
    """The one read for a page, and one document more to know whether there is another page."""

    listing: Listing
    arguments: PageArguments
    filter: Filter
    """The filter for the documents of this page and all beyond it."""
    sort: Sort
    limit: int
    fields: Fields
    ranks: Sequence[tuple[int, Filter]] | None = None
    """Filters for the documents of each rank, in the order of the page; `None` if there are no ranks."""


def page_find(listing: Listing, arguments: PageArguments, fields: Fields = None) -> PageFind:
    """Return how to find a page; raise `BadPage` for arguments or cursors that can't be followed."""
    size, keys, ranks = arguments.size, listing.keys, listing.ranks
    turned = -1 if arguments.backward else 1
    bounds = [
        (_decode(cursor, keys), sign)
        for cursor, sign in ((arguments.after, 1), (arguments.before, -1))
        if cursor is not None
    ]
    if fields is not None:
        fields = _with_searched(fields, listing.search)  # Cursors need the paths of the order.
        fields = (*fields, *(path for path, _ in keys if path not in (*fields, RELEVANCE)))
    bounded = [] if ranks is not None else [beyond(keys, values, sign) for values, sign in bounds]
    return PageFind(
        listing=listing,
        arguments=arguments,
        filter={"$and": [listing.matching, *bounded]} if bounded else listing.matching,
        sort=[(path, direction * turned) for path, direction in keys],
        limit=size + 1,
        fields=fields,
        ranks=None if ranks is None else ranks_between(ranks, keys, bounds)[::turned],
    )


def _with_searched(fields: tuple[str, ...], search: Search | None) -> tuple[str, ...]:
    if MATCHES not in fields:
        return fields
    searched = [path for paths in search.fields.values() for path in paths] if search else []
    return tuple(dict.fromkeys(path for path in (*fields, *searched) if path != MATCHES))


def page_of(find: PageFind, found: Sequence[Document]) -> Page:
    """Return the page of the documents that `find` has found."""
    listing, arguments = find.listing, find.arguments
    size, backward = arguments.size, arguments.backward
    more, documents = len(found) > size, found[:size]
    if backward:
        documents = documents[::-1]
    return Page(
        listing=listing,
        documents=documents,
        cursors=_Cursors(documents, listing.keys),
        # A cursor was that of a document, which lies outside the page: there is another page on its side.
        has_next=arguments.before is not None or (more and not backward),
        has_previous=arguments.after is not None or (more and backward),
    )


def cursor_of(listing: Listing, document: Document) -> str:
    """Return the cursor of a document, which was read whole, in the order of a listing."""
    cursor: str = _Cursors([document], listing.keys)[0]
    return cursor


@dataclass(frozen=True)
class _Cursors(Sequence[str]):
    """The cursors of documents, each encoded on access: often only the last one is needed."""

    documents: Sequence[Document]
    keys: Sequence[tuple[str, int]]

    def __len__(self) -> int:
        return len(self.documents)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Cursors(self.documents[index], self.keys)
        document = self.documents[index]
        return encoded(_order_of(self.keys), [value_at(document, path) for path, _ in self.keys])


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, such as `price.amount`."""
    value: Any = document
    for step in path.split("."):
        value = value[step]
    return value


def _direction(path: str) -> tuple[str, int]:
    return (path[1:], -1) if path.startswith("-") else (path, 1)


def _order_of(keys: Sequence[tuple[str, int]]) -> list[str]:
    return [path if direction > 0 else f"-{path}" for path, direction in keys[:-1]]


def _decode(cursor: str, keys: Sequence[tuple[str, int]]) -> list[Any]:
    try:
        order, values = decoded(cursor)
    except NotACursor:
        raise BadPage("This is not a cursor. Send one as you received it.") from None
    if order != _order_of(keys) or len(values) != len(keys):
        raise BadPage("This cursor is of another order. Start again without it.")
    if keys[0][0] == RELEVANCE and not isinstance(values[0], int):
        raise BadPage("This is not a cursor. Send one as you received it.")
    return values
