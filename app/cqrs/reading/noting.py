"""Reads that notice changes before they are announced, in a process that does not project."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentReader, Fields, Ranks, Sort
from app.cqrs.freshness.progress import Progress
from app.cqrs.reading.cache import ReadCache

POSITION = "position"
"""The path of the position of the event that changed a document last."""


class NotingReader:
    """A reader that records the positions that documents show.

    An announcement may be on its way when the documents show the change already. Whoever reads it gets a
    token with its position, so that their next read shows it, too; and the answer is not kept, because others
    would be given it with an older token. Numbers of documents, sums, and what is not found have no position
    of their own: the checkpoint is read after them. A page may lack a document that a change has taken from
    it, and has no position of that: without a token, it may go back for as long as an announcement is on its
    way.
    """

    def __init__(
        self,
        reader: DocumentReader,
        progress: Mapping[str, Progress],
        cache: ReadCache,
        stored: Callable[[str], Awaitable[int]],
    ) -> None:
        """Read by `reader`; `stored` reads the checkpoint of a read model from where the reader reads."""
        self._reader = reader
        self._stored = stored
        self._progress = progress
        self._cache = cache

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids, and perhaps others, by id."""
        found = await self._reader.get(collection, ids, fields=_with_position(fields))
        self._note(collection, found.values())
        if any(id not in found for id in ids):
            await self._note_stored(collection)
        return found

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        """Return up to `limit` documents that match `filter`; all of them if `limit` is 0."""
        found = await self._reader.find(
            collection, filter, sort=sort, limit=limit, fields=_with_position(fields)
        )
        await self._note_found(collection, found)
        return found

    async def find_ranked(
        self,
        collection: Collection,
        ranks: Ranks,
        *,
        sort: Sort,
        limit: int,
        fields: Fields = None,
    ) -> list[Document]:
        """Return up to `limit` documents, rank after rank, each with its rank."""
        found = await self._reader.find_ranked(
            collection, ranks, sort=sort, limit=limit, fields=_with_position(fields)
        )
        await self._note_found(collection, found)
        return found

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""
        count = await self._reader.count(collection, filter)
        await self._note_stored(collection)
        return count

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the results of an aggregation pipeline over the collection."""
        found = await self._reader.aggregate(collection, pipeline)
        await self._note_stored(collection)
        return found

    async def _note_found(self, collection: Collection, documents: Sequence[Document]) -> None:
        self._note(collection, documents)
        if not documents:
            await self._note_stored(collection)

    async def _note_stored(self, collection: Collection) -> None:
        """Note the checkpoint after a read, which the read can't have shown more than."""
        self._note_position(collection, await self._stored(collection.read_model))

    def _note(self, collection: Collection, documents: Iterable[Document]) -> None:
        shown = max((document.get(POSITION, 0) for document in documents), default=0)
        self._note_position(collection, shown)

    def _note_position(self, collection: Collection, shown: int) -> None:
        progress = self._progress[collection.read_model]
        if shown > progress.visible:
            progress.shows(shown)
            self._cache.seen_early(collection.read_model)


def _with_position(fields: Fields) -> Fields:
    return fields if fields is None or POSITION in fields else (*fields, POSITION)
