"""The half of the circle that turns events into documents."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from app.cqrs.announcing.telling import Teller
from app.cqrs.documents.own_documents import OwnDocuments
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from app.cqrs.measured.tracing import Tracing
from app.cqrs.projecting.generations import succeed
from app.cqrs.projecting.leases import LeaseHolder
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.partial import PartialRebuild
from app.cqrs.rebuilding.rebuilder import Rebuilder
from app.cqrs.rebuilding.rebuilds import BATCH as BESIDE_OTHERS
from app.cqrs.rebuilding.rebuilds import Rebuilds
from app.cqrs.rebuilding.records import GenerationRecord, GenerationRecords
from app.cqrs.rebuilding.starting import record_at_start
from app.cqrs.unavailable import ReadStoreUnavailable
from app.halves.documents import DocumentStores

OTHERS_SEEN_AFTER = 2.0
"""Seconds after which a switch of generations by another process is followed, where there may be any."""


Answering = Callable[[str], AbstractAsyncContextManager[None]]
"""Carries out operations on the read model of a lease until its block ends."""


class ProjectingHalf:
    """Runs the projectors and rebuilds of read models."""

    def __init__(
        self,
        stores: DocumentStores,
        rebuilds: Rebuilds,
        head: Head,
        each_projector: Mapping[str, Any],
        apart: Callable[[Projector], Awaitable[None]],
    ) -> None:
        """Project into `stores`; `each_projector` has what all projectors are given, such as the log.

        Documents that nobody reads yet are built `apart` first.
        """
        self._apart = apart
        self._stores = stores
        self._rebuilds = rebuilds
        self._head = head
        self._each_projector = each_projector

    def begin(
        self,
        model: ReadModel,
        record: GenerationRecord,
        readers: OwnDocuments,
        progress: Progress,
        running: asyncio.TaskGroup,
        **recipients: Any,
    ) -> Sequence["asyncio.Task[None]"]:
        """Run the projectors and rebuilds of `model` in a group of tasks, and return these.

        `recipients` are told of changes (see `Announcer`), and `readers` read whatever generation serves.
        """

        def beside(other: ReadModel) -> Projector:
            """Return a projector whose documents nobody reads."""
            own = Progress(other.name, self._head)
            return Projector(other, progress=own, batch=BESIDE_OTHERS, **self._each_projector)

        alone = self._stores.mongod is not None
        serving = Projector(model.of(record.serving), progress=progress, **recipients, **self._each_projector)
        rebuilder = Rebuilder(
            serving,
            record=record,
            beside=beside,
            records=self._stores.mongo.records,
            store=self._stores.documents,
            readers=readers,
            poll=None if alone else OTHERS_SEEN_AFTER,
            partly=lambda serving, selection: PartialRebuild(
                serving, selection, self._each_projector["log"], self._stores.documents
            ),
            apart=self._apart,
            moved=self._rebuilds.moved,
        )
        self._rebuilds.add(rebuilder)
        succeeding = succeed(model, progress, self._stores.documents, alone=alone)
        return [
            running.create_task(rebuilder.run(), name=f"generations of {model.name}"),
            running.create_task(succeeding, name=f"older generations of {model.name}"),
        ]


class LeasedProjecting:
    """Projects the read models whose leases this process holds, and tells other processes what changes."""

    def __init__(
        self,
        half: ProjectingHalf,
        stores: DocumentStores,
        models: Sequence[ReadModel],
        rebuilds: Rebuilds,
        head: Head,
        teller: Teller,
        name: str,
        tracing: Tracing | None,
    ) -> None:
        self._half = half
        self._tracing = tracing
        self._stores = stores
        self._models = {model.generation.numbered(1).key: model for model in models}
        self._rebuilds = rebuilds
        self._head = head
        self._teller = teller
        self.leases = LeaseHolder(stores.mongo.leases, [*self._models], name=name)

    async def run(self, answering: Answering) -> None:
        """Project whatever no other process does, until cancelled.

        For each read model, `answering` carries out what operators ask for while this process projects it.
        """

        async def project(lease: str) -> None:
            async with answering(lease):
                await self._project(lease)

        async with asyncio.TaskGroup() as running:
            running.create_task(self._teller.beat(), name="beat")
            await self.leases.run(project)

    async def _project(self, lease: str) -> None:
        model = self._models[lease]
        record = await record_at_start(model, self._stores.documents, self._stores.mongo.records)
        # Nobody in this process waits for these: all that queries need comes by announcements.
        progress = Progress(model.name, self._head)
        readers = OwnDocuments(self._stores.documents, [model.of(record.serving)])
        telling = self._teller.of(progress)
        try:
            async with asyncio.TaskGroup() as running:
                self._half.begin(
                    model, record, readers, progress, running, telling=telling, tracing=self._tracing
                )
        finally:
            self._rebuilds.remove(model.name)
            telling.end()


async def note_rebuilds(rebuilds: Rebuilds, models: Sequence[ReadModel], records: GenerationRecords) -> None:
    """Note how the rebuilds of other processes go, for operators who ask this one, until cancelled."""
    while True:
        with suppress(ReadStoreUnavailable):
            for model in models:
                rebuilds.note(await records.record(model))
        await asyncio.sleep(OTHERS_SEEN_AFTER)
