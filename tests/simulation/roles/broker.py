"""A broker between the processes: it delivers late, loses, repeats, goes away, and keeps what it was told to.

Announcements arrive in their order, as on a connection. Events of different commits may overtake one another,
because several processes publish them.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from random import Random
from typing import Any

from app.cqrs.log.events import Appended
from tests.simulation.loop import VirtualLoop
from tests.simulation.servers import SWIFT, Network
from tests.simulation.witness import Witness

Heard = Callable[[Any], None]


class Hearer:
    """One process that hears: what waits for it, in order, and the context of its life."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._waiting: deque[Any] = deque()
        self.context: Context = copy_context()

    def put(self, message: Any) -> None:
        self._waiting.append(message)

    def take(self) -> None:
        """Hears the message that has waited for longest, whichever delivery has come."""
        if self._waiting:
            self._heard(self._waiting.popleft())

    def forget(self) -> None:
        """Loses what is under way, as when a connection is lost."""
        self._waiting.clear()


class Broker:
    """The server, with what is wrong with it at the moment."""

    def __init__(self, loop: VirtualLoop, random: Random, witness: Witness) -> None:
        self._loop, self._random, self._witness = loop, random, witness
        self.network = Network(loop, random, witness, ConnectionError)
        self.loses = self.repeats = 0.0
        """How likely it is that a message never arrives at a hearer, and that it arrives twice."""
        self.kept: list[bytes] = []
        self._announcements: list[Hearer] = []
        self._events: list[Hearer] = []

    @property
    def down(self) -> bool:
        return self.network.down

    def fall(self) -> None:
        """Goes away, with all that is under way."""
        self._witness.saw("broker down")
        self.network.down = True
        for hearer in self._announcements + self._events:
            hearer.forget()

    def mend(self) -> None:
        self.network.mend()
        self.loses = self.repeats = 0.0

    def lose_what_is_kept(self) -> None:
        """Loses its store, or the newer part of it."""
        self._witness.saw("broker's store lost")
        del self.kept[self._random.randint(0, len(self.kept)) :]

    def tell(self, message: bytes, *, kept: bool) -> None:
        if self.down:
            return
        if kept:
            self.kept.append(message)
        for hearer in self._announcements:
            self._deliver(hearer, message)

    def publish(self, appended: Appended) -> None:
        """Tells all processes of a commit's events."""
        if self.down:
            return
        for hearer in self._events:
            # Each on its own way: a later one may be there first.
            for _ in range(self._copies()):
                self._loop.call_later(self._delay(), hearer._heard, appended, context=hearer.context.copy())

    @contextmanager
    def hearing(self, heard: Heard, *, events: bool = False) -> Iterator[None]:
        hearers, hearer = self._events if events else self._announcements, Hearer(heard)
        hearers.append(hearer)
        try:
            yield
        finally:
            hearers.remove(hearer)

    async def recent(self) -> Sequence[bytes]:
        try:
            return await self.network.ask(lambda: list(self.kept))
        except ConnectionError:
            return []

    def _deliver(self, hearer: Hearer, message: bytes) -> None:
        for _ in range(self._copies()):
            hearer.put(message)
            self._loop.call_later(self._delay(), hearer.take, context=hearer.context.copy())

    def _copies(self) -> int:
        if self._random.random() < self.loses:
            self._witness.saw("lost message")
            return 0
        if self._random.random() < self.repeats:
            self._witness.saw("repeated message")
            return 2
        return 1

    def _delay(self) -> float:
        return self._random.random() ** 2 * (max(SWIFT, self.network.slowest))


class Transport:
    """The broker as one process sees it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.tell = broker.tell

    @property
    def connected(self) -> bool:
        return not self._broker.down

    def hear(self, heard: Callable[[bytes], None]) -> Any:
        return self._broker.hearing(heard)

    async def recent(self, most: int = 10_000) -> Sequence[bytes]:
        return (await self._broker.recent())[-most:]
