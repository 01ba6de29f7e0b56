"""Clients who follow what changes: they outlive every process, and come back with the cursor they have."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import aclosing
from random import Random

from app.cqrs.documents.read_model import Collection, Document
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS, DocumentPosition
from app.cqrs.freshness.tokens import Token
from app.cqrs.live.following import Heartbeat
from app.cqrs.live.notices import topic
from app.cqrs.unavailable import ReadStoreUnavailable
from app.cqrs.viewers import OPEN
from tests.simulation.process import Process
from tests.simulation.servers import DistantStore
from tests.simulation.witness import Witness

NOWHERE: DocumentPosition = (0, "")


class Listener(ABC):
    """A client with a connection to one process at a time, which ends now and then."""

    def __init__(self, random: Random, store: DistantStore, witness: Witness) -> None:
        self._store, self._witness, self._random = store, witness, random
        self._pause: float = random.choice([0, 0.01, 0.5])
        self._at: tuple[Process, asyncio.Task[None]] | None = None

    def connect(self, process: Process) -> None:
        """Follows `process`, unless there is a connection already."""
        if self._at is None or self._at[0].over or self._at[1].done():
            self._at = process, process.spawn(self._follow(process))

    @abstractmethod
    def caught_up(self) -> bool:
        """Whether nothing is left that this client must be told of."""

    @abstractmethod
    async def _follow(self, process: Process) -> None: ...

    def hurry(self) -> None:
        self._pause = 0

    async def _goes_on(self) -> bool:
        """Takes its time; now and then it hangs up."""
        await asyncio.sleep(self._random.random() * self._pause)
        return self._random.random() > 0.05


class ChangeListener(Listener):
    """Hears of every change of some read models, or that changes were passed over: then it reads anew."""

    def __init__(self, names: tuple[str, ...], random: Random, store: DistantStore, witness: Witness) -> None:
        super().__init__(random, store, witness)
        self._names = names
        self._cursor: dict[str, DocumentPosition] = {}
        self._heard: dict[str, DocumentPosition] = {}
        self._read: Counter[str] = Counter()  # up to where, when something had been passed over
        self._next: Counter[str] = Counter()  # which of all notices is due

    def caught_up(self) -> bool:
        return all(
            not self._missed(name, (self._store.complete[name], AFTER_ALL_DOCUMENTS)) for name in self._names
        )

    async def _follow(self, process: Process) -> None:
        after = Token(0, self._cursor) if self._cursor else None
        async with aclosing(process.live.changes(self._names, after)) as items:
            async for told in items:
                item, reached = told.item, told.reached
                if isinstance(item, DocumentChanged):
                    self._hears(item, process)
                elif not self._cursor:
                    self._heard = dict(reached)
                elif not isinstance(item, Heartbeat):
                    self._witness.saw(type(item).__name__.lower())
                    self._read |= self._store.complete
                went_back = any(place < self._cursor.get(name, NOWHERE) for name, place in reached.items())
                self._witness.check(not went_back, "a cursor never goes back")
                self._cursor = dict(reached)
                if not await self._goes_on():
                    return

    def _hears(self, notice: DocumentChanged, process: Process) -> None:
        name, place = notice.read_model, notice.document_position
        self._witness.saw("heard", name, *place)
        self._witness.check(place > self._heard[name], f"{name}: {place} is told of once and in order")
        missed = self._missed(name, place)
        self._witness.check(not missed, f"{name}: {missed} is told of before {place}, or declared as lost")
        self._witness.check(notice in self._store.notices[name], f"{name}: {place} has changed")
        readable = process.readable(name) >= notice.position
        self._witness.check(readable, f"{name}: what is told of can be read")
        self._heard[name] = place

    def _missed(self, name: str, before: DocumentPosition) -> list[DocumentPosition]:
        """What should have been told of since the last time, `before` this place."""
        notices, index = self._store.notices[name], self._next[name]
        missed = []
        while index < len(notices) and notices[index].document_position < before:
            place = notices[index].document_position
            if place > self._heard.get(name, NOWHERE) and place[0] > self._read[name]:
                missed.append(place)
            elif not missed:
                self._next[name] = index + 1
            index += 1
        return missed


class DocumentListener(Listener):
    """Is shown the documents of a collection, then each new state; so it ends with what the store has."""

    def __init__(self, collection: Collection, random: Random, store: DistantStore, witness: Witness) -> None:
        super().__init__(random, store, witness)
        self._collection = collection
        self._shown: dict[str, Document] = {}
        self._place: DocumentPosition | None = None

    def caught_up(self) -> bool:
        return self._shown == self._store.documents.collections.get(self._collection.name, {})

    async def _follow(self, process: Process) -> None:
        name = self._collection.read_model
        after = Token(0, {name: self._place}) if self._place else None
        following = process.live.documents(self._collection, {}, topic(name), after, scope=OPEN.scope)
        try:
            async with aclosing(following) as states:
                async for state in states:
                    self._witness.saw("shown", *state.document_position)
                    in_order = self._place is None or state.document_position > self._place
                    self._witness.check(in_order, f"{state.document_position} is shown once and in order")
                    self._place = state.document_position
                    self._shown[state.document["_id"]] = state.document
                    if not await self._goes_on():
                        return
        except ReadStoreUnavailable:
            self._witness.saw("hung up")
