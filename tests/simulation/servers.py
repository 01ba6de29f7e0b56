"""The event log and the document store, out there beyond a network: a call takes effect at a time of its own.

So a process may die, or give up, between its question and the effect, or between the effect and the answer.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from app.cqrs.documents.read_model import Change, Collection, Document, Filter, ReadModel
from app.cqrs.documents.store import Checkpoint, DocumentChanged, Fields, Sort
from app.cqrs.log.events import EventUnreadable, RecordedEvent
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from tests.cqrs.desk import MemoryLog
from tests.simulation.documents import MemoryDocuments
from tests.simulation.loop import VirtualLoop
from tests.simulation.models import Cursed
from tests.simulation.witness import Witness

T = TypeVar("T")

SWIFT, SLOW = 0.005, 0.5
"""Seconds that a message takes at most."""


@dataclass
class Network:
    """The way to one server and back, and what is wrong with it at the moment."""

    loop: VirtualLoop
    random: Random
    witness: Witness
    unavailable: Callable[[str], Exception]
    slowest: float = SWIFT
    down: bool = False
    loses: float = 0.0
    """How likely it is that an answer never arrives."""

    def mend(self) -> None:
        self.slowest, self.down, self.loses = SWIFT, False, 0.0

    async def ask(self, effect: Callable[[], T]) -> T:
        answer: asyncio.Future[T] = self.loop.create_future()
        self._later(self._arrive, answer, effect)
        return await answer

    def _arrive(self, answer: "asyncio.Future[T]", effect: Callable[[], T]) -> None:
        if self.down:
            self._later(_refuse, answer, self.unavailable("it is down"))
            return
        try:
            result = effect()
        except Exception as refusal:
            self.witness.saw("refused", type(refusal).__name__)
            self._later(_refuse, answer, refusal)
            return
        if self.random.random() < self.loses:
            self.witness.saw("lost answer")
            self._later(_refuse, answer, self.unavailable("the answer got lost"))
        else:
            self._later(_give, answer, result)

    def _later(self, callback: Callable[..., None], *args: object) -> None:
        # In nobody's context: the death of who asked does not call back what is under way.
        delay = self.random.random() ** 2 * self.slowest
        self.loop.call_later(delay, callback, *args, context=Context())


def _refuse(answer: "asyncio.Future[T]", refusal: Exception) -> None:
    if not answer.done():
        answer.set_exception(refusal)


def _give(answer: "asyncio.Future[T]", result: T) -> None:
    if not answer.done():
        answer.set_result(result)


class DistantLog(MemoryLog):
    """The event log of a write store that is a server."""

    def __init__(self, loop: VirtualLoop, random: Random, witness: Witness) -> None:
        super().__init__()
        self.network = Network(loop, random, witness, WriteStoreUnavailable)

    async def head(self) -> int:
        return await self.network.ask(lambda: len(self.events))

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        return await self.network.ask(lambda: self.events[after : after + limit])


class DistantStore:
    """The document store; at every change it is witnessed that the change is the right one."""

    def __init__(self, loop: VirtualLoop, random: Random, log: MemoryLog, witness: Witness) -> None:
        self.network = Network(loop, random, witness, ReadStoreUnavailable)
        self.documents = MemoryDocuments()
        self.notices: defaultdict[str, list[DocumentChanged]] = defaultdict(list)
        """All there ever were, by read model."""
        self.complete: Counter[str] = Counter()
        """The highest checkpoint that each read model ever had."""
        self.applied: Callable[[], None] = lambda: None
        self._log = log
        self._witness = witness

    def holds(self, model: ReadModel, checkpoint: int | None = None) -> int:
        """Up to which position the documents are complete: beyond the checkpoint where nothing changes."""
        position = self.complete[model.name] if checkpoint is None else checkpoint
        for event in self._log.events[position:]:
            if self._wanted(model, position, event.position) != []:
                break
            position = event.position
        return position

    async def prepare(self, model: ReadModel) -> None:
        await self.network.ask(lambda: None)

    async def index(self, model: ReadModel) -> None:
        await self.network.ask(lambda: None)

    async def clear(self, model: ReadModel) -> None:
        raise AssertionError("nobody drops documents here")

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        return await self.network.ask(lambda: self.documents.checkpoint(model))

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        return await self.network.ask(lambda: self.documents.find(collection, filter, sort, limit))

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        return await self.network.ask(lambda: self._apply(model, list(changes), since, start, end))

    def _apply(
        self,
        model: ReadModel,
        changes: list[tuple[RecordedEvent, Change]],
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        before = self.documents.checkpoint(model).position
        notices = self.documents.apply(model, changes, since, start, end)
        self._witness.saw("applied", model.name, before, since, start, end.position)
        rises = before < end.position if changes else before <= end.position
        self._witness.check(rises, f"{model.name}: the checkpoint only rises")
        self._witness.check(
            changes == self._wanted(model, before, end.position),
            f"{model.name}: from {before} to {end.position} each event is applied once and in order",
        )
        self.notices[model.name] += notices
        self.complete[model.name] = max(self.complete[model.name], end.position)
        self.applied()
        return notices

    def _wanted(self, model: ReadModel, after: int, last: int) -> list[tuple[RecordedEvent, Change]] | None:
        try:
            return [
                (event, change) for event in self._log.events[after:last] for change in model.changes(event)
            ]
        except (Cursed, EventUnreadable):
            return None  # One of them can't be applied, so it was skipped.
