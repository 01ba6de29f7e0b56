"""Notices that documents changed, on their way from the projectors to the listeners."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.places import LAST, Place, Reached

IN_A_TURN = 500
"""Notices that are published before others have their turn on the event loop, which takes 1 ms."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A notice as it was published."""

    notice: DocumentChanged
    number: int
    """One order for the notices of all read models."""
    reached: Reached
    """What had been published by then; the same for all who listen, so that none of them goes back."""


def topic(read_model: str, *, document: object = None, about: object = None) -> str:
    """What a listener follows: a read model, one document of it, or what its documents are about."""
    if document is not None:
        return f"{read_model}/{document}"
    return read_model if about is None else f"{read_model}@{about}"


class Listener:
    """One listener's notices, oldest first, at most `capacity`.

    A full queue gives up its oldest notice for a newer one; `lagged` counts what was given up.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._notices: deque[Noticed] = deque()
        self._arrived = asyncio.Event()
        self.lagged = 0
        self.began_anew = False
        """Whether the positions of earlier notices mean nothing any more; for the listener to take back."""

    def offer(self, notice: Noticed) -> None:
        """Adds a notice; never blocks and never grows beyond the capacity."""
        if len(self._notices) >= self._capacity:
            self._notices.popleft()
            self.lagged += 1
        self._notices.append(notice)
        self._arrived.set()

    def lose(self) -> None:
        """Something changed of which there is no notice: wakes the listener, who has lagged by one."""
        self.lagged += 1
        self._arrived.set()

    def begin_anew(self) -> None:
        """Drop what waits: it is of a history that the log has lost."""
        self._notices.clear()
        self.began_anew = True

    async def next(self, seconds: float | None = None) -> Noticed | None:
        """The oldest notice; `None` where none arrives within `seconds`, or where one was lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        return self.pending()  # also what has arrived just as the patience ended

    def pending(self) -> Noticed | None:
        """The oldest notice that is already here, if there is one."""
        notice = self._notices.popleft() if self._notices else None
        if not self._notices:
            self._arrived.clear()
        return notice

    def take_lagged(self) -> int:
        """How many states were passed over since this was last asked."""
        lagged, self.lagged = self.lagged, 0
        return lagged


class Notices:
    """Hands every notice to those who listen, and keeps the newest `kept` for those who come back."""

    def __init__(self, *, kept: int = 10_000, capacity: int = 256) -> None:
        self._kept: deque[Noticed] = deque(maxlen=kept)
        self._capacity = capacity
        self._complete_after: dict[str, Place] = {}
        self._reached: dict[str, Place] = {}
        self._numbers: dict[str, int] = {}
        self._published = 0
        self._publishing: set[str] = set()
        """The read models of which notices have been published only in part."""
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)

    def begin(self, read_model: str, position: int, *, anew: bool = False) -> None:
        """Promise that no notice of `read_model` will be missing after `position`; some may be before it.

        `anew` says that the log was set back: positions that were seen stand for other events by now.
        """
        self._kept = deque((n for n in self._kept if n.notice.read_model != read_model), self._kept.maxlen)
        self._complete_after[read_model] = self._reached[read_model] = (position, LAST)
        for name, listeners in self._listeners.items():
            if re.split("[/@]", name, maxsplit=1)[0] == read_model:
                for listener in listeners:
                    if anew:
                        listener.begin_anew()
                    listener.lose()

    async def publish_in_turns(self, notices: Sequence[DocumentChanged]) -> None:
        """Publish the notices of one read model, however many, without keeping others from their turn.

        Who gives up waiting has the rest published at once.
        """
        if len(notices) <= IN_A_TURN:
            self.publish(notices)
            return
        name, done = notices[0].read_model, 0
        self._publishing.add(name)
        try:
            while done < len(notices):
                self.publish(notices[done : (done := done + IN_A_TURN)])
                await asyncio.sleep(0)
        finally:
            self._publishing.discard(name)
            self.publish(notices[done:])

    def publish(self, notices: Sequence[DocumentChanged]) -> None:
        """Hands out `notices`, which come in the order of their places."""
        for notice in notices:
            if len(self._kept) == self._kept.maxlen:
                oldest = self._kept[0].notice
                self._complete_after[oldest.read_model] = oldest.place
            self._published += 1
            self._numbers[notice.read_model] = self._published
            self._reached = {**self._reached, notice.read_model: notice.place}
            noticed = Noticed(notice, self._published, self._reached)
            self._kept.append(noticed)
            for listener in self._concerned(notice):
                listener.offer(noticed)

    def reached(self, progress: Mapping[str, int]) -> tuple[int, Reached]:
        """The number of the last notice of these read models, and the places published by now.

        All notices up to the positions in `progress` have been published, or are being published.
        """
        for name, position in progress.items():
            if name in self._publishing:  # More of them are to come after the last one's place.
                self._reached = {name: (0, ""), **self._reached}
            elif (position, LAST) > self._reached.get(name, (0, "")):
                self._reached = {**self._reached, name: (position, LAST)}
        number = max((self._numbers.get(name, 0) for name in progress), default=0)
        return number, {name: self._reached[name] for name in progress}

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Listener]:
        """Notices on any of `topics`, published from now on."""
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

    def since(self, places: Reached) -> list[Noticed] | None:
        """The notices of these read models after these places; `None` where some are no longer kept."""
        if any(place < self._complete_after.get(model, (0, "")) for model, place in places.items()):
            return None
        return [kept for kept in self._kept if _is_after(kept.notice, places)]

    def _concerned(self, notice: DocumentChanged) -> Iterable[Listener]:
        names = [topic(notice.read_model), topic(notice.read_model, document=notice.document_id)]
        if notice.about is not None:
            names.append(topic(notice.read_model, about=notice.about))
        return {listener for name in names for listener in self._listeners.get(name, ())}


def _is_after(notice: DocumentChanged, places: Reached) -> bool:
    return notice.read_model in places and notice.place > places[notice.read_model]
