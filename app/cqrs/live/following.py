"""The streams behind subscriptions: changed documents, and all changes of read models."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentChanged, DocumentReader
from app.cqrs.freshness.places import Place, Reached
from app.cqrs.freshness.progress import Freshness, Progress
from app.cqrs.freshness.tokens import LostHistory, Token
from app.cqrs.live.notices import Listener, Noticed, Notices, topic

CHUNK = 100
"""Documents per read that brings a listener up to date."""


@dataclass(frozen=True, kw_only=True)
class LiveDocument:
    """A state of a document, its position, and the number of states that were skipped before it."""

    document: Document
    place: Place
    lagged: int
    freshness: Freshness
    """The freshness of the read model when the document was read."""
    reset: bool = False
    """True if the log was set back: the document is sent again, and does not continue earlier states."""


@dataclass(frozen=True, kw_only=True)
class Lagged:
    """An item for a slow listener, with the number of changes that were skipped."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Reset:
    """An item for a cursor whose changes are no longer kept: the listener must read the documents again."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """An item with the freshness of the read models, sent after a while without changes."""

    freshness: tuple[Freshness, ...]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One item of a listener's stream, and the positions that it has received by then."""

    item: DocumentChanged | Lagged | Reset | Heartbeat
    reached: Reached
    step: Any
    """Listeners to the same at the same step receive the same items from then on; `None` if unknown."""


class Live:
    """The streams of documents and changes from a listener's cursor, without gaps or duplicates."""

    def __init__(
        self, reader: DocumentReader, notices: Notices, progress: Mapping[str, Progress], *, heartbeat: float
    ) -> None:
        self._reader = reader
        self._notices = notices
        self._progress = progress
        self._heartbeat = heartbeat

    async def documents(
        self, collection: Collection, filter: Filter, followed: str, after: Token | None, lost: bool = False
    ) -> AsyncGenerator[LiveDocument, None]:
        """Yield the documents that match `filter` and changed after `after`, then each of their new states.

        `followed` is the topic of their notices, which only wake the listener: documents are always found by
        position, and none is lost between the first read and later ones.

        `lost` means that the listener's cursor is of a history that the log has lost. Then, and when the log
        is set back later, all documents are sent again; raises `LostHistory` if there is none.
        """
        seen = after.place_in(collection.read_model) if after else (0, "")
        with self._notices.listen(followed) as listener:
            noticed, reset = None, lost
            while True:
                if listener.began_anew:
                    listener.began_anew, reset, seen, noticed = False, True, (0, ""), None
                if reset:  # Missing documents may appear while the read model is rebuilt.
                    await self._progress[collection.read_model].until_live()
                fresh = self._progress[collection.read_model].freshness()
                documents = await self._newer(collection, filter, seen)
                if reset and not documents and seen == (0, ""):
                    raise LostHistory(
                        "The store was set back to an earlier state, which does not have what you follow. "
                        "Drop the cursor and read again."
                    )
                if noticed:
                    noticed.deliver(len(documents))
                for document in documents:
                    seen = _place(collection, document)
                    last = document is documents[-1] and len(documents) < CHUNK
                    lagged = noticed.take_lagged() if noticed and last else 0
                    yield LiveDocument(
                        document=document, place=seen, lagged=lagged, freshness=fresh, reset=reset
                    )
                if len(documents) < CHUNK:  # All later changes cause a notice.
                    reset = False
                    noticed = noticed or _Noticed(after=seen)
                    await noticed.newer_than(seen, listener)

    async def changes(
        self, read_models: tuple[str, ...], after: Token | None, lost: bool = False
    ) -> AsyncGenerator[Told, None]:
        """Yield every change of a document of these read models, with the positions that it reaches.

        The stream begins with a heartbeat if `after` is `None`, with the missed changes otherwise, or with a
        `Reset` if `after` is too old for that or of a history that the log has lost.
        """
        with self._notices.listen(*(topic(name) for name in read_models)) as listener:
            number, reached = self._reached(read_models)
            if lost:
                yield Told(item=Reset(), reached=reached, step=None)
            elif after is None:
                yield Told(
                    item=self._beat(read_models), reached=reached, step=(number, *sorted(reached.items()))
                )
            else:
                asked = {name: after.place_in(name) for name in read_models}
                missed = self._notices.since(asked)
                if missed is None:
                    # The cursor may come from a process that is ahead of this one.
                    now, reached = reached, _later(reached, asked)
                    yield Told(
                        item=Reset(),
                        reached=reached,
                        step=(number, *sorted(reached.items())) if reached == now else None,
                    )
                else:
                    reached = asked
                    for kept in missed:
                        told = _told(kept, reached)
                        reached = told.reached
                        yield told
            while True:
                noticed = await listener.next(self._heartbeat)
                if listener.began_anew:
                    listener.began_anew = False
                    listener.take_lagged()
                    _, reached = self._reached(read_models)
                    yield Told(item=Reset(), reached=reached, step=None)
                elif lagged := listener.take_lagged():  # The dropped notices came before this one.
                    yield Told(item=Lagged(count=lagged), reached=reached, step=None)
                elif noticed is None:
                    number, now = self._reached(read_models)
                    reached = _later(reached, now)
                    beat = self._beat(read_models)
                    yield Told(
                        item=beat,
                        reached=reached,
                        step=(number, *sorted(reached.items())) if reached == now else None,
                    )
                if noticed and noticed.notice.place > reached[noticed.notice.read_model]:
                    told = _told(noticed, reached)
                    reached = told.reached
                    yield told

    async def _newer(self, collection: Collection, filter: Filter, seen: Place) -> list[Document]:
        position, key = seen
        later: list[Filter] = [{"position": {"$gt": position}}]
        if key < f"{collection.name}/":  # No document of this collection was sent at this position.
            later.append({"position": position})
        elif key.startswith(f"{collection.name}/"):
            later.append({"position": position, "_id": {"$gt": key.removeprefix(f"{collection.name}/")}})
        sort = [("position", 1), ("_id", 1)]
        return await self._reader.find(collection, {**filter, "$or": later}, sort=sort, limit=CHUNK)

    def _reached(self, read_models: tuple[str, ...]) -> tuple[int, Reached]:
        return self._notices.reached({name: self._progress[name].position for name in read_models})

    def _beat(self, read_models: tuple[str, ...]) -> Heartbeat:
        return Heartbeat(freshness=tuple(self._progress[name].freshness() for name in read_models))


@dataclass(kw_only=True)
class _Noticed:
    """The balance of noticed and delivered states; a state may be delivered before its notice."""

    after: Place
    undelivered: int = 0
    lost: int = 0
    """Notices that were dropped, of states or of unknown changes."""

    async def newer_than(self, seen: Place, listener: Listener) -> None:
        """Wait for a notice of a state newer than `seen`, or for the loss of a notice."""
        newer = False
        while not newer:
            noticed = await listener.next()
            while noticed:
                self.undelivered += noticed.notice.place > self.after
                newer = newer or noticed.notice.place > seen
                noticed = listener.pending()
            self.lost += listener.take_lagged()
            newer = newer or self.lost > 0

    def deliver(self, states: int) -> None:
        """Record that this many states were delivered."""
        self.undelivered -= states
        if not states:
            self.lost = 0

    def take_lagged(self) -> int:
        """Return the number of states that were skipped since the last call."""
        lagged = self.undelivered + self.lost
        self.undelivered, self.lost = min(0, lagged), 0
        return max(0, lagged)


def _told(noticed: Noticed, before: Reached) -> Told:
    now = {name: noticed.reached.get(name, (0, "")) for name in before}
    reached = _later(before, now)
    return Told(item=noticed.notice, reached=reached, step=noticed.number if reached == now else None)


def _later(one: Reached, other: Reached) -> Reached:
    return {name: max(place, other[name]) for name, place in one.items()}


def _place(collection: Collection, document: Document) -> Place:
    return document["position"], f"{collection.name}/{document['_id']}"
