"""Notices of changed documents, and their delivery from projectors to listeners."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS, DocumentPosition, ReachedPositions
from app.cqrs.live.recent_notices import PublishedNotice, RecentNotices

NOTICES_PER_STEP = 500
"""Notices that are published in one step of the event loop, which takes 1 ms."""


def topic(read_model: str, *, document: object = None, about: object = None) -> str:
    """Return the topic of a read model, of one of its documents, or of a subject of its documents."""
    if document is not None:
        return f"{read_model}/{document}"
    return read_model if about is None else f"{read_model}@{about}"


class Listener:
    """One listener's queue of notices, oldest first, with at most `capacity` entries.

    A full queue drops its oldest notice for a newer one; `lagged` counts dropped notices.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._notices: deque[PublishedNotice] = deque()
        self._arrived = asyncio.Event()
        self.lagged = 0
        self._set_back = set[str]()

    def offer(self, notice: PublishedNotice) -> None:
        """Append a notice; never block, and never exceed the capacity."""
        if len(self._notices) >= self._capacity:
            self._notices.popleft()
            self.lagged += 1
        self._notices.append(notice)
        self._arrived.set()

    def lose(self) -> None:
        """Record a change without a notice: wake the listener, and count one dropped notice.

        The queued notices are dropped as well. They came before, and a listener that receives them after the
        word of the loss would take what follows them for complete.
        """
        self.lagged += len(self._notices) + 1
        self._notices.clear()
        self._arrived.set()

    def set_back(self, read_model: str) -> None:
        """Drop the queued notices: those of the read model are of a history that the log has lost."""
        self._notices.clear()
        self._set_back.add(read_model)

    def take_set_back(self) -> Collection[str]:
        """Return the read models of which earlier positions are no longer valid, since the last call."""
        taken, self._set_back = self._set_back, set[str]()
        return taken

    async def next(self, seconds: float | None = None) -> PublishedNotice | None:
        """Return the oldest notice; `None` if none arrives within `seconds`, or if one was lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        return self.pending()  # A notice may have arrived just before the timeout.

    def pending(self) -> PublishedNotice | None:
        """Return the oldest queued notice; `None` if there is none."""
        notice = self._notices.popleft() if self._notices else None
        if not self._notices:
            self._arrived.clear()
        return notice

    def take_lagged(self) -> int:
        """Return the number of notices that were dropped since the last call."""
        lagged, self.lagged = self.lagged, 0
        return lagged


class Notices:
    """Delivers every notice to its listeners, and keeps the newest `kept` for listeners that reconnect."""

    def __init__(self, *, kept: int = 10_000, capacity: int = 256) -> None:
        self._recent = RecentNotices(kept)
        self._capacity = capacity
        self._complete_after: dict[str, DocumentPosition] = {}
        self._reached: dict[str, DocumentPosition] = {}
        self._numbers: dict[str, int] = {}
        self._published = 0
        self._publishing: dict[str, asyncio.Event] = {}
        """The read models whose notices are being published, each with an event for the end of that."""
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)

    def begin(self, read_model: str, position: int, *, log_set_back: bool = False) -> None:
        """Restart the notices of `read_model` at `position`; only earlier ones may be missing.

        `log_set_back` means that the log was set back: the same positions may belong to other events now.
        """
        self._recent.drop(read_model)
        self._complete_after[read_model] = self._reached[read_model] = (position, AFTER_ALL_DOCUMENTS)
        for name, listeners in self._listeners.items():
            if re.split("[/@]", name, maxsplit=1)[0] == read_model:
                for listener in listeners:
                    if log_set_back:
                        listener.set_back(read_model)
                    listener.lose()

    async def publish_in_steps(self, notices: Sequence[DocumentChanged]) -> None:
        """Publish the notices of one read model in steps, between which other tasks may run.

        If it is cancelled, it publishes the rest at once.
        """
        if len(notices) <= NOTICES_PER_STEP:
            self.publish(notices)
            return
        name, done = notices[0].read_model, 0
        self._publishing[name] = asyncio.Event()
        try:
            while done < len(notices):
                self.publish(notices[done : (done := done + NOTICES_PER_STEP)])
                await asyncio.sleep(0)
        finally:
            published = self._publishing.pop(name)
            self.publish(notices[done:])
            published.set()

    def publish(self, notices: Sequence[DocumentChanged]) -> None:
        """Deliver `notices`, which are sorted by position and document."""
        for notice in notices:
            self._published += 1
            self._numbers[notice.read_model] = self._published
            self._reached = {**self._reached, notice.read_model: notice.document_position}
            published = PublishedNotice(notice, self._published, self._reached)
            if displaced := self._recent.append(published):
                self._complete_after[displaced[0]] = displaced[1]
            if self._listeners:
                for listener in self._listeners_to(notice):
                    listener.offer(published)

    def reached(self, progress: Mapping[str, int]) -> tuple[int, ReachedPositions]:
        """Return the number of the last notice of these read models, and the positions published by now.

        All notices up to the positions in `progress` have been published, or are being published.
        """
        for name, position in progress.items():
            if name in self._publishing:  # More notices will follow after the last position.
                self._reached = {name: (0, ""), **self._reached}
            elif (position, AFTER_ALL_DOCUMENTS) > self._reached.get(name, (0, "")):
                self._reached = {**self._reached, name: (position, AFTER_ALL_DOCUMENTS)}
        number = max((self._numbers.get(name, 0) for name in progress), default=0)
        return number, {name: self._reached[name] for name in progress}

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Listener]:
        """Return a queue of the notices on any of `topics` that are published from now on."""
        listener = Listener(self._capacity)
        for name in topics:
            self._listeners[name].add(listener)
        try:
            yield listener
        finally:
            for name in topics:
                self._listeners[name].discard(listener)
                if not self._listeners[name]:
                    del self._listeners[name]

    def since(self, positions: ReachedPositions) -> list[PublishedNotice] | None:
        """Return the notices after these positions of read models; `None` if some are no longer kept."""
        if any(position < self._complete_after.get(model, (0, "")) for model, position in positions.items()):
            return None
        return self._recent.after(positions)

    async def until_published(self, read_model: str) -> None:
        """Wait until all notices up to the position that the read model has reached are published."""
        while publishing := self._publishing.get(read_model):
            await publishing.wait()

    def of_events(
        self, positions: Collection[int], read_models: Collection[str]
    ) -> list[DocumentChanged] | None:
        """Return the published notices about the events at these positions; `None` if some may be missing."""
        before = (min(positions) - 1, AFTER_ALL_DOCUMENTS)
        if any(before < self._complete_after.get(name, (0, "")) for name in read_models):
            return None
        return self._recent.of_events(positions, read_models)

    def _listeners_to(self, notice: DocumentChanged) -> Iterable[Listener]:
        names = [topic(notice.read_model), topic(notice.read_model, document=notice.document_id)]
        if notice.about is not None:
            names.append(topic(notice.read_model, about=notice.about))
        return {listener for name in names for listener in self._listeners.get(name, ())}
