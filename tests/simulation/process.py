"""A process of the service: relay, bus and projectors as they are, wired together as the service does it."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import DocumentChanged, DocumentReader
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.live.following import Live
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus, EventBatch
from app.cqrs.log.head import Head
from app.cqrs.log.relay import Relay
from app.cqrs.projecting.projector import Projector
from app.cqrs.unavailable import WriteStoreUnavailable
from tests.simulation.loop import Life, VirtualLoop
from tests.simulation.servers import DistantLog, DistantStore
from tests.simulation.witness import Witness

LONG_AGO = datetime(2026, 1, 31, tzinfo=UTC)


class WitnessedBus(AsyncioEventBus):
    """Publishes nothing but the log, and all of it; some of it again when a read failed."""

    def __init__(self, log: DistantLog, start: int, witness: Witness, *, capacity: int) -> None:
        super().__init__(capacity)
        self._log, self._last, self._witness = log, start, witness

    async def publish(self, batch: EventBatch) -> None:
        self._witness.saw("published", batch.after, batch.last)
        there = self._log.events[batch.after : batch.last]
        self._witness.check(list(batch.events) == there, "what is published is what the log has")
        self._witness.check(batch.after <= self._last, "the relay leaves nothing out")
        self._last = max(self._last, batch.last)
        await super().publish(batch)


class WitnessedProgress(Progress):
    """Is never ahead of the documents, and never goes back."""

    may_go_back = False

    def __init__(self, model: ReadModel, head: Head, store: DistantStore, witness: Witness) -> None:
        super().__init__(model.name, head)
        self._model, self._store, self._witness = model, store, witness

    def reached(self, position: int) -> None:
        there = position <= self._store.holds(self._model)
        self._witness.check(there, f"{self.read_model} is in the documents up to {position}")
        rises = self.may_go_back or position >= self.position
        self._witness.check(rises, f"{self.read_model} never goes back from {self.position} to {position}")
        super().reached(position)

    def failed(self, reason: str) -> None:
        self._witness.saw("failed", self.read_model, reason)
        self._witness.check("(Cursed)" in reason, f"a read model fails for a reason only: {reason}")
        super().failed(reason)


class WitnessedNotices(Notices):
    """Tells of nothing that the read model does not answer with yet."""

    def __init__(self, progress: dict[str, Progress], witness: Witness, *, kept: int, capacity: int) -> None:
        super().__init__(kept=kept, capacity=capacity)
        self._progress, self._witness = progress, witness

    def publish(self, notices: Sequence[DocumentChanged]) -> None:
        for notice in notices:
            reached = self._progress[notice.read_model].position
            self._witness.check(notice.position <= reached, "a notice comes after what it tells of")
        super().publish(notices)


class Process(Life):
    """Dies with all it has in memory when `over` is set; `stop` ends it in good order."""

    def __init__(
        self,
        name: str,
        loop: VirtualLoop,
        log: DistantLog,
        store: DistantStore,
        models: Sequence[ReadModel],
        witness: Witness,
        *,
        room: int,
    ) -> None:
        self.name = name
        self.ready = False
        self.progress: dict[str, Progress] = {}
        self.projectors: list[Projector] = []
        self._loop, self._log, self._store, self._witness = loop, log, store, witness
        self._models, self._room = models, room
        self._head = Head(at=LONG_AGO)
        self.live: Live
        self._tasks: list[asyncio.Task[None]] = []
        self.spawn(self._start())

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self._loop.spawn(work, self)
        self._tasks.append(task)
        return task

    async def _start(self) -> None:
        try:
            start = await self._log.head()
        except WriteStoreUnavailable:
            self.die()
            return
        self._witness.saw("started", self.name, start)
        self._head.rise(start, LONG_AGO)
        bus = WitnessedBus(self._log, start, self._witness, capacity=self._room)
        self.relay = Relay(self._log, bus, self._head)
        self.spawn(self.relay.run(start))
        notices = WitnessedNotices(self.progress, self._witness, kept=8 * self._room, capacity=2 * self._room)
        for model in self._models:
            progress = WitnessedProgress(model, self._head, self._store, self._witness)
            self.progress[model.name] = progress
            projector = Projector(
                model, log=self._log, bus=bus, store=self._store, progress=progress, notices=notices
            )
            self.projectors.append(projector)
            self.spawn(projector.run())
        self.live = Live(cast("DocumentReader", self._store), notices, self.progress, heartbeat=2)
        self.ready = True

    def readable(self, read_model: str) -> int:
        """The position up to which its clients may know of the documents."""
        return self.progress[read_model].position

    @property
    def answers(self) -> bool:
        """Whether clients may ask it."""
        return self.ready

    def die(self) -> None:
        if not self.over:
            self._witness.saw("died", self.name)
            self.over = True

    async def stop(self) -> None:
        self.ready = False
        for task in self._tasks:
            task.cancel()
        _, pending = await asyncio.wait(self._tasks, timeout=5)
        self._witness.check(self.over or not pending, "a process that is told to stop does so")
        self._witness.saw("stopped", self.name)
        self.over = True

    async def retry(self) -> None:
        """What an operator does who sees that a read model failed."""
        for projector in self.projectors:
            if projector.progress.state is ReadModelState.FAILED:
                self._witness.saw("retried", self.name, projector.model.name)
                await projector.retry(1)

    def told_of(self, position: int) -> None:
        """A command of this process was committed."""
        self._head.rise(position, LONG_AGO)
        self.relay.wake()

    async def await_own_write(self, read_model: str, position: int, patience: float) -> None:
        try:
            await self.progress[read_model].wait_for(position, patience)
        except ReadModelBehind:
            self._witness.saw("impatient", read_model, position)
        else:
            self._witness.saw("awaited", read_model, position)
            there = self._store.holds(next(model for model in self._models if model.name == read_model))
            self._witness.check(position <= there, f"who waited for {position} in {read_model} reads it")

    def is_live_at(self, head: int, *, but: str | None = None) -> bool:
        """Whether every read model, but one that may have failed, has reached the head and says so."""
        return self.ready and all(
            (progress.state, progress.position) == (ReadModelState.LIVE, head)
            for name, progress in self.progress.items()
            if name != but
        )
