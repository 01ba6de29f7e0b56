"""The streams behind subscriptions: changed documents, and all changes of read models."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentChanged, DocumentReader
from app.cqrs.freshness.document_positions import DocumentPosition, ReachedPositions
from app.cqrs.freshness.progress import Freshness, Progress
from app.cqrs.freshness.tokens import LostHistory, Token
from app.cqrs.live.notices import Listener, Notices, topic
from app.cqrs.live.recent_notices import PublishedNotice
from app.cqrs.viewers import Scope

CHUNK = 100
"""Documents per read that brings a listener up to date."""


@dataclass(frozen=True, kw_only=True)
class LiveDocument:
    """A state of a document, its position, and the number of states that were skipped before it."""

    document: Document
    document_position: DocumentPosition
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
class Delivery:
    """One item of a listener's stream, and the positions that it has received by then."""

    item: DocumentChanged | Lagged | Reset | Heartbeat
    reached: ReachedPositions
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
        self,
        collection: Collection,
        filter: Filter,
        followed: str,
        after: Token | None,
        lost: bool = False,
        *,
        scope: Scope,
    ) -> AsyncGenerator[LiveDocument, None]:
        """Yield the documents that match `filter` and changed after `after`, then each of their new states.

        Documents that a viewer of this scope may not see are left out, as by `Reading`. A document appears
        once it has become theirs, and has no further state once it is theirs no longer.

        `followed` is the topic of their notices, which only wake the listener: documents are always found by
        position, and none is lost between the first read and later ones.

        `lost` means that the listener's cursor is of a history that the log has lost. Then, and when the log
        is set back later, all documents are sent again; raises `LostHistory` if there is none.
        """
        filter = collection.seen_by.limited(filter, scope)
        seen = after.document_position_in(collection.read_model) if after else (0, "")
        with self._notices.listen(followed) as listener:
            lag, reset = None, lost
            while True:
                if listener.take_set_back():
                    reset, seen, lag = True, (0, ""), None
                if reset:  # Missing documents may appear while the read model is rebuilt.
                    await self._progress[collection.read_model].until_live()
                fresh = self._progress[collection.read_model].freshness()
                documents = await self._newer(collection, filter, seen)
                if reset and not documents and seen == (0, ""):
                    raise LostHistory(
                        "The store was set back to an earlier state, which does not have what you follow. "
                        "Drop the cursor and read again."
                    )
                if lag:
                    lag.deliver(len(documents))
                for document in documents:
                    seen = _document_position(collection, document)
                    last = document is documents[-1] and len(documents) < CHUNK
                    lagged = lag.take_lagged() if lag and last else 0
                    yield LiveDocument(
                        document=document, document_position=seen, lagged=lagged, freshness=fresh, reset=reset
                    )
                if len(documents) < CHUNK:  # All later changes cause a notice.
                    reset = False
                    lag = lag or _LagCounter(after=seen)
                    await lag.newer_than(seen, listener)

    async def changes(
        self, read_models: tuple[str, ...], after: Token | None, lost: bool = False
    ) -> AsyncGenerator[Delivery, None]:
        """Yield every change of a document of these read models, with the positions that it reaches.

        The stream begins with a heartbeat if `after` is `None`, with the missed changes otherwise, or with a
        `Reset` if `after` is too old for that or of a history that the log has lost.
        """
        with self._notices.listen(*(topic(name) for name in read_models)) as listener:
            number, reached = self._reached(read_models)
            if lost:
                yield Delivery(item=Reset(), reached=reached, step=None)
            elif after is None:
                yield Delivery(
                    item=self._beat(read_models), reached=reached, step=(number, *sorted(reached.items()))
                )
            else:
                asked = {name: after.document_position_in(name) for name in read_models}
                missed = self._notices.since(asked)
                if missed is None:
                    # The cursor may come from a process that is ahead of this one.
                    now, reached = reached, _later(reached, asked)
                    yield Delivery(
                        item=Reset(),
                        reached=reached,
                        step=(number, *sorted(reached.items())) if reached == now else None,
                    )
                else:
                    reached = asked
                    for kept in missed:
                        delivery = _delivery(kept, reached)
                        reached = delivery.reached
                        yield delivery
            while True:
                published = await listener.next(self._heartbeat)
                if set_back := listener.take_set_back():
                    listener.take_lagged()
                    _, now = self._reached(read_models)
                    # The positions of the others stay valid, and may be ahead of what is known here so far.
                    reached = _later(reached, now) | {name: now[name] for name in set_back}
                    yield Delivery(item=Reset(), reached=reached, step=None)
                elif lagged := listener.take_lagged():  # The dropped notices came before this one.
                    yield Delivery(item=Lagged(count=lagged), reached=reached, step=None)
                elif published is None:
                    number, now = self._reached(read_models)
                    reached = _later(reached, now)
                    beat = self._beat(read_models)
                    yield Delivery(
                        item=beat,
                        reached=reached,
                        step=(number, *sorted(reached.items())) if reached == now else None,
                    )
                if published and published.notice.document_position > reached[published.notice.read_model]:
                    delivery = _delivery(published, reached)
                    reached = delivery.reached
                    yield delivery

    async def _newer(self, collection: Collection, filter: Filter, seen: DocumentPosition) -> list[Document]:
        position, key = seen
        later: list[Filter] = [{"position": {"$gt": position}}]
        if key < f"{collection.name}/":  # No document of this collection was sent at this position.
            later.append({"position": position})
        elif key.startswith(f"{collection.name}/"):
            later.append({"position": position, "_id": {"$gt": key.removeprefix(f"{collection.name}/")}})
        sort = [("position", 1), ("_id", 1)]
        newer = {"$and": [filter, {"$or": later}]} if filter else {"$or": later}
        return await self._reader.find(collection, newer, sort=sort, limit=CHUNK)

    def _reached(self, read_models: tuple[str, ...]) -> tuple[int, ReachedPositions]:
        return self._notices.reached({name: self._progress[name].position for name in read_models})

    def _beat(self, read_models: tuple[str, ...]) -> Heartbeat:
        return Heartbeat(freshness=tuple(self._progress[name].freshness() for name in read_models))


@dataclass(kw_only=True)
class _LagCounter:
    """The balance of noticed and delivered states; a state may be delivered before its notice."""

    after: DocumentPosition
    undelivered: int = 0
    lost: int = 0
    """Notices that were dropped, of states or of unknown changes."""

    async def newer_than(self, seen: DocumentPosition, listener: Listener) -> None:
        """Wait for a notice of a state newer than `seen`, or for the loss of a notice."""
        newer = False
        while not newer:
            published = await listener.next()
            while published:
                self.undelivered += published.notice.document_position > self.after
                newer = newer or published.notice.document_position > seen
                published = listener.pending()
            self.lost += listener.take_lagged()
            newer = newer or self.lost > 0

    def deliver(self, states: int) -> None:
        """Record that this many states were delivered.

        If there are none, the notices were of documents that the listener does not follow or may not see.
        """
        self.undelivered -= states
        if not states:
            self.lost = 0
            self.undelivered = min(0, self.undelivered)

    def take_lagged(self) -> int:
        """Return the number of states that were skipped since the last call."""
        lagged = self.undelivered + self.lost
        self.undelivered, self.lost = min(0, lagged), 0
        return max(0, lagged)


def _delivery(published: PublishedNotice, before: ReachedPositions) -> Delivery:
    now = {name: published.reached.get(name, (0, "")) for name in before}
    reached = _later(before, now)
    return Delivery(item=published.notice, reached=reached, step=published.number if reached == now else None)


def _later(one: ReachedPositions, other: ReachedPositions) -> dict[str, DocumentPosition]:
    return {name: max(position, other[name]) for name, position in one.items()}


def _document_position(collection: Collection, document: Document) -> DocumentPosition:
    return document["position"], f"{collection.name}/{document['_id']}"
