"""Pages as a test reads them, straight from a store."""

from app.cqrs.documents.store import DocumentReader, Fields
from app.cqrs.reading.pages import Listing, Page, PageArguments, page_find, page_of


async def read_page(
    store: DocumentReader, listing: Listing, arguments: PageArguments, fields: Fields = None
) -> Page:
    """Return a page; raise `BadPage`."""
    find = page_find(listing, arguments, fields)
    if find.ranks is None:
        found = await store.find(
            listing.collection, find.filter, sort=find.sort, limit=find.limit, fields=find.fields
        )
    else:
        found = await store.find_ranked(
            listing.collection, find.ranks, sort=find.sort, limit=find.limit, fields=find.fields
        )
    return page_of(find, found)
