"""Processes with one role each: relay, leases, projectors, hearers and subscribers are the service's own."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.announcing.heard_model import HeardModel
from app.cqrs.announcing.hearing import Hearer
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.announcing.telling import Teller
from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.following import Live
from app.cqrs.log.events import Appended, RecordedEvent
from app.cqrs.log.relay import Relay
from app.cqrs.projecting.leases import LeaseHolder
from app.cqrs.projecting.projector import Projector
from app.cqrs.reading.cache import ReadCache
from app.cqrs.unavailable import WriteStoreUnavailable
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import LONG_AGO, Process, WitnessedBus, WitnessedNotices, WitnessedProgress
from tests.simulation.roles.broker import Broker, Transport
from tests.simulation.roles.leases import DistantLeases
from tests.simulation.servers import DistantLog, DistantStore
from tests.simulation.witness import Witness


class RoleProcess(Process, ABC):
    """A process that hears of events by the broker, and reads the log where that is not enough."""

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
        broker: Broker,
        leases: DistantLeases,
    ) -> None:
        self._broker, self._leases = broker, leases
        super().__init__(name, loop, log, store, models, witness, room=room)

    def pause(self, seconds: float) -> None:
        """Stops the process for a while; what reaches it meanwhile waits."""
        self._witness.saw("paused", self.name, seconds)
        self.paused_until = self._loop.time() + seconds

    async def stop(self) -> None:
        """Ends it in good order, once it hears that it is to end."""
        await asyncio.sleep(max(0.0, self.paused_until - self._loop.time()))
        await super().stop()

    async def _start(self) -> None:
        try:
            start = await self._log.head()
            newest = await self._log.read(after=max(0, start - 20), limit=20)
        except WriteStoreUnavailable:
            self.die()
            return
        self._witness.saw("started", self.name, start)
        self._head.rise(start, LONG_AGO)
        self.bus = WitnessedBus(self._log, start, self._witness, capacity=self._room)
        events = RecentEvents()
        events.note(newest)
        self.relay = Relay(self._log, self.bus, self._head, published=events.note)
        self.spawn(self.relay.run(start))
        self.spawn(self._hear_of_events())
        await self._begin(events)
        self.ready = True

    async def _hear_of_events(self) -> None:
        with self._broker.hearing(self._hand_over, events=True):
            await self._loop.create_future()

    def _hand_over(self, appended: Appended) -> None:
        self.relay.hand_over(appended)

    @abstractmethod
    async def _begin(self, events: RecentEvents) -> None:
        """Begin the work of the role."""

    def told_of(self, position: int) -> None:
        """Commits are told by the broker."""


class ProjectingProcess(RoleProcess):
    """Projects what it holds the lease of, and announces it."""

    async def _begin(self, events: RecentEvents) -> None:
        self._teller = Teller(Transport(self._broker))
        self.leases = LeaseHolder(self._leases, [model.key for model in self._models], name=self.name)
        self._by_key = {model.key: model for model in self._models}
        self.spawn(self._teller.beat())
        self.spawn(self.leases.run(self._project))

    async def _project(self, lease: str) -> None:
        model = self._by_key[lease]
        progress = WitnessedProgress(model, self._head, self._store, self._witness)
        telling = self._teller.of(progress)
        projector = Projector(
            model, log=self._log, bus=self.bus, store=self._store, progress=progress, telling=telling
        )
        self.projectors.append(projector)
        self._witness.saw("projects", self.name, model.name)
        try:
            await projector.run()
        finally:
            self.projectors.remove(projector)
            telling.end()

    @property
    def answers(self) -> bool:
        return False

    def is_live_at(self, head: int, *, but: str | None = None) -> bool:
        """Whether it is of use: one of them projects, and query processes show how far."""
        return self.ready


class QueryingProcess(RoleProcess):
    """Answers clients, and knows of documents what it hears and what the store says."""

    async def _begin(self, events: RecentEvents) -> None:
        notices = WitnessedNotices(self.progress, self._witness, kept=8 * self._room, capacity=2 * self._room)
        self.cache = ReadCache(1_000_000)
        lists = ConcernedLists()
        heard = []
        for model in self._models:
            progress = HeardProgress(model, self._head, self._store, self._witness)
            self.progress[model.name] = progress
            announcer = Announcer(
                model.key, progress=progress, notices=notices, cache=self.cache, lists=lists
            )
            heard.append(
                HeardModel(
                    model,
                    announcer,
                    own=model.generation,
                    notices=notices,
                    events=events,
                    serve=lambda _model: None,
                )
            )
        self.heard = heard
        hearer = Hearer(heard, transport=Transport(self._broker), positions=self._positions, cache=self.cache)
        self.spawn(hearer.run())
        await hearer.begun()
        self.live = Live(cast("DocumentReader", self._store), notices, self.progress, heartbeat=2)

    async def _positions(self, generations: Sequence[Generation]) -> dict[str, int]:
        keys = [generation.key for generation in generations]
        return {
            model.key: (await self._store.checkpoint(model)).position
            for model in self._models
            if model.key in keys
        }

    def readable(self, read_model: str) -> int:
        progress = self.progress[read_model]
        assert isinstance(progress, HeardProgress)
        return progress.furthest

    async def retry(self) -> None:
        """An operator is led to the process that projects."""

    def is_live_at(self, head: int, *, but: str | None = None) -> bool:
        if but is None:
            return super().is_live_at(head)
        others = {name: each for name, each in self.progress.items() if name != but}
        return self.ready and all(
            (each.state, each.position) == (ReadModelState.LIVE, head) for each in others.values()
        )


class HeardProgress(WitnessedProgress):
    """Is never ahead of the documents either, but may go back to what a projector has said too late.

    Reads with a token wait then for what was there before, and are never answered with less.
    """

    may_go_back = True
    furthest = 0

    def reached(self, position: int) -> None:
        super().reached(position)
        self.furthest = max(self.furthest, self.position)


def recorded(events: Sequence[RecordedEvent], before: RecordedEvent | None) -> Appended:
    """Make a commit's events into what the broker carries."""
    return Appended(
        after=before.event_id if before else None,
        last=events[-1].position,
        count=len(events),
        events=lambda: events,
    )
