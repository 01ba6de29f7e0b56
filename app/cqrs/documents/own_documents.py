"""Reads of the documents that this process projects, whatever generation of a read model they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.cqrs.documents.read_model import Collection, Document, Filter, ReadModel
from app.cqrs.documents.store import DocumentReader, Fields, Ranks, Sort


class OwnDocuments:
    """A reader of the collections of `models`, for queries that name the collections as they are declared.

    The two differ where documents depend on a setting (see `ReadModel.in_days`), or were built anew.
    """

    def __init__(self, reader: DocumentReader, models: Iterable[ReadModel]) -> None:
        self._reader = reader
        self._own = {each.name: each for model in models for each in model.collections}

    def serve(self, model: ReadModel) -> None:
        """Read the documents of this generation from now on; reads under way end in the former one."""
        self._own.update({each.name: each for each in model.collections})

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids, and perhaps others, by id."""
        return await self._reader.get(self._own[collection.name], ids, fields=fields)

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
        own = self._own[collection.name]
        return await self._reader.find(own, filter, sort=sort, limit=limit, fields=fields)

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
        own = self._own[collection.name]
        return await self._reader.find_ranked(own, ranks, sort=sort, limit=limit, fields=fields)

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""
        return await self._reader.count(self._own[collection.name], filter)

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the results of an aggregation pipeline over the collection."""
        return await self._reader.aggregate(self._own[collection.name], pipeline)
