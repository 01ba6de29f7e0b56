"""Followers of lists: equal lists are one, which is read again after each change that concerns it."""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Mapping

from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.states import ListItem, ListState, LiveList, digest_in, item_after
from app.cqrs.reading.pages import Listing, PageArguments
from app.cqrs.reading.reading import Reading
from app.cqrs.reading.shared_reader import is_exact
from app.cqrs.viewers import Scope


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
        """Return a state of the list that shows all changes that were reached when this was called."""
        if live.stale:
            self._refresh(live)
        wanted = live.reads_begun + 1
        while live.newest is None or (live.reading and live.reads_done < wanted):
            await live.news()
        return live.newest

    def _refresh(self, live: LiveList) -> None:
        if live.reading is None and live.followers:
            live.reading = asyncio.create_task(self._read_while_stale(live), name="live list")

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
        number = live.reads_begun = live.reads_begun + 1
        self._concerned.begin(live)
        reading = Reading(
            reader=self._reader, progress=self._progress, patience=self._patience, scope=live.scope
        )
        page = await reading.page(live.listing, PageArguments(first=live.size))
        self._concerned.end(live, reading.sources())
        [freshness] = reading.freshness()
        live.show(page, reading.reflected, freshness)
        live.reads_done = number
        live.tell()

    def _forget(self, live: LiveList) -> None:
        self._concerned.discard(live)
        if self._lists.get(live.key) is live:
            del self._lists[live.key]
        if live.reading and live.reading is not asyncio.current_task():
            live.reading.cancel()


def _key(listing: Listing, size: int, scope: Scope) -> Hashable:
    """Return the key by which equal lists are found, or one that no other list has."""
    filter = listing.collection.seen_by.limited(listing.filter, scope)
    if not is_exact(filter):
        return object()
    return listing.collection.name, repr((filter, listing.search)), tuple(listing.order), size
