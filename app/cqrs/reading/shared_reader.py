"""The reader that all operations share: equal reads, and reads by id, that wait at once are joined."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentReader, Fields, Ranks, Sort
from app.cqrs.together.joining import JoinedQuestions

T = TypeVar("T")

_EXACT = (str, int, float, Decimal, datetime, type(None))
"""Types whose different values have different texts, also between two types."""


class SharedReader:
    """A reader with the results of `reader`, which its callers share and must not change."""

    def __init__(self, reader: DocumentReader) -> None:
        self._reader = reader
        self._questions = JoinedQuestions()

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids by their ids, and perhaps others."""
        return await self._questions.ask(
            ("get", collection.name, fields),
            lambda wanted: self._reader.get(collection, wanted, fields=fields),
            ids,
        )

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
        return await self._answer(
            ("find", tuple(sort), limit, fields),
            collection,
            filter,
            lambda: self._reader.find(collection, filter, sort=sort, limit=limit, fields=fields),
        )

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
        return await self._answer(
            ("find_ranked", tuple(sort), limit, fields),
            collection,
            ranks,
            lambda: self._reader.find_ranked(collection, ranks, sort=sort, limit=limit, fields=fields),
        )

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""
        return await self._answer(
            ("count",), collection, filter, lambda: self._reader.count(collection, filter)
        )

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the results of an aggregation pipeline over the collection."""
        return await self._answer(
            ("aggregate",), collection, pipeline, lambda: self._reader.aggregate(collection, pipeline)
        )

    async def _answer(
        self, how: tuple[Any, ...], collection: Collection, what: object, read: Callable[[], Awaitable[T]]
    ) -> T:
        if not is_exact(what):
            return await read()
        return await self._questions.ask((*how, collection.name, repr(what)), lambda _: read())


def is_exact(value: object) -> bool:
    """Return whether an equal text means an equal value."""
    match value:
        case dict():
            return all(is_exact(each) for pair in value.items() for each in pair)
        case list() | tuple():
            return all(map(is_exact, value))
        case _:
            return type(value) in (*_EXACT, bool)
