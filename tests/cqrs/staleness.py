"""Reads and writes at once, in an order that a seed decides: an answer must have held while it was asked.

`python -m tests.cqrs.staleness 10000` tries so many seeds.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar, cast

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import DocumentReader, Fields, Sort
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.messages import Event
from app.cqrs.projecting.projector import Projector
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.pages import Listing, PageArguments
from app.cqrs.reading.reading import Reading
from app.cqrs.reading.shared_reader import SharedReader
from app.cqrs.unavailable import ReadStoreUnavailable
from app.cqrs.viewers import OPEN
from tests.cqrs.notes import (
    NoteDropped,
    NotePraised,
    NoteRead,
    NoteTaken,
    TopicDropped,
    TopicRenamed,
    documents,
    notes,
)
from tests.simulation.documents import MemoryDocuments
from tests.simulation.loop import VirtualLoop
from tests.simulation.servers import DistantLog, DistantStore
from tests.simulation.witness import Witness

EVENTS, READERS, READS = 25, 6, 25
NAMES, TOPICS = "abcd", "pqr"
PATIENCE = 60
LIFETIME = 600
"""Seconds of virtual time."""

T = TypeVar("T")
Documents = Mapping[str, Document]


class Store(DistantStore):
    """The document store of the simulation, which can do all that a reader may ask."""

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> dict[str, Document]:
        return await self._ask(lambda there: {id: there[id] for id in ids if id in there})

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        return await super().find(collection, filter, sort=sort, limit=limit)

    async def count(self, collection: Collection, filter: Filter) -> int:
        return await self._ask(lambda there: sum(one["topic"] == filter["topic"] for one in there.values()))

    async def aggregate(self, collection: Collection, pipeline: Any) -> list[Document]:
        return await self._ask(lambda there: [{"praise": sum(one["praise"] for one in there.values())}])

    async def _ask(self, question: Callable[[Documents], T]) -> T:
        return await self.network.ask(lambda: question(shown(self.documents)))


def shown(store: MemoryDocuments) -> Documents:
    return store.collections.get(documents.name, {})


class Hammer:
    """One seed's world: a log, a projector, and readers who share a cache."""

    def __init__(self, seed: int, cache: ReadCache) -> None:
        self.random = Random(seed)
        self.loop = VirtualLoop(self.random)  # type: ignore[abstract]  # no sockets, signals or threads
        self.witness = Witness(self.loop)
        self.met: Counter[str] = Counter()
        self._cache = cache
        self._log = DistantLog(self.loop, self.random, self.witness)
        self._store = Store(self.loop, self.random, self._log, self.witness)
        self._history: list[tuple[int, Documents]] = [(0, {})]
        """The documents as they have been, each state with its checkpoint."""
        self._store.applied = self._remember
        self._store.network.loses = self.random.choice([0, 0.02, 0.1])
        self._reader = SharedReader(cast("DocumentReader", self._store))
        self._progress = Progress(notes.name, Head())
        self._bus = AsyncioEventBus()
        self._concerned = ConcernedLists()

    def run(self) -> None:
        """Raises `AssertionError` where an answer never held while it was asked."""
        self.loop.run(self._history_of_it(), seconds=LIFETIME)

    def _remember(self) -> None:
        position = self._store.documents.checkpoint(notes).position
        self._history.append((position, shown(self._store.documents)))

    async def _history_of_it(self) -> None:
        projector = Projector(
            notes,
            log=self._log,
            bus=self._bus,
            store=self._store,
            progress=self._progress,
            notices=Notices(),
            cache=self._cache,
            lists=self._concerned,
        )
        projecting = self.loop.spawn(projector.run(), None)
        await self._write_and_read()
        projecting.cancel()
        await asyncio.wait([projecting])

    async def _write_and_read(self) -> None:
        await asyncio.gather(self._write(), *(self._read_on() for _ in range(READERS)))

    async def _write(self) -> None:
        for _ in range(EVENTS):
            await asyncio.sleep(self.random.random() ** 3 * 0.1)
            await self._bus.publish(
                self._log.append(*(self._event() for _ in range(self.random.randint(1, 3))))
            )

    def _event(self) -> Event:
        note, topic, other = self.random.choice(NAMES), *self.random.choices(TOPICS, k=2)
        return self.random.choice(
            [
                NoteTaken(note=note, topic=topic),
                TopicRenamed(topic=topic, to=other),
                NotePraised(note=note),
                self.random.choice([NoteDropped(note=note), TopicDropped(topic=topic)]),
                NoteRead(),
            ]
        )

    async def _read_on(self) -> None:
        for _ in range(READS):
            await asyncio.sleep(self.random.random() ** 3 * 0.05)
            try:
                await self._read()
            except ReadStoreUnavailable:
                self.met["refused"] += 1

    async def _read(self) -> None:
        name, topic = self.random.choice(NAMES), self.random.choice(TOPICS)
        order, first = self.random.choice([("topic", 20), ("-praise", 1)])
        listing = Listing(documents, {"topic": topic}, [order])
        reading = Reading(
            reader=self._reader, progress={notes.name: self._progress}, patience=PATIENCE, scope=OPEN.scope
        )
        if self.random.random() < 0.5:
            reading.demanded = [Token(len(self._log.events) - self.random.randint(0, 1))]

        async def pair() -> Any:
            return await reading.get_many(documents, [name, "nobody", "a"])

        async def several() -> Any:
            return (await reading.page(listing, PageArguments(first=first))).documents

        async def number() -> Any:
            return await reading.count(listing)

        async def praise() -> Any:
            return await reading.aggregate(documents, [{"$group": {}}])

        kinds: list[tuple[Callable[[], Awaitable[Any]], str, Callable[[Documents], Any]]] = [
            (pair, name, lambda there: [there.get(name), None, there.get("a")]),
            (several, f"{topic} {order}", lambda there: in_order(there, topic, order)[:first]),
            (number, topic, lambda there: len(in_order(there, topic))),
            (praise, "", lambda there: [{"praise": sum(one["praise"] for one in there.values())}]),
        ]
        read, of, truth = self.random.choice(kinds)
        if self.random.random() < 0.8:
            read = self._recalled(reading, (read.__name__, of), read)
        began = len(self._history) - 1
        answer = await read()
        held = [at for at, there in self._history[began:] if truth(there) == answer]
        wanted = max((token.position for token in reading.demanded), default=0)
        self.met["answers"] += 1
        check = self.witness.check
        check(bool(held), f"{answer} is how it was at some time since {self._history[began][0]}")
        complete = self._store.holds(notes, max(held))
        check(complete >= wanted, f"who asked for {wanted} is not answered from {held}")
        check(min(held) <= reading.reflected, f"who is answered from {held} is told {reading.reflected}")

    def _recalled(
        self, reading: Reading, key: tuple[object, ...], read: Callable[[], Awaitable[Any]]
    ) -> Callable[[], Awaitable[Any]]:
        """As an operation is answered whose whole answer may have been kept."""

        async def answer() -> Any:
            if kept := reading.recall(self._cache, key):
                self.met["recalled"] += 1
                return kept[0]
            since = self._cache.mark()
            made = await read()
            await asyncio.sleep(self.random.random() * 0.01)
            reading.keep(self._cache, key, [made], size=100, since=since)
            return made

        return answer


def in_order(there: Documents, topic: str, order: str = "topic") -> list[Document]:
    found = sorted((one for one in there.values() if one["topic"] == topic), key=lambda one: str(one["_id"]))
    found.sort(key=lambda one: one["praise"])
    return found[::-1] if order == "-praise" else sorted(found, key=lambda one: str(one["_id"]))


def hammered(seed: int, cache: ReadCache) -> Counter[str]:
    """What happened in a seed; raises `AssertionError` where an answer was stale."""
    world = Hammer(seed, cache)
    try:
        world.run()
    except AssertionError as stale:
        raise AssertionError(f"seed {seed}: {stale}") from stale
    return world.met


def hammer(seeds: Iterable[int], room: int, kind: type[ReadCache] = ReadCache) -> Counter[str]:
    """The same of several seeds, each with a cache of its own."""
    return sum((hammered(seed, kind(room)) for seed in seeds), Counter())


if __name__ == "__main__":
    logging.disable()
    print(dict(hammer(range(int(sys.argv[1])), 20_000)))
