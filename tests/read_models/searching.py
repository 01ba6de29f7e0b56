"""Searches of read models as the API makes them: with what the viewer may see, page by page."""

from collections.abc import Sequence

from app.cqrs.documents.read_model import Document
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from app.cqrs.reading.pages import Listing, Page, PageArguments
from app.cqrs.reading.reading import Reading
from app.cqrs.viewers import OPEN, Scope


def reading(store: DocumentReader, read_model: str, scope: Scope = OPEN.scope) -> Reading:
    """The reads of an operation that waits for nothing."""
    return Reading(reader=store, progress={read_model: Progress(read_model, Head())}, patience=0, scope=scope)


async def page(
    store: DocumentReader,
    listing: Listing,
    scope: Scope = OPEN.scope,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Page:
    """A page of a listing."""
    reads = reading(store, listing.collection.read_model, scope)
    return await reads.page(listing, PageArguments(first=first, after=after, last=last, before=before))


async def all_found(store: DocumentReader, listing: Listing) -> Sequence[Document]:
    """Every document of a listing, in its order."""
    found = await page(store, listing, first=100)
    assert not found.has_next
    return found.documents
