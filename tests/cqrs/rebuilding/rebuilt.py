"""A read model with its generations: a log in memory, the real document store, and all who read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.documents.store import DocumentWriter
from app.cqrs.freshness.progress import Progress
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.messages import Event
from app.cqrs.projecting.generations import StoredGeneration
from app.cqrs.projecting.projector import Projector
from app.cqrs.reading.cache import ReadCache
from app.cqrs.rebuilding.partial import DocumentReplacer, PartialRebuild
from app.cqrs.rebuilding.rebuilder import Rebuilder
from app.cqrs.rebuilding.rebuilds import KEEP, Rebuilds
from app.cqrs.rebuilding.records import GenerationRecords, RebuildState
from app.cqrs.rebuilding.starting import record_at_start
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, MemoryLog
from tests.cqrs.notes import notes


class Rebuilt:
    """One process that projects notes, and can rebuild them."""

    def __init__(
        self,
        store: MongoReadStore,
        log: MemoryLog,
        *,
        records: GenerationRecords | None = None,
        writer: DocumentWriter | None = None,
        replacer: DocumentReplacer | None = None,
        model: ReadModel = notes,
        poll: float | None = None,
    ) -> None:
        self.store, self.log, self.model = store, log, model
        self.writer = writer or store
        self.records = records or store.records
        self.replacer = replacer or store
        self.poll = poll
        self.bus = AsyncioEventBus()
        self.head = Head()
        self.progress = Progress(model.name, self.head)
        self.notices, self.cache, self.lists = Notices(), ReadCache(1_000_000), ConcernedLists()
        self.readers = OwnDocuments(store, [model])
        self.rebuilds = Rebuilds()
        self._dropped: set[Generation] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Rebuilder]:
        """Runs as a process that starts, until the block ends."""
        record = await record_at_start(self.model, self.store, self.store.records)
        model = self.model.of(record.serving)
        self.readers.serve(model)
        serving = Projector(
            model,
            log=self.log,
            bus=self.bus,
            store=self.writer,
            progress=self.progress,
            notices=self.notices,
            cache=self.cache,
            lists=self.lists,
        )
        rebuilder = Rebuilder(
            serving,
            record=record,
            beside=self._beside,
            records=self.records,
            store=self,
            readers=self.readers,
            poll=self.poll,
            partly=lambda serving, selection: PartialRebuild(serving, selection, self.log, self.replacer),
            apart=self.apart,
            moved=self.rebuilds.moved,
        )
        self.rebuilds.add(rebuilder)
        task = asyncio.create_task(rebuilder.run())
        try:
            yield rebuilder
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def apart(self, projector: Projector) -> None:
        """Builds nothing, as for documents that are not far behind."""

    def _beside(self, model: ReadModel) -> Projector:
        own = Progress(model.name, self.head)
        return Projector(model, log=self.log, bus=self.bus, store=self.writer, progress=own, batch=3)

    async def publish(self, *events: Event) -> None:
        await self.bus.publish(self.log.append(*events))

    async def shows_all(self) -> None:
        await self.progress.wait_for(len(self.log.events), PATIENCE)

    async def rebuilt(self, *, keep: timedelta = KEEP, verify: bool = False) -> None:
        """Begins a rebuild, and returns at its end."""
        assert await self.rebuilds.begin(self.model.name, keep=keep, verify=verify) is None
        await self.becomes(RebuildState.SWITCHED, RebuildState.FINISHED)

    async def becomes(self, *states: RebuildState) -> None:
        """Returns once the rebuild is in one of these states."""
        await self.until(lambda: (found := self.rebuilds.of(self.model.name)) and found.state in states)

    async def until(self, true: Callable[[], object]) -> None:
        """Returns once something is true, which is looked at whenever a rebuild has moved."""
        async with asyncio.timeout(PATIENCE):
            while True:
                moved = self.rebuilds.changed
                if true():
                    return
                await moved.wait()

    async def generations(self, model: ReadModel) -> Sequence[StoredGeneration]:
        return await self.store.generations(model)

    async def drop(self, generation: Generation) -> None:
        """Drops it as the store does, and has those know who wait for that."""
        await self.store.drop(generation)
        self._dropped.add(generation)
        self.rebuilds.moved()

    async def until_dropped(self, model: ReadModel) -> None:
        await self.until(lambda: model.generation in self._dropped)

    async def shown(self) -> list[Document]:
        """What readers are shown now."""
        return await self.readers.find(self.model.collections[0], {}, sort=[("_id", 1)])
