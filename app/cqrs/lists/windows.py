"""The documents that are kept of a list, its page and some more, and what they are after a change.

Most changes are applied here, without reading the page again. Whatever can't be applied for certain leads to
a read of the list.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.cqrs.documents.read_model import Document, Filter
from app.cqrs.lists.matching import comes_after, matches
from app.cqrs.reading.pages import Listing
from app.cqrs.reading.sources import Source, listed

SPARE = 20
"""Documents after the page. So many can leave the page before others must be read."""


class _NotKnown(Exception):
    """Only a read can tell what the list shows."""


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """The documents with which a listing begins, in its order."""

    filter: Filter
    """The listing's filter, limited to what the viewers of the list may see."""
    keys: Sequence[tuple[str, int]]
    """The paths that sort the listing, as it has them."""
    size: int
    """Documents on the page."""
    documents: Sequence[Document]
    bound: Document | None
    """The document up to which all are known, as it was when it was the last one; `None` if all are."""
    chosen: Source
    """The source of the documents without their ids."""

    @classmethod
    def of(cls, listing: Listing, filter: Filter, size: int, found: Sequence[Document]) -> "Window":
        """Return the window of the documents that were found: all there are, if fewer than `limit`."""
        keys, bound = listing.keys, found[-1] if len(found) >= limit(size) else None
        return cls(filter, keys, size, found, bound, listed(listing.collection, filter, keys, ()))

    @property
    def source(self) -> Source:
        """The source by which changes find the list."""
        return replace(self.chosen, ids=[each["_id"] for each in self.documents])

    def after(self, ids: Collection[str], found: Mapping[str, Document]) -> "Window | None":
        """Return the window once the documents with these ids are those found; `None` if it must be read."""
        kept = [each for each in self.documents if each["_id"] not in ids]
        bound = self.bound
        try:
            for document in (found[id] for id in ids if id in found):
                if self._is_within(document):
                    kept.insert(
                        bisect_left(kept, True, key=lambda one: self._follows(document, one)), document
                    )
        except _NotKnown:
            return None
        if bound is not None and len(kept) <= self.size:
            return None
        most = limit(self.size)
        if len(kept) > most:
            kept, bound = kept[:most], kept[most - 1]
        return replace(self, documents=kept, bound=bound)

    def _is_within(self, document: Document) -> bool:
        fits = matches(self.filter, document)
        if fits is None:
            raise _NotKnown
        return fits and not (self.bound is not None and self._follows(self.bound, document))

    def _follows(self, one: Document, other: Document) -> bool:
        """Return whether the other document comes after the one."""
        after = comes_after(self.keys, one, other)
        if after is None:
            raise _NotKnown
        return after


def limit(size: int) -> int:
    """Return the number of documents to read for a page of this size."""
    return size + 1 + SPARE
