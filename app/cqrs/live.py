"""What subscriptions listen to: documents as they change, and the stream of all changes."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from app.cqrs.documents import DocumentChanged, DocumentReader
from app.cqrs.notices import LAST, Listener, Notices, Place, topic
from app.cqrs.progress import Freshness, Progress
from app.cqrs.read_model import Collection, Document, Filter
from app.cqrs.tokens import Token

CHUNK = 100
"""How many documents are read at a time to bring a listener up to date."""


@dataclass(frozen=True, kw_only=True)
class LiveDocument:
    """A state of a document, its place, and how many states since the last one were passed over."""

    document: Document
    place: Place
    lagged: int
    freshness: Freshness
    """How fresh the read model was when the document was read."""


@dataclass(frozen=True, kw_only=True)
class Lagged:
    """The listener was too slow: so many changes were passed over."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Changes since the listener's cursor are no longer kept: read the documents anew."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Nothing has changed for a while; this is how fresh the read models are."""

    freshness: tuple[Freshness, ...]


Reached = Mapping[str, Place]
"""For each read model the last place that a listener has been told of."""


class Live:
    """Follows documents, from a place that the listener has seen, without a gap or a double."""

    def __init__(
        self, reader: DocumentReader, notices: Notices, progress: Mapping[str, Progress], *, heartbeat: float
    ) -> None:
        self._reader = reader
        self._notices = notices
        self._progress = progress
        self._heartbeat = heartbeat

    async def documents(
        self, collection: Collection, filter: Filter, followed: str, after: Token | None
    ) -> AsyncGenerator[LiveDocument, None]:
        """The documents that fit `filter` and changed after `after`, then each of their new states.

        `followed` is the topic of their notices, which serve as wake-up calls: what is delivered is what a
        find by place gives, so that nothing falls between the documents read first and the later ones.
        """
        seen = after.place_in(collection.read_model) if after else (0, "")
        with self._notices.listen(followed) as listener:
            noticed = 0
            while True:
                fresh = self._progress[collection.read_model].freshness()
                documents = await self._newer(collection, filter, seen)
                noticed = max(0, noticed - len(documents))
                for document in documents:
                    seen = _place(collection, document)
                    last = document is documents[-1] and len(documents) < CHUNK
                    lagged = noticed if last else 0
                    yield LiveDocument(document=document, place=seen, lagged=lagged, freshness=fresh)
                if not documents:
                    noticed = await _woken(listener, seen)

    async def changes(
        self, read_models: tuple[str, ...], after: Token | None
    ) -> AsyncGenerator[tuple[DocumentChanged | Lagged | Reset | Heartbeat, Reached], None]:
        """Every change of a document of these read models, each with the places reached by then.

        It begins with a heartbeat, or, where `after` is too old to be resumed from, with a `Reset`.
        """
        with self._notices.listen(*(topic(name) for name in read_models)) as listener:
            reached = {name: (self._progress[name].position, LAST) for name in read_models}
            if after is None:
                yield self._beat(read_models), reached
            else:
                asked = {name: after.place_in(name) for name in read_models}
                missed = self._notices.since(asked)
                if missed is None:
                    yield Reset(), reached
                else:
                    reached = asked
                    for kept in missed:
                        reached = {**reached, kept.read_model: kept.place}
                        yield kept, reached
            while True:
                notice = await listener.next(self._heartbeat)
                if lagged := listener.take_lagged():  # what was given up came before this notice
                    yield Lagged(count=lagged), reached
                elif notice is None:
                    yield self._beat(read_models), reached
                if notice and notice.place > reached[notice.read_model]:
                    reached = {**reached, notice.read_model: notice.place}
                    yield notice, reached

    async def _newer(self, collection: Collection, filter: Filter, seen: Place) -> list[Document]:
        position, key = seen
        later: list[Filter] = [{"position": {"$gt": position}}]
        if key < f"{collection.name}/":  # nothing of this collection was seen at this position
            later.append({"position": position})
        elif key.startswith(f"{collection.name}/"):
            later.append({"position": position, "_id": {"$gt": key.removeprefix(f"{collection.name}/")}})
        sort = [("position", 1), ("_id", 1)]
        return await self._reader.find(collection, {**filter, "$or": later}, sort=sort, limit=CHUNK)

    def _beat(self, read_models: tuple[str, ...]) -> Heartbeat:
        return Heartbeat(freshness=tuple(self._progress[name].freshness() for name in read_models))


async def _woken(listener: Listener, seen: Place) -> int:
    """Waits for a notice of something newer than `seen`; returns of how many states there was notice."""
    newer = 0
    while not newer:
        notice = await listener.next()
        while notice:
            newer += notice.place > seen
            notice = listener.pending()
        newer += listener.take_lagged()
    return newer


def _place(collection: Collection, document: Document) -> Place:
    return document["position"], f"{collection.name}/{document['_id']}"
