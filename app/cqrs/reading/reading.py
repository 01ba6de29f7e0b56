"""The reads of one operation: they show what the viewer may see, and wait for the client's tokens."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentReader, Fields
from app.cqrs.freshness.progress import Freshness, Progress
from app.cqrs.freshness.tokens import Token
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.pages import Listing, Page, PageArguments, PageFind, page_find, page_of
from app.cqrs.reading.sources import Source, all_of, counted, listed, reads_elsewhere
from app.cqrs.searching.search import beginning_with
from app.cqrs.viewers import Scope

T = TypeVar("T")


class ReadsElsewhere(Exception):
    """An aggregation that reads other collections, whose audiences and tokens nothing would heed."""


class Reading:
    """The reads of one GraphQL operation, which show what its viewer may see, consistent with its tokens.

    A document that the viewer may not see is read as if there were none: see `Collection.seen_by`.
    Every read returns documents that contain at least the events up to the tokens in `demanded`, or raises
    `ReadModelBehind` after `patience` seconds.
    """

    def __init__(
        self, *, reader: DocumentReader, progress: Mapping[str, Progress], patience: float, scope: Scope
    ) -> None:
        self._reader = reader
        self._scope = scope
        self._progress = progress
        self._patience = patience
        self.demanded: list[Token] = []
        self.reflected = 0
        """The highest position that the answers so far reflect."""
        self.reads = self.documents = 0
        """The numbers of reads, and of documents that they showed; a joined read counts for each caller."""
        self._sources: list[Callable[[], Source]] = []  # Only an answer that is kept needs them.
        self._first_freshness: dict[str, Freshness] = {}
        self._awaited: dict[str, int] = {}
        """The position that this operation must see, by read model, for those that it has read."""

    def keep(self, cache: ReadCache, key: Hashable, value: Any, *, size: int, since: int) -> None:
        """Keep an answer that depends on these reads only, and whose mark `since` was taken before them.

        `size` is the size of key and value, in bytes.
        """
        cache.put(
            key,
            value,
            size=size,
            read_models=self._first_freshness,
            sources=self.sources(),
            since=since,
        )

    def sources(self) -> list[Source]:
        """Return what the reads so far depend on."""
        return [source() for source in self._sources]

    def forget_sources(self) -> None:
        """Forget what the reads so far depend on, because no answer will be made of them any more."""
        self._sources.clear()

    async def ready(self, read_model: str, at_least: Iterable[Token] = ()) -> None:
        """Wait until `read_model` has reached the tokens of this operation and of this read."""
        progress, first = self._progress[read_model], read_model not in self._first_freshness
        if first:
            self.reflects(progress.freshness())
        wanted = max(self._wanted_of(read_model, at_least), self._awaited.get(read_model, 0))
        self._awaited[read_model] = wanted
        if not progress.holds(wanted):
            await progress.wait_for(wanted, self._patience)
            if first:
                self.reflects(progress.freshness())
        self._reflect_visible(progress)

    def reflects(self, freshness: Freshness) -> None:
        """Record that later reads are at least this fresh; they may be fresher."""
        self._first_freshness[freshness.read_model] = freshness

    async def get(
        self, collection: Collection, id: str, at_least: Iterable[Token] = (), *, fields: Fields = None
    ) -> Document | None:
        """Return the document with this id; `None` if there is none."""
        return (await self.get_many(collection, [id], at_least, fields=fields))[0]

    async def get_many(
        self,
        collection: Collection,
        ids: Sequence[str],
        at_least: Iterable[Token] = (),
        *,
        fields: Fields = None,
    ) -> list[Document | None]:
        """Return the documents with these ids, in their order; `None` for each that does not exist.

        Viewers of all scopes read together, so each document is read with its owner and compared afterwards.
        """
        seen_by, scope = collection.seen_by, self._scope
        fields = seen_by.with_owner(fields)
        await self.ready(collection.read_model, at_least)
        found = await self._read_consistently(
            collection, lambda: self._reader.get(collection, ids, fields=fields)
        )
        self._add_source(collection, lambda: Source(collection, ids))
        documents = [found.get(id) for id in ids]
        seen = [each if each and seen_by.includes(scope, each) else None for each in documents]
        # What was found for others must not count: a viewer would learn from the cost that it exists.
        self.documents += sum(each is not None for each in seen)
        return seen

    async def page(
        self,
        listing: Listing,
        arguments: PageArguments,
        at_least: Iterable[Token] = (),
        *,
        fields: Fields = None,
    ) -> Page:
        """Return a page of a listing; raise `BadPage` for arguments or cursors that can't be followed."""
        find = page_find(listing, arguments, fields)
        found = await self._found(find, at_least)
        if not found and listing.search and (misspelt := await self._misspelt(listing)):
            forgiving = replace(listing, search=listing.search.forgiving(misspelt))
            find = page_find(forgiving, arguments, fields)
            found = await self._found(find, at_least)
        return page_of(find, found)

    async def beginning(self, listing: Listing, count: int) -> list[Document]:
        """Return the first documents, at most `count`, of a listing without a search."""
        return await self._found(replace(page_find(listing, PageArguments(first=0)), limit=count), ())

    async def first(
        self, listing: Listing, at_least: Iterable[Token] = (), *, fields: Fields = None
    ) -> Document | None:
        """Return the first document of a listing, such as the one with a unique value, or `None`."""
        page = await self.page(listing, PageArguments(first=1), at_least, fields=fields)
        return next(iter(page.documents), None)

    async def _found(self, find: PageFind, at_least: Iterable[Token]) -> list[Document]:
        """Return the documents of a page, and of one more."""
        collection, sort = find.listing.collection, find.sort
        filter = collection.seen_by.limited(find.filter, self._scope)
        await self.ready(collection.read_model, at_least)
        if find.ranks is None:
            found = await self._read_consistently(
                collection,
                lambda: self._reader.find(
                    collection, filter, sort=sort, limit=find.limit, fields=find.fields
                ),
            )
            self._add_source(collection, lambda: listed(collection, filter, sort, found))
        else:
            found = await self._found_by_rank(find)
        self.documents += len(found)
        return found

    async def _found_by_rank(self, find: PageFind) -> list[Document]:
        collection = find.listing.collection
        limited = [(rank, collection.seen_by.limited(each, self._scope)) for rank, each in find.ranks or ()]
        if not limited:
            return []
        read = await self._read_consistently(
            collection,
            lambda: self._reader.find_ranked(
                collection, limited, sort=find.sort, limit=find.limit, fields=find.fields
            ),
        )
        found: dict[str, Document] = {}
        for document in read:  # A document that changes meanwhile may be in two ranks.
            found.setdefault(document["_id"], document)
        # A document is in one of the ranks. Whatever all of them had to meet would hide changes of others.
        filter = collection.seen_by.limited(find.filter, self._scope)
        decisive = {"$and": [filter, {"$or": [each for _, each in limited]}]}
        self._add_source(collection, lambda: listed(collection, decisive, find.sort, read))
        return list(found.values())

    async def _misspelt(self, listing: Listing) -> Sequence[str]:
        """Return the words of a search that no word begins with in any document that the viewer may see.

        It is asked once a search has found nothing. If it has found something, all its words are known.
        """
        collection = listing.collection
        return [
            word
            for word in (listing.search.may_be_misspelt if listing.search else ())
            if not await self._any(collection, collection.seen_by.limited(beginning_with(word), self._scope))
        ]

    async def _any(self, collection: Collection, filter: Filter) -> bool:
        found = await self._read_consistently(
            collection, lambda: self._reader.find(collection, filter, limit=1, fields=())
        )
        self._add_source(collection, lambda: listed(collection, filter, (), found))
        return bool(found)

    async def count(self, listing: Listing) -> int:
        """Return the number of documents in the whole listing."""
        await self.ready(listing.collection.read_model)
        collection = listing.collection
        filter = collection.seen_by.limited(listing.matching, self._scope)
        count = await self._read_consistently(collection, lambda: self._reader.count(collection, filter))
        self._add_source(collection, lambda: counted(collection, filter))
        return count

    async def aggregate(
        self,
        collection: Collection,
        pipeline: Sequence[Mapping[str, Any]],
        at_least: Iterable[Token] = (),
    ) -> list[Document]:
        """Return the results of an aggregation over a collection; raise `ReadsElsewhere`."""
        if reads_elsewhere(pipeline):
            raise ReadsElsewhere(f"The aggregation over {collection.name} reads another collection.")
        if seen := collection.seen_by.filter_for(self._scope):
            pipeline = [{"$match": seen}, *pipeline]
        await self.ready(collection.read_model, at_least)
        found = await self._read_consistently(
            collection, lambda: self._reader.aggregate(collection, pipeline)
        )
        self._add_source(collection, lambda: all_of(collection))
        self.documents += len(found)
        return found

    def recall(self, cache: ReadCache, key: Hashable) -> Any:
        """Return the kept answer, and record the freshness that its reads would have now.

        Returns `None` if there is none, or if a read would have to wait.
        """
        entry = cache.get(key)
        if entry is None:
            return None
        for name in entry.read_models:
            if not self._progress[name].holds(self._wanted_of(name)):
                return None
        for name in entry.read_models:
            progress = self._progress[name]
            self.reflects(progress.freshness())
            self._reflect_visible(progress)
        return entry.value

    def freshness(self) -> list[Freshness]:
        """Return the freshness of each read model when it was first read, in that order."""
        return list(self._first_freshness.values())

    def _wanted_of(self, read_model: str, at_least: Iterable[Token] = ()) -> int:
        """Return the position that the client must see of a read model."""
        tokens = [*self.demanded, *at_least]
        return max(token.position_in(read_model) for token in tokens) if tokens else 0

    async def _read_consistently(self, collection: Collection, read: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `read`, repeated if the documents may have been lost or set back meanwhile."""
        self.reads += 1
        progress = self._progress[collection.read_model]
        while True:
            doubts = progress.doubts
            found = await read()
            if progress.doubted or progress.doubts != doubts:
                self.reflects(progress.freshness())
            if progress.doubts == doubts:
                return found
            await self.ready(collection.read_model)

    def _add_source(self, collection: Collection, source: Callable[[], Source]) -> None:
        self._sources.append(source)
        self._reflect_visible(self._progress[collection.read_model])

    def _reflect_visible(self, progress: Progress) -> None:
        """Record the highest position that a read may show, before it begins and again after it has ended.

        No later read may show less.
        """
        self.reflected = max(self.reflected, progress.visible)
