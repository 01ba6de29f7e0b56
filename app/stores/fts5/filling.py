"""Filling of the search index from the documents in MongoDB, all of them or those that have changed."""

import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import Collection, Document, Filter, ReadModel
from app.cqrs.documents.store import Sort
from app.cqrs.reading.ranks import beyond
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.fts5.index import SearchIndex
from app.stores.fts5.tables import KEY, WORDS, Tables
from app.stores.mongo.store import MongoReadStore

TOGETHER = 1_000
"""Documents that are read at once, and written in one transaction of the index."""

Write = Callable[..., Coroutine[Any, Any, Any]]
"""A function that carries out another one, with its arguments, in the thread that writes to the index."""

logger = logging.getLogger(__name__)


class Filling:
    """The one way from documents into the index; its callers are one at a time for each read model."""

    def __init__(self, documents: MongoReadStore, index: SearchIndex, write: Write) -> None:
        self._documents = documents
        self._index = index
        self._write = write

    async def replace(self, collection: Collection, ids: Sequence[str], position: int) -> None:
        """Write the documents with these ids as they are now, and remove those that are gone."""
        for first in range(0, len(ids), TOGETHER):
            some = ids[first : first + TOGETHER]
            found = await self._documents.get(collection, some, fields=_fields(collection))
            gone = [id for id in some if id not in found]
            # The position is the last to be written: a repeated batch changes nothing.
            reached = position if first + TOGETHER >= len(ids) else None
            await self._write(self._index.write, collection, list(found.values()), gone, reached)

    async def remove(self, collection: Collection, ids: Sequence[str]) -> None:
        """Remove documents that others replace, until `replace` writes them; do nothing without an index."""
        if await self._write(self._index.indexed, collection):
            await self._write(self._index.write, collection, (), ids, None)

    async def catch_up(self, model: ReadModel, collection: Collection, position: int) -> None:
        """Write what the index lacks up to the position of the documents' checkpoint."""
        origin = await self._documents.origin(model)
        indexed = await self._write(self._index.indexed, collection)
        await self._drop_others(model)
        if indexed and indexed.origin == origin and indexed.position <= position:
            changed = {"position": {"$gt": indexed.position}} if indexed.position else {}
            await self._fill(collection, changed, [("position", 1), ("_id", 1)], position)
            # Removed documents leave no trace: there are fewer than the index has.
            if await self._write(self._index.rows, collection) == await self._documents.count(collection, {}):
                return
        logger.info("The search index is built: collection=%s position=%d", collection.stored_as, position)
        await self._write(self._index.reset, collection, origin)
        await self._fill(collection, {}, [(path, 1) for path in KEY], position)
        await self._write(self._index.compact, collection)

    async def drop(self, key: str) -> None:
        """Drop what the index has of a generation."""
        for name in await self._write(self._index.names):
            if name == key or name.startswith(f"{key}_"):
                await self._write(self._index.drop, name)

    async def _drop_others(self, model: ReadModel) -> None:
        """Drop what the index has of generations whose documents exist no more."""
        existing = {model.key, *(each.key for each in await self._documents.generations(model))}
        generation = re.compile(f"(?P<key>{Generation.keys_of(model.name)})(_.+)?")
        for name in await self._write(self._index.names):
            if (found := generation.fullmatch(name)) and found["key"] not in existing:
                await self._write(self._index.drop, name)

    async def _fill(self, collection: Collection, filter: Filter, sort: Sort, position: int) -> None:
        async for documents in self._pages(collection, filter, sort):
            await self._write(self._index.write, collection, documents, (), None)
        await self._write(self._index.write, collection, (), (), position)

    async def _pages(
        self, collection: Collection, filter: Filter, sort: Sort
    ) -> AsyncIterator[Sequence[Document]]:
        """Yield all documents that match a filter, in an order whose last path is unique."""
        following: Filter = filter
        while True:
            page = await self._documents.find(
                collection, following, sort=sort, limit=TOGETHER, fields=_fields(collection)
            )
            if page:
                yield page
            if len(page) < TOGETHER:
                return
            after = beyond(sort, [page[-1][path] for path, _ in sort], 1)
            following = {"$and": [filter, after]} if filter else after


@contextmanager
def cant_write_index() -> Iterator[None]:
    """Raise `ReadStoreUnavailable` if the index can't be written to."""
    try:
        yield
    except sqlite3.Error as error:
        raise ReadStoreUnavailable("The search index can't be written to. The log says why.") from error


def _fields(collection: Collection) -> tuple[str, ...]:
    return (*Tables(collection).paths, *WORDS, "position")
