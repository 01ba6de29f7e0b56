"""Followers of lists: equal lists are one, which is read again after each change that concerns it."""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Mapping
from typing import NamedTuple

from app.cqrs.documents.read_model import Document
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import Freshness, Progress, ReadModelBehind
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.states import ListItem, ListState, LiveList, digest_in, item_after
from app.cqrs.lists.windows import Window, limit
from app.cqrs.reading.pages import Listing, PageArguments, page_of
from app.cqrs.reading.reading import Reading
from app.cqrs.reading.shared_reader import is_exact
from app.cqrs.viewers import OPEN, Scope

APPLIED_AT_ONCE = 20
"""Lists to which changes are applied before others have a turn."""

MOST_TORN = 3
"""Attempts to read changed documents while they change again, before the whole list is read."""

ANNOUNCED_WITHIN = 1.0
"""Seconds to wait for the announcement of a change that documents show, before the whole list is read."""


class Changed(NamedTuple):
    """Changed documents as they are now, with what they reflect."""

    documents: Mapping[str, Document]
    position: int
    freshness: Freshness


class LiveLists:
    """The lists that are followed in this process, each kept for all its followers while there are any."""

    def __init__(
        self,
        reader: DocumentReader,
        progress: Mapping[str, Progress],
        concerned: ConcernedLists,
        *,
        patience: float,
    ) -> None:
        self._reader = reader
        self._progress = progress
        self._concerned = concerned
        self._patience = patience
        self._lists: dict[Hashable, LiveList] = {}
        self._waiting: dict[str, list[LiveList]] = {}
        """The lists to which changes will be applied together, by collection."""
        self._applying: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(
        self, listing: Listing, first: int | None, *, scope: Scope, after: Token | None, lost: bool = False
    ) -> AsyncGenerator[ListItem, None]:
        """Yield the first documents of a listing as a viewer of this scope sees them, then what changes.

        The stream begins with the whole page if `after` is no cursor of this list; with nothing if nothing
        has changed since; and otherwise with the changes, or with the whole page if the state is no longer
        remembered. `lost` means that the cursor is of a history that the log has lost, which is a reset.
        Raises `BadPage` for a `first` that can't be followed.
        """
        size = PageArguments(first=first).size
        if lost:  # Missing documents may appear while the read model is rebuilt.
            await self._progress[listing.collection.read_model].until_live()
        key = _key(listing, size, scope)
        live = self._lists.get(key)
        if live is None:
            live = self._lists[key] = LiveList(key, listing, size, scope, self._refresh)
            self._concerned.add(live)
        live.followers += 1
        try:
            state, set_backs = await self._current(live), live.set_backs
            digest = None if lost else digest_in(after, listing.collection.read_model)
            if digest != state.digest:
                yield item_after(live, live.known(digest), state, reset=lost)
            while True:
                before = state
                while (state := live.newest or before) is before:
                    await live.news()
                reset, set_backs = live.set_backs != set_backs, live.set_backs
                yield item_after(live, before, state, reset=reset)
        finally:
            live.followers -= 1
            if not live.followers:
                self._forget(live)

    async def _current(self, live: LiveList) -> ListState:
        """Return a state of the list that shows all changes that were visible when this was called."""
        if live.stale:
            self._refresh(live)
        wanted, visible = live.reads_begun + 1, self._concerned.under_way(live)
        while (
            live.newest is None
            or (live.reading and live.reads_done < wanted)
            or self._concerned.waits_for(live, visible)
        ):
            await live.news()
        return live.newest

    def _refresh(self, live: LiveList) -> None:
        if live.reading is not None or not live.followers:
            return
        if live.window is None or live.pending is None or live.incomplete:
            live.reading = asyncio.create_task(self._read_while_stale(live), name="live list")
            return
        name = live.collection.name
        if (waiting := self._waiting.get(name)) is None:
            waiting = self._waiting[name] = []
            task = self._applying[name] = asyncio.create_task(self._apply(name), name="live lists")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        waiting.append(live)
        live.reading, live.reads_with_others = self._applying[name], True

    async def _apply(self, collection: str) -> None:
        """Read the changed documents of lists once for all of them, and apply them to each."""
        lists = [each for each in self._waiting.pop(collection) if each.followers]
        pending = {each: self._begin(each) for each in lists}
        try:
            changed = await self._changed(pending)
            for number, (live, ids) in enumerate(pending.items(), 1):
                live.reading, live.reads_with_others = None, False
                if live.followers:
                    self._take(live, ids, changed)
                lists.remove(live)
                if number % APPLIED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except Exception as error:  # All who follow the lists are told, and may follow them anew.
            for live in lists:
                self._forget(live)
                live.fail(error)

    async def _changed(self, pending: Mapping[LiveList, set[str] | None]) -> "Changed | None":
        """Return the documents that the lists wait for; `None` if the lists must be read."""
        wanted = sorted(set[str]().union(*(ids or () for ids in pending.values())))
        if not wanted:
            return None
        collection = next(iter(pending)).collection
        progress = self._progress[collection.read_model]
        doubts, reading = progress.doubts, self._reading(OPEN.scope)
        documents = await reading.get_many(collection, wanted)
        found = {id: document for id, document in zip(wanted, documents, strict=True) if document}
        shown = max((document["position"] for document in found.values()), default=0)
        if (early := max(shown, reading.reflected)) > progress.announced:
            # A change that is not announced yet may have changed others, too, which were not read. Once it
            # is, the lists find that they are torn, and read all of its documents.
            try:
                await progress.wait_for(early, ANNOUNCED_WITHIN)
            except ReadModelBehind:
                return None
        if progress.doubts != doubts:
            return None
        [freshness] = reading.freshness()
        return Changed(found, reading.reflected, freshness)

    def _take(self, live: LiveList, ids: set[str] | None, changed: Changed | None) -> None:
        """Apply the changed documents to a list; have it read again if that can't be done."""
        torn = ids is not None and self._concerned.is_torn(live, ids)
        window = None
        if changed and live.window and ids is not None and not torn:
            window = live.window.after(ids, changed.documents)
        if changed and window:
            self._concerned.end(live, [window.source])
            live.window, live.torn = window, 0
            live.show(page_of(live.find, window.documents), changed.position, changed.freshness)
            live.reads_done = live.reads_begun
        else:
            live.stale, live.torn = True, live.torn + torn
            live.expect(ids if torn and live.torn < MOST_TORN else None)
        if live.stale:
            self._refresh(live)
        live.tell()

    async def _read_while_stale(self, live: LiveList) -> None:
        try:
            while live.stale:
                await self._read(live)
        except Exception as error:  # All who follow the list are told, and may follow it anew.
            self._forget(live)
            live.fail(error)
        else:
            live.reading = None
            live.tell()

    async def _read(self, live: LiveList) -> None:
        if live.incomplete:
            live.incomplete = False
            await self._progress[live.collection.read_model].until_live()
        self._begin(live)
        number, reading = live.reads_begun, self._reading(live.scope)
        if live.listing.search:
            page = await reading.page(live.listing, PageArguments(first=live.size))
        else:
            found = await reading.beginning(live.listing, limit(live.size))
            page = page_of(live.find, found)
            filter = live.collection.seen_by.limited(live.listing.filter, live.scope)
            live.window = Window.of(live.listing, filter, live.size, found)
        self._concerned.end(live, reading.sources())
        [freshness] = reading.freshness()
        live.show(page, reading.reflected, freshness)
        live.reads_done, live.torn = number, 0
        live.tell()

    def _begin(self, live: LiveList) -> set[str] | None:
        live.reads_begun += 1
        return self._concerned.begin(live)

    def _reading(self, scope: Scope) -> Reading:
        return Reading(reader=self._reader, progress=self._progress, patience=self._patience, scope=scope)

    def _forget(self, live: LiveList) -> None:
        self._concerned.discard(live)
        if self._lists.get(live.key) is live:
            del self._lists[live.key]
        if live.reading and not live.reads_with_others and live.reading is not asyncio.current_task():
            live.reading.cancel()


def _key(listing: Listing, size: int, scope: Scope) -> Hashable:
    """Return the key by which equal lists are found, or one that no other list has."""
    filter = listing.collection.seen_by.limited(listing.filter, scope)
    if not is_exact(filter):
        return object()
    return listing.collection.name, repr((filter, listing.search)), tuple(listing.order), size
