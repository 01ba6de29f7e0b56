"""Answers of a read store to a search, as far as clients see them."""

from collections.abc import Iterator
from random import Random
from typing import Any

from app.cqrs.documents.store import DocumentReader
from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import OPEN, Scope
from tests.read_models.searching import page, reading

MOST = 100
"""Documents on the longest page, with which a walk through all pages ends."""


async def answers(store: DocumentReader, listing: Listing, size: int, scope: Scope = OPEN.scope) -> list[Any]:
    """All pages of a listing, forwards and backwards, with cursors, documents and the total."""
    seen: list[Any] = []
    for side, cursor in (("first", "after"), ("last", "before")):
        arguments: dict[str, Any] = {side: size}
        for _ in range(MOST):
            part = await page(store, listing, scope, **arguments)
            seen.append([part.has_next, part.has_previous, list(part.cursors), list(part.documents)])
            further = part.has_next if side == "first" else part.has_previous
            if not further:
                break
            arguments[cursor] = part.cursors[-1 if side == "first" else 0]
        assert part.listing.search
        seen.append(sorted(part.listing.search.misspelt))
        reads = reading(store, listing.collection.read_model, scope)
        seen.append(await reads.count(part.listing))
    return seen


def sizes(random: Random) -> Iterator[int]:
    """Sizes of pages, without end."""
    while True:
        yield random.choice((1, 3, 20))
