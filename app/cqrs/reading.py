"""One operation's reads: each waits for what the client must see, and notes what it saw."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.cqrs.documents import DocumentReader, Fields
from app.cqrs.pages import Listing, Page, PageArguments, read_page
from app.cqrs.progress import Freshness, Progress
from app.cqrs.read_cache import ReadCache, Source
from app.cqrs.read_model import Collection, Document
from app.cqrs.tokens import Token


@dataclass(kw_only=True)
class Reading:
    """The reads of one GraphQL operation, consistent with the tokens it came with.

    Every read returns documents that hold at least what `demanded` asks for, or raises `ReadModelBehind`
    after `patience` seconds.
    """

    reader: DocumentReader
    progress: Mapping[str, Progress]
    demanded: list[Token] = field(default_factory=list)
    patience: float
    reflected: int = 0
    """The highest position that the answers so far reflect."""
    sources: set[Source] = field(default_factory=set)
    """All that was read."""
    _touched: dict[str, Freshness] = field(default_factory=dict)

    async def ready(self, read_model: str, at_least: Iterable[Token] = ()) -> None:
        """Waits until `read_model` holds what this operation, or this read, must see."""
        wanted = max((token.position_in(read_model) for token in (*self.demanded, *at_least)), default=0)
        progress, first = self.progress[read_model], read_model not in self._touched
        if first:
            self.reflects(progress.freshness())
        await progress.wait_for(wanted, self.patience)
        if first:
            self.reflects(progress.freshness())

    def reflects(self, freshness: Freshness) -> None:
        """What is read from now on is at least this fresh; a later read may be fresher."""
        self._touched[freshness.read_model] = freshness

    async def get(
        self, collection: Collection, id: str, at_least: Iterable[Token] = (), *, fields: Fields = None
    ) -> Document | None:
        """The document with this id."""
        return (await self.get_many(collection, [id], at_least, fields=fields))[0]

    async def get_many(
        self,
        collection: Collection,
        ids: Sequence[str],
        at_least: Iterable[Token] = (),
        *,
        fields: Fields = None,
    ) -> list[Document | None]:
        """The documents with these ids, in their order; `None` for what does not exist."""
        await self.ready(collection.read_model, at_least)
        found = await self.reader.get(collection, ids, fields=fields)
        self._saw(*(Source(collection.read_model, collection.name, id) for id in ids))
        return [found.get(id) for id in ids]

    async def page(
        self,
        listing: Listing,
        arguments: PageArguments,
        at_least: Iterable[Token] = (),
        *,
        fields: Fields = None,
    ) -> Page:
        """A page of a listing."""
        await self.ready(listing.collection.read_model, at_least)
        page = await read_page(self.reader, listing, arguments, fields)
        self._saw(_all_of(listing.collection))
        return page

    async def count(self, listing: Listing) -> int:
        """How many documents a listing has in all."""
        await self.ready(listing.collection.read_model)
        count = await self.reader.count(listing.collection, listing.filter)
        self._saw(_all_of(listing.collection))
        return count

    async def aggregate(
        self,
        collection: Collection,
        pipeline: Sequence[Mapping[str, Any]],
        at_least: Iterable[Token] = (),
    ) -> list[Document]:
        """What an aggregation over a collection gives."""
        await self.ready(collection.read_model, at_least)
        found = await self.reader.aggregate(collection, pipeline)
        self._saw(_all_of(collection))
        return found

    async def recall(self, cache: ReadCache, key: Hashable, at_least: Iterable[Token] = ()) -> Any:
        """What was kept and would be read again, with the waits and claims of its reads; or `None`."""
        wanted = tuple(at_least)
        while entry := cache.get(key):
            for read_model in dict.fromkeys(source.read_model for source in entry.sources):
                await self.ready(read_model, wanted)
            if cache.get(key) is entry:  # The waits may have been for a change of just this.
                self._saw(*entry.sources)
                return entry.value
        return None

    def freshness(self) -> list[Freshness]:
        """How fresh each read model was when it was first read, in the order of touching."""
        return list(self._touched.values())

    def _saw(self, *sources: Source) -> None:
        """Notes, after a read, the latest that it may have shown: no later read may show less."""
        self.sources.update(sources)
        for source in sources:
            self.reflected = max(self.reflected, self.progress[source.read_model].visible)


def _all_of(collection: Collection) -> Source:
    return Source(collection.read_model, collection.name)
