"""Documents equal those of a fresh rebuild from the log, but for the order of their fields."""

from collections.abc import Sequence

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.projecting.projector import Projector
from app.declared import EVENTS, READ_MODELS
from app.stores.mongo.store import MongoReadStore, open_read_store
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.faults.findings import Findings, lost, wrong
from tests.keys import keys_of

LIVE, REBUILT = "diptych", "rebuilt"
"""The databases."""

Documents = dict[str, dict[str, bytes]]
"""Each collection's documents as bytes, by their ids."""


class _Noting:
    """The read store, and all notices of what was applied to it."""

    def __init__(self, store: MongoReadStore) -> None:
        self._store = store
        self.notices: list[DocumentChanged] = []
        self.prepare, self.index = store.prepare, store.index
        self.clear = store.clear
        self.checkpoint = store.checkpoint
        self.find = store.find

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        notices = await self._store.apply(model, changes, since=since, start=start, end=end)
        self.notices += notices
        return notices


async def rebuild(write_store: str, mongo: str, keys_url: str | None = None) -> list[DocumentChanged]:
    """Makes all documents anew, in a database of their own; returns every notice there ever was."""
    async with (
        open_database(write_store) as engines,
        keys_of(write_store, keys_url) as keys,
        open_read_store(mongo, REBUILT) as rebuilt,
    ):
        store = _Noting(rebuilt)
        for model in READ_MODELS:
            await rebuilt.clear(model)
            await store.prepare(model)
            projector = Projector(
                model,
                log=SqlWriteStore(engines, EVENTS, keys=keys),
                bus=AsyncioEventBus(),
                store=store,
                progress=Progress(model.name, Head()),
                notices=Notices(),
            )
            await projector.catch_up()
    return store.notices


async def serving(mongo: str, database: str) -> list[ReadModel]:
    """The read models, each with the generation of documents that serves in a database."""
    async with open_read_store(mongo, database) as store:
        return [model.of((await store.records.record(model)).serving) for model in READ_MODELS]


async def documents(mongo: str, database: str) -> Documents:
    """The documents of all read models that serve in a database."""
    models = await serving(mongo, database)
    client: AsyncMongoClient[RawBSONDocument] = AsyncMongoClient(mongo, document_class=RawBSONDocument)
    async with client:
        return {
            collection.name: {
                str(document["_id"]): bytes(document.raw)
                async for document in client[database][collection.stored_as].find()
            }
            for model in models
            for collection in model.collections
        }


def check_documents(live: Documents, rebuilt: Documents) -> Findings:
    """What differs between the two."""
    for name, wanted in rebuilt.items():
        found = live[name]
        for id in wanted.keys() - found.keys():
            yield lost(f"the document {id} of {name} is missing")
        for id in found.keys() - wanted.keys():
            yield wrong(f"the document {id} of {name} would not be there after a rebuild")
        for id in wanted.keys() & found.keys():
            # MongoDB sorts the fields of a document that it makes itself, which depends on the batches.
            if found[id] != wanted[id] and bson.decode(found[id]) != bson.decode(wanted[id]):
                read, anew = RawBSONDocument(found[id]), RawBSONDocument(wanted[id])
                yield wrong(f"the document {id} of {name} is {dict(read)}, and after a rebuild {dict(anew)}")
