"""The question whether a new document may enter a list, answered without a read.

An answer of true may be wrong, and costs a read. An answer of false is always right.
"""

from app.cqrs.documents.read_model import Document
from app.cqrs.lists.matching import comes_after, matches
from app.cqrs.reading.pages import Listing


def may_enter(listing: Listing, last: Document | None, document: Document) -> bool:
    """Return whether what is kept of a listing may be something else once there is this document.

    The document has its `_id`, and is not among those kept. `last` is the last of these in the order of the
    listing; `None` if no others come after it.
    """
    if matches(listing.filter, document) is False:
        return False
    return listing.search is not None or last is None or not comes_after(listing.keys, last, document)
