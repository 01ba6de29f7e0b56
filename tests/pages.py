"""Pages as a test reads them, straight from a store."""

from app.cqrs.documents.store import Fields, Finder
from app.cqrs.reading.pages import Listing, Page, PageArguments, page_find, page_of


async def read_page(store: Finder, listing: Listing, arguments: PageArguments, fields: Fields = None) -> Page:
    """Return a page; raise `BadPage`."""
    find = page_find(listing, arguments, fields)
    found = await store.find(
        listing.collection, find.filter, sort=find.sort, limit=find.limit, fields=find.fields
    )
    return page_of(find, found)
