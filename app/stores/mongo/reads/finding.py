"""Reads of documents as commands, wherever these are sent to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import Fields, Ranks, Sort
from app.stores.mongo.reads.ranked import pipeline
from app.stores.mongo.reads.reading import REPLY_DOCUMENTS, projection
from app.stores.mongo.refusals import unavailable


class DocumentReads(ABC):
    """All reads of documents. Each raises `ReadStoreUnavailable` if the store does not answer."""

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids, by id; the caller must not change them."""
        wanted = {"_id": ids[0] if len(ids) == 1 else {"$in": list(ids)}}
        return {document["_id"]: document for document in await self.find(collection, wanted, fields=fields)}

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        """Return the documents that match `filter`, at most `limit` or, if that is 0, all of them."""
        command = {"find": collection.stored_as, "filter": filter, "projection": projection(fields)}
        if sort:
            command["sort"] = dict(sort)
        with unavailable():
            return await self._read({**command, "limit": limit, "batchSize": REPLY_DOCUMENTS})

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
        steps = pipeline(collection.stored_as, ranks, sort=sort, limit=limit, fields=fields)
        return await self.aggregate(collection, steps)

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""
        one = {"$group": {"_id": None, "count": {"$sum": 1}}}
        counted = await self.aggregate(collection, [{"$match": filter}, one])
        return int(counted[0]["count"]) if counted else 0

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the result of an aggregation pipeline over the collection."""
        with unavailable():
            return await self._read(
                {
                    "aggregate": collection.stored_as,
                    "pipeline": list(pipeline),
                    "cursor": {"batchSize": REPLY_DOCUMENTS},
                }
            )

    @abstractmethod
    async def _read(self, command: dict[str, Any]) -> list[Document]:
        """Return all documents that a command replies with."""
