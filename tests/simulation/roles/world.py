"""A world of processes with roles: two that project, two that answer, a broker, and leases."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import cast
from uuid import UUID

import pytest

from app.cqrs.freshness.progress import ReadModelState
from tests.simulation.roles.broker import Broker
from tests.simulation.roles.leases import DistantLeases
from tests.simulation.roles.processes import ProjectingProcess, QueryingProcess, RoleProcess, recorded
from tests.simulation.trouble import Trouble
from tests.simulation.world import World

OF_EACH = 2
"""Processes of each role that a supervisor keeps running."""

LONGEST_PAUSE = 10.0
"""Seconds."""

ON_TIME = (
    "announcing.hearing.monotonic",
    "announcing.heard_model.monotonic",
    "reading.cache.monotonic",
    "projecting.leases.monotonic",
)
"""The parts of the service that ask for the time."""


class RoleWorld(World):
    """The same servers, clients and rules; what lies between commands and clients is several processes."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.broker = Broker(self.loop, random, self.witness)
        self.leases = DistantLeases(self.loop, self.store.network, self.witness)
        self.trouble = RoleTrouble

    @contextmanager
    def patched(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for place in ON_TIME:
                patch.setattr(f"app.cqrs.{place}", self.loop.time)
            for place in ("announcing.telling.uuid4", "projecting.leases.uuid4"):
                patch.setattr(f"app.cqrs.{place}", lambda: UUID(int=self.random.getrandbits(128)))
            yield

    @property
    def roles(self) -> list[RoleProcess]:
        return cast("list[RoleProcess]", self.processes)

    async def _keep_running(self) -> None:
        while True:
            self.processes = [process for process in self.processes if not process.over]
            for kind in (ProjectingProcess, QueryingProcess):
                missing = OF_EACH - sum(isinstance(process, kind) for process in self.processes)
                for _ in range(max(0, missing)):
                    self._start(kind)
            answering = [each for each in self.processes if each.answers]
            for listener in self._listeners:
                if answering:
                    listener.connect(self.random.choice(answering))
            await asyncio.sleep(self.random.random() * 0.2)

    def start(self) -> None:
        """One more than there should be."""
        kinds: list[type[ProjectingProcess | QueryingProcess]] = [ProjectingProcess, QueryingProcess]
        self._start(self.random.choice(kinds))

    def _start(self, kind: type[ProjectingProcess | QueryingProcess]) -> None:
        self._count += 1
        name, room = f"{kind.__name__}-{self._count}", self.random.randint(1, 12)
        parts = name, self.loop, self.log, self.store, self.models, self.witness
        self.processes.append(kind(*parts, room=room, broker=self.broker, leases=self.leases))

    def find_calm(self) -> None:
        super().find_calm()
        self.broker.mend()

    def commit(self, *, told: bool) -> None:
        before = self.log.events[-1] if self.log.events else None
        position = len(self.log.events)
        super().commit(told=told)
        if told:  # else whoever committed it died before it was published
            self.broker.publish(recorded(self.log.events[position:], before))

    def _all_but_the_cursed_are_live(self) -> bool:
        head = len(self.log.events)
        answering = [each for each in self.processes if isinstance(each, QueryingProcess)]
        return bool(answering) and all(
            process.is_live_at(head, but="topics")
            and process.progress["topics"].state is ReadModelState.FAILED
            and process.progress["topics"].position < (self.curse or 0)
            for process in answering
        )


class RoleTrouble(Trouble):
    """What may happen to processes, servers and networks, and now to the broker and to leases as well."""

    _world: RoleWorld
    most = 14

    def kinds(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            *super().kinds(),
            self._pause,
            self._pause,
            self._pause_who_applies,
            self._lose_messages,
            self._repeat_messages,
            self._slow_the_broker,
            self._stop_the_broker,
            self._lose_the_brokers_store,
            self._tear_the_leases,
        ]

    def _pause_for(self) -> float:
        return self._random.random() ** 2 * LONGEST_PAUSE

    async def _pause(self) -> None:
        if process := self._someone():
            cast("RoleProcess", process).pause(self._pause_for())

    async def _pause_who_applies(self) -> None:
        """Between the documents and the announcement, more or less."""
        self._world.commit(told=True)
        for _ in range(self._random.randint(1, 60)):
            await asyncio.sleep(0)
        for process in self._world.roles:
            if isinstance(process, ProjectingProcess):
                process.pause(self._pause_for())

    async def _lose_messages(self) -> None:
        broker = self._world.broker
        broker.loses = self._random.random()
        await asyncio.sleep(self._random.random() * 3)
        broker.loses = 0

    async def _repeat_messages(self) -> None:
        broker = self._world.broker
        broker.repeats = self._random.random()
        await asyncio.sleep(self._random.random() * 3)
        broker.repeats = 0

    async def _slow_the_broker(self) -> None:
        self._witness.saw("slow broker")
        self._world.broker.network.slowest = self._random.random() * 2

    async def _stop_the_broker(self) -> None:
        self._world.broker.fall()
        await asyncio.sleep(self._random.random() * 4)
        self._world.broker.network.down = False

    async def _lose_the_brokers_store(self) -> None:
        self._world.broker.lose_what_is_kept()

    async def _tear_the_leases(self) -> None:
        self._world.leases.tear()
