"""Listings and their pages: the find for a page, and the page from the found documents.

A cursor contains the sort key of a document, not a count: it stays valid if documents are added or removed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

import msgspec

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import Fields, Sort
from app.cqrs.opaque import unwrapped, wrapped

PAGE, LONGEST_PAGE = 20, 100
"""Documents on a page by default, and at most."""


class BadPage(Exception):
    """The page arguments can't be followed; the message says what to send instead."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that match a filter, in an order.

    `order` is a list of field paths, a leading `-` for descending; `_id` settles ties.
    """

    collection: Collection
    filter: Filter
    order: Sequence[str]


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
    """The one find that reads a page, and one document more to know whether there is another page."""

    listing: Listing
    arguments: PageArguments
    filter: Filter
    sort: Sort
    limit: int
    fields: Fields


def page_find(listing: Listing, arguments: PageArguments, fields: Fields = None) -> PageFind:
    """Return how to find a page; raise `BadPage` for arguments or cursors that can't be followed."""
    size, keys = arguments.size, _keys(listing)
    bounds = [
        _beyond(keys, _decode(cursor, listing.order), sign)
        for cursor, sign in ((arguments.after, 1), (arguments.before, -1))
        if cursor is not None
    ]
    if fields is not None:  # Cursors need the paths of the order.
        fields = (*fields, *(path for path, _ in keys if path not in fields))
    return PageFind(
        listing=listing,
        arguments=arguments,
        filter={"$and": [listing.filter, *bounds]} if bounds else listing.filter,
        sort=[(path, -sign if arguments.backward else sign) for path, sign in keys],
        limit=size + 1,
        fields=fields,
    )


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
        cursors=_Cursors(documents, _keys(listing), listing.order),
        has_next=arguments.before is not None if backward else more,
        has_previous=more if backward else arguments.after is not None,
    )


def cursor_of(listing: Listing, document: Document) -> str:
    """Return the cursor of a document, which was read whole, in the order of a listing."""
    return _encode(document, _keys(listing), listing.order)


@dataclass(frozen=True)
class _Cursors(Sequence[str]):
    """The cursors of documents, each encoded on access: often only the last one is needed."""

    documents: Sequence[Document]
    keys: Sequence[tuple[str, int]]
    order: Sequence[str]

    def __len__(self) -> int:
        return len(self.documents)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Cursors(self.documents[index], self.keys, self.order)
        return _encode(self.documents[index], self.keys, self.order)


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, such as `price.amount`."""
    value: Any = document
    for step in path.split("."):
        value = value[step]
    return value


def _keys(listing: Listing) -> list[tuple[str, int]]:
    """Return the paths that a listing is sorted by, each with 1 for ascending or -1 for descending."""
    keys = [_direction(path) for path in listing.order]
    keys.append(("_id", keys[-1][1]))  # The same direction, so that one index serves both ways.
    return keys


def _direction(path: str) -> tuple[str, int]:
    return (path[1:], -1) if path.startswith("-") else (path, 1)


def _beyond(keys: Sequence[tuple[str, int]], values: Sequence[Any], sign: int) -> Filter:
    """Return the filter for documents after (`sign` 1) or before (-1) the one with these key values."""
    cases: list[Filter] = []
    same: dict[str, Any] = {}
    for (path, direction), value in zip(keys, values, strict=True):
        cases.append({**same, path: {"$gt" if direction * sign > 0 else "$lt": value}})
        same = {**same, path: value}
    return {"$or": cases}


_STORABLE = Context(prec=34, Emin=-6143, Emax=6144, traps=[InvalidOperation, Overflow, Inexact])
"""The decimals that document stores can hold: IEEE 754's decimal128."""


def _integer(text: str) -> int:
    value = int(text)
    value.to_bytes(8, signed=True)  # This raises `OverflowError` for more than 64 bits.
    return value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "s": str,
    "i": _integer,
    "d": _STORABLE.create_decimal,
    "t": _moment,
}
"""Parsers of values, by the tags of their types; each refuses values that a document store can't hold."""


def _tagged(value: Any) -> tuple[str, str]:
    match value:
        case str():
            return "s", value
        case datetime():
            return "t", value.replace(tzinfo=value.tzinfo or UTC).isoformat()
        case Decimal():
            return "d", str(value)
        case _:
            return "i", str(value)


def _encode(document: Document, keys: Sequence[tuple[str, int]], order: Sequence[str]) -> str:
    values = [_tagged(value_at(document, path)) for path, _ in keys]
    return wrapped(msgspec.json.encode((list(order), values)))


def _decode(cursor: str, order: Sequence[str]) -> list[Any]:
    try:
        raw = unwrapped(cursor)
        cursor_order, tagged = msgspec.json.decode(raw, type=tuple[list[str], list[tuple[str, str]]])
        values = [_READERS[tag](text) for tag, text in tagged]
        if [_tagged(value) for value in values] != tagged:
            raise ValueError("not as it was written: Python also reads signs and the digits of other scripts")
    except (ValueError, ArithmeticError, KeyError, msgspec.MsgspecError):
        raise BadPage("This is not a cursor. Send one as you received it.") from None
    if cursor_order != list(order) or len(values) != len(order) + 1:
        raise BadPage("This cursor is of another order. Start again without it.")
    return values
