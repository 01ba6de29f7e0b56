"""The read store with a search index: MongoDB has the documents, and the index finds them by their words.

A projector's batch is applied to MongoDB first, then to the index, and counts as applied after both. What was
applied to MongoDB alone, because the service was killed in between, is made up for from the documents at the
next start. While the index may lack a change, MongoDB answers searches, too.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import RELEVANCE, Change, Collection, Document, Filter, ReadModel
from app.cqrs.documents.store import Checkpoint, DocumentChanged, Fields, Ranks, Sort
from app.cqrs.impersonal import outline
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.projecting.generations import StoredGeneration
from app.cqrs.rebuilding.differences import Report
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.fts5.completeness import Completeness
from app.stores.fts5.conditions import NotTranslatable, has_words
from app.stores.fts5.filling import Filling, cant_write_index
from app.stores.fts5.index import Hit, SearchIndex
from app.stores.fts5.sortable import NotSortable
from app.stores.fts5.tables import is_searched
from app.stores.mongo.store import MongoReadStore

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

READERS = 4
"""Threads for searches. A search takes about a millisecond, in which it holds no lock of the interpreter."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_indexed_store(documents: MongoReadStore, file: Path) -> AsyncIterator["IndexedReadStore"]:
    """Yield the read store with a search index in a file; raise `ReadStoreUnavailable`."""
    writer, readers = ThreadPoolExecutor(1, "index"), ThreadPoolExecutor(READERS, "search")
    try:
        try:
            index = await asyncio.get_running_loop().run_in_executor(writer, SearchIndex, file)
        except sqlite3.Error as error:
            raise ReadStoreUnavailable(
                f"The search index {file} can't be used: {error}.\n"
                "SEARCH_ENGINE=fts5 needs an SQLite with FTS5, and a data folder that can be written to. "
                "SEARCH_ENGINE=mongodb needs neither."
            ) from error
        try:
            yield IndexedReadStore(documents, index, writer, readers)
        finally:
            await asyncio.to_thread(readers.shutdown)
            await asyncio.to_thread(writer.shutdown)
            index.close()
    finally:
        readers.shutdown(wait=False)
        writer.shutdown(wait=False)


class IndexedReadStore:
    """The documents and checkpoints of all read models in MongoDB, with a search index beside them."""

    def __init__(
        self,
        documents: MongoReadStore,
        index: SearchIndex,
        writer: ThreadPoolExecutor,
        readers: ThreadPoolExecutor,
    ) -> None:
        self._documents = documents
        self._index = index
        self._writer, self._readers = writer, readers
        self._filling = Filling(documents, index, self._write)
        self._complete = Completeness(index.mark_damaged)
        self.passed_on = 0
        """The number of searches that MongoDB had to answer."""

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids, by id; the caller must not change them."""
        return await self._documents.get(collection, ids, fields=fields)

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
        if has_words(filter):
            found = await self._found(collection, [(None, filter)], sort=sort, limit=limit, fields=fields)
            if found is not None:
                return found
            self.passed_on += 1
        return await self._documents.find(collection, filter, sort=sort, limit=limit, fields=fields)

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
        found = await self._found(collection, ranks, sort=sort, limit=limit, fields=fields)
        if found is not None:
            return found
        self.passed_on += 1
        return await self._documents.find_ranked(collection, ranks, sort=sort, limit=limit, fields=fields)

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""
        if has_words(filter):
            count = await self._asked(collection, self._index.count, collection, filter)
            if count is not None:
                return count
            self.passed_on += 1
        return await self._documents.count(collection, filter)

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the results of an aggregation pipeline over the collection."""
        return await self._documents.aggregate(collection, pipeline)

    async def _found(
        self,
        collection: Collection,
        ranks: Sequence[tuple[int | None, Filter]],
        *,
        sort: Sort,
        limit: int,
        fields: Fields,
    ) -> list[Document] | None:
        """Return the documents that the index finds; `None` if MongoDB must be asked."""

        def search() -> list[Hit]:
            return self._index.find(collection, ranks, sort=sort, limit=limit)

        hits = await self._asked(collection, search)
        if not hits:
            return None if hits is None else []
        if fields == () and hits[0].rank is None:
            return [{"_id": hit.id} for hit in hits]
        shown = fields if fields is None or "position" in fields else (*fields, "position")
        documents = await self._documents.get(collection, [hit.id for hit in hits], fields=shown)
        found: list[Document] = []
        for hit in hits:
            document = documents.get(hit.id)
            # A change that the index does not have yet may have put the document elsewhere.
            if document is None or document["position"] != hit.position:
                return None
            own = {key: value for key, value in document.items() if shown == fields or key != "position"}
            found.append(own if hit.rank is None else {**own, RELEVANCE: hit.rank})
        return found

    async def _asked(self, collection: Collection, ask: Callable[[*Ts], T], *what: *Ts) -> T | None:
        """Return what the index answers; `None` if it may lack a change, or can't answer."""
        if self._complete.position(collection) is None:
            return None
        losses = self._complete.losses(collection)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._readers, ask, *what)
        except NotTranslatable as reason:
            said = "MongoDB answers a search: collection=%s reason=%s"
            logger.debug(said, collection.stored_as, outline(reason))
            return None
        except sqlite3.Error as error:
            self._complete.lose(collection, error)
            return None
        if self._complete.losses(collection) != losses:  # Its tables may have been emptied meanwhile.
            return None
        return answer

    async def prepare(self, model: ReadModel) -> None:
        """Create what the read model lacks in MongoDB; raise `DocumentsLost`. See `checkpoint`."""
        await self._documents.prepare(model)

    async def index(self, model: ReadModel) -> None:
        """Create the read model's missing indexes in MongoDB."""
        await self._documents.index(model)

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return the read model's checkpoint, to which the index catches up; raise `DocumentsLost`."""
        checkpoint = await self._documents.checkpoint(model)
        for collection in filter(is_searched, model.collections):
            if self._complete.position(collection) != checkpoint.position:
                await self._catch_up(model, collection, checkpoint.position)
        return checkpoint

    async def clear(self, model: ReadModel) -> None:
        """Remove the read model's documents and checkpoint; the index follows at the next checkpoint."""
        for collection in filter(is_searched, model.collections):
            self._complete.lose(collection)
        await self._documents.clear(model)

    async def generations(self, model: ReadModel) -> Sequence[StoredGeneration]:
        """Return all generations of a read model, including this program's."""
        return await self._documents.generations(model)

    async def drop(self, generation: Generation) -> None:
        """Drop a generation's documents and checkpoint, and what the index has of it."""
        await self._documents.drop(generation)
        if not self._complete.is_damaged:
            await self._filling.drop(generation.key)

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Apply all `changes` and move the checkpoint from `start` to the event `end`, or do neither.

        The index follows before this returns. If it can't, MongoDB answers searches until it does.
        """
        searched = [each for each in model.collections if is_searched(each)]
        try:
            notices = await self._documents.apply(model, changes, since=since, start=start, end=end)
        except BaseException:
            # A call that was cancelled, or not answered, may have changed the documents.
            for collection in searched:
                self._complete.lose(collection)
            raise
        for collection in searched:
            if self._complete.position(collection) is None:
                await self._catch_up(model, collection, end.position)
                continue
            ids = dict.fromkeys(each.document_id for each in notices if each.collection == collection.name)
            await self._follow(
                collection, self._filling.replace(collection, list(ids), end.position), end.position
            )
        return notices

    async def replace(
        self,
        model: ReadModel,
        ids: Mapping[str, Sequence[str]],
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        move: CheckpointMove,
    ) -> Report:
        """Make the documents with these ids anew, by collection; the index follows before this returns."""
        searched = [each for each in model.collections if is_searched(each) and each.name in ids]
        complete = [each for each in searched if self._complete.position(each) is not None]
        for collection in searched:
            self._complete.lose(collection)
            if self._complete.is_damaged:
                continue
            with cant_write_index():
                # If the service is killed, the index has fewer documents than there are, and is built anew.
                await self._filling.remove(collection, ids[collection.name])
        try:
            return await self._documents.replace(model, ids, changes, move=move)
        finally:
            for each in complete:
                now = self._filling.replace(each, ids[each.name], move.start)
                await self._follow(each, now, move.start)

    async def _catch_up(self, model: ReadModel, collection: Collection, position: int) -> None:
        self._complete.lose(collection)
        if not self._complete.is_damaged:
            await self._follow(collection, self._filling.catch_up(model, collection, position), position)

    async def _follow(self, collection: Collection, change: Any, position: int) -> None:
        try:
            await change
        except (sqlite3.Error, NotSortable, NotTranslatable, ReadStoreUnavailable) as error:
            self._complete.lose(collection, error)
        except BaseException:
            self._complete.lose(collection)
            raise
        else:
            self._complete.reach(collection, position)

    async def _write(self, work: Callable[[*Ts], T], *what: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *what)
