"""Lists that are followed while documents change, in an order that a seed decides.

`python -m tests.cqrs.lists.hammer 10000` tries so many seeds.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing

from app.cqrs.documents.read_model import Document
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.differences import ListChangeKind
from app.cqrs.lists.following import LiveLists
from app.cqrs.lists.states import ListItem
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.pages import Listing
from app.cqrs.unavailable import ReadStoreUnavailable
from app.cqrs.viewers import OPEN
from tests.cqrs.notes import documents, notes
from tests.cqrs.staleness import PATIENCE, TOPICS, Documents, Hammer, in_order

FOLLOWERS = 6


class ListHammer(Hammer):
    """One seed's world: a log, a projector, and followers of lists, who come, go and resume."""

    def __init__(self, seed: int, concerned: ConcernedLists) -> None:
        super().__init__(seed, ReadCache(0))
        self._concerned = concerned
        self._lists = LiveLists(self._reader, {notes.name: self._progress}, concerned, patience=PATIENCE)
        self._written = False

    async def _write_and_read(self) -> None:
        following = [self._follow(*self._listing()) for _ in range(FOLLOWERS)]
        await asyncio.gather(self._write_all(), *following)

    async def _write_all(self) -> None:
        await self._write()
        await self._progress.wait_for(len(self._log.events), PATIENCE)
        self._written = True

    def _listing(self) -> tuple[str, str, int]:
        order, first = self.random.choice([("topic", 20), ("-praise", 1), ("-praise", 2)])
        return self.random.choice(TOPICS), order, first

    async def _follow(self, topic: str, order: str, first: int) -> None:
        """Keep a list by its items alone until all is written and the list shows it."""
        listing, check = Listing(documents, {"topic": topic}, [order]), self.witness.check
        kept: list[Document] = []
        after: Token | None = None

        def truth(there: Documents) -> list[Document]:
            return in_order(there, topic, order)[:first]

        while not (self._written and kept == truth(self._history[-1][1]) and after):
            began = len(self._history) - 1
            try:
                items = self._lists.follow(listing, first, scope=OPEN.scope, after=after)
                async with aclosing(items):
                    while True:
                        item = await self._next(items)
                        if item is None:
                            break
                        self.met["whole" if item.changes is None else "changes"] += 1
                        kept = kept_after(kept, item)
                        check(kept == list(item.state.page.documents), "the changes lead to the page")
                        held = any(truth(there) == kept for _, there in self._history[began:])
                        check(held, "a list is how it was at some time since")
                        after = Token(item.state.position, {notes.name: item.state.document_position})
            except ReadStoreUnavailable:
                self.met["refused"] += 1
            check(self.loop.time() < 500, f"{kept} comes to be {truth(self._history[-1][1])}")

    async def _next(self, items: object) -> ListItem | None:
        """The next item; `None` after a while without any."""
        try:
            async with asyncio.timeout(self.random.choice([0.05, 1, 5])):
                return await anext(items)  # type: ignore[call-overload, no-any-return]
        except TimeoutError:
            return None


def kept_after(kept: Sequence[Document], item: ListItem) -> list[Document]:
    """The list after an item, made of what a client is sent of it."""
    page = item.state.page.documents
    if item.changes is None:
        return list(page)
    goes = (ListChangeKind.LEFT, ListChangeKind.MOVED)
    gone = {change.id for change in item.changes if change.kind in goes}
    found = [document for document in kept if document["_id"] not in gone]
    for change in item.changes:
        if change.index is not None:
            end = change.index + (change.kind is ListChangeKind.CHANGED)
            found[change.index : end] = [page[change.index]]
    return found


def hammer(seeds: Iterable[int], kind: type[ConcernedLists] = ConcernedLists) -> Counter[str]:
    """What happened in these seeds; raises `AssertionError` where a list was not kept right."""
    met = Counter[str]()
    for seed in seeds:
        world = ListHammer(seed, kind())
        try:
            world.run()
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}: {wrong}") from wrong
        met += world.met
    return met


if __name__ == "__main__":
    logging.disable()
    print(dict(hammer(range(int(sys.argv[1])))))
