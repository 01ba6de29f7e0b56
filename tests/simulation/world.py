"""One seed's history: commands, clients, every kind of trouble, then calm, in which all must come right."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import pytest

from app.cqrs.freshness.progress import ReadModelState
from tests.simulation.documents import MemoryDocuments
from tests.simulation.listeners import ChangeListener, DocumentListener
from tests.simulation.loop import VirtualLoop
from tests.simulation.models import Cure, happening, read_models
from tests.simulation.process import Process
from tests.simulation.servers import DistantLog, DistantStore
from tests.simulation.trouble import Trouble
from tests.simulation.witness import Witness

LIFETIME = 300
"""Seconds of virtual time that a seed takes at most; more is a hang."""
SOON = 20
"""Seconds of calm after which every read model has reached the head: the longest pauses and some."""


@dataclass(frozen=True)
class Outcome:
    """What came of a seed: how much happened, and the digest of its trace."""

    seed: int
    steps: int
    seconds: float
    events: int
    met: Counter[str]
    digest: str


def run(seed: int, kind: "Callable[[Random], World] | None" = None) -> Outcome:
    """Lives through one seed; raises `AssertionError` that names the seed and shows how it ended.

    The world is of another kind if one is given, which is made of the seed's random choices.
    """
    random = Random(seed)
    world = (kind or World)(random)
    with _small(random), _quiet(), world.patched():
        try:
            world.loop.run(world.history(), seconds=LIFETIME)
        except Exception as failure:
            raise AssertionError(f"seed {seed}: {failure!r}\n{world.witness.tail()}") from failure
    return Outcome(
        seed=seed,
        steps=world.loop.steps,
        seconds=world.loop.time(),
        events=len(world.log.events),
        met=world.witness.met,
        digest=world.witness.digest(),
    )


class World:
    """The servers, the processes of the service that are alive, and their clients."""

    def __init__(self, random: Random) -> None:
        self.loop = VirtualLoop(random)  # type: ignore[abstract]  # no sockets, signals or threads
        self.witness = Witness(self.loop)
        self.log = DistantLog(self.loop, random, self.witness)
        self.store = DistantStore(self.loop, random, self.log, self.witness)
        self.random = random
        self.cure = Cure()
        self.models = read_models(self.cure)
        self.processes: list[Process] = []
        self.trouble = Trouble
        self._count = 0
        self.curse: int | None = None
        everything = tuple(model.name for model in self.models)
        self._listeners = [
            ChangeListener(everything, random, self.store, self.witness),
            ChangeListener(everything[:1], random, self.store, self.witness),
            DocumentListener(self.models[0].collections[0], random, self.store, self.witness),
        ]

    async def history(self) -> None:
        keeper = self.loop.spawn(self._keep_running(), None)
        await asyncio.gather(self._command(), self.trouble(self).make())
        self.find_calm()
        if self.curse and not self.cure.found:
            await self._until(self._all_but_the_cursed_are_live, "only the cursed read model stands still")
            await self.find_cure()
        await self._until(self._all_is_well, "every read model is live at the head")
        self.commit(told=self.random.random() < 0.5)
        await self._until(self._all_is_well, "what is committed then is read and told of too")
        if self.random.random() < 0.5:  # else it is left to the processes that stop
            await self._until(
                self._all_is_saved, "every checkpoint is at the head, also where nothing follows"
            )
        keeper.cancel()
        await asyncio.wait([keeper])
        for process in self.processes:
            await process.stop()
        self._check_the_documents()

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Has the parts of the service live by this world's time."""
        yield

    async def _until(self, holds: Callable[[], bool], rule: str) -> None:
        deadline = self.loop.time() + SOON
        while not holds():
            self.witness.check(self.loop.time() < deadline, f"within {SOON} seconds {rule}")
            await asyncio.sleep(0.05)

    def _all_is_well(self) -> bool:
        head = len(self.log.events)
        return (
            bool(self.processes)
            and all(process.is_live_at(head) for process in self.processes)
            and all(listener.caught_up() for listener in self._listeners)
        )

    def _all_is_saved(self) -> bool:
        head = len(self.log.events)
        return all(self.store.documents.checkpoint(model).position == head for model in self.models)

    def _all_but_the_cursed_are_live(self) -> bool:
        head = len(self.log.events)
        return bool(self.processes) and all(
            process.is_live_at(head, but="topics")
            and process.progress["topics"].state is ReadModelState.FAILED
            and process.progress["topics"].position + 1 == self.curse
            for process in self.processes
        )

    def _check_the_documents(self) -> None:
        folded = MemoryDocuments()
        for model in self.models:
            notices, position = [], 0
            for event in self.log.events:
                changes = [(event, change) for change in model.changes(event)]
                notices += folded.apply(model, changes, position, position, event)
                position = event.position
            told = self.store.notices[model.name]
            self.witness.check(told == notices, f"{model.name}: one notice for each change of a document")
        there = self.store.documents
        self.witness.check(there.collections == folded.collections, "the documents are those of a plain fold")
        self.witness.check(there.checkpoints == folded.checkpoints, "every checkpoint is at the head")

    async def _keep_running(self) -> None:
        """What a supervisor does with processes, and what clients do with connections."""
        while True:
            self.processes = [process for process in self.processes if not process.over]
            if not self.processes:
                self.start()
            ready = [process for process in self.processes if process.ready]
            for listener in self._listeners:
                if ready:
                    listener.connect(self.random.choice(ready))
            await asyncio.sleep(self.random.random() * 0.2)

    def start(self) -> None:
        self._count += 1
        name, room = f"process-{self._count}", self.random.randint(1, 12)
        models = self.models
        process = Process(name, self.loop, self.log, self.store, models, self.witness, room=room)
        self.processes.append(process)

    def find_calm(self) -> None:
        for listener in self._listeners:
            listener.hurry()
        self.log.network.mend()
        self.store.network.mend()
        self.witness.saw("calm")

    async def _command(self) -> None:
        for _ in range(self.random.randint(5, 30)):
            await asyncio.sleep(self.random.random() ** 4)
            self.commit(told=self.random.random() < 0.7)

    def commit(self, *, told: bool) -> None:
        """A command's events are in the log; the process that had it may die before it tells its relay."""
        batch = self.log.append(*(happening(self.random) for _ in range(self.random.randint(1, 4))))
        self.witness.saw("committed", batch.last, *(event.type for event in batch.events))
        ready = [process for process in self.processes if process.answers and not process.over]
        if told and ready:
            process = self.random.choice(ready)
            process.told_of(batch.last)
            model, patience = self.random.choice(self.models), self.random.random() * 3
            process.spawn(process.await_own_write(model.name, batch.last, patience))

    async def find_cure(self) -> None:
        """The event can be applied: after a new program was started, or what stood against it was mended."""
        self.cure.found = True
        self.witness.saw("cured")
        restarts = self.random.random() < 0.5
        for process in self.processes:
            if restarts:
                process.die()
            else:
                process.spawn(process.retry())


@contextmanager
def _small(random: Random) -> Iterator[None]:
    """Batches of a few events, so that what takes several of them happens with few events too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "log.relay.BATCH",
            "projecting.following.BATCH",
            "log.event_bus.MAX_JOINED_EVENTS",
            "live.following.CHUNK",
        ):
            patch.setattr(f"app.cqrs.{module}", random.randint(2, 9))
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)
