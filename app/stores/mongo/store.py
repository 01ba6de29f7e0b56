"""The read store on MongoDB: reads for queries, and batches of changes for projectors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import MongoClient, ReadPreference
from pymongo.errors import ConfigurationError, PyMongoError

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.documents.store import Checkpoint, DocumentChanged
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.projecting.generations import StoredGeneration
from app.cqrs.rebuilding.differences import Report
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo import generations as mongo_generations
from app.stores.mongo.codec import CODEC
from app.stores.mongo.fitness import FORM, probe, refuse_if_newer, refuse_if_unfit
from app.stores.mongo.known_log import MongoKnownLogs
from app.stores.mongo.leases import MongoLeases
from app.stores.mongo.pinned.stored import Stored, newest
from app.stores.mongo.reads.batches import Batch, JoinedBatches
from app.stores.mongo.reads.clients import CLIENTS, LONGEST_CALL, PATIENT, Driver
from app.stores.mongo.reads.direct_reads import DirectReads
from app.stores.mongo.reads.finding import DocumentReads
from app.stores.mongo.reads.primary import PrimaryWatch
from app.stores.mongo.reads.reading import read_all, resolved
from app.stores.mongo.refusals import impossible, unavailable
from app.stores.mongo.writing import SAFE, MongoWriter

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WRITERS = 24
"""Threads for the transactions of projectors: more than there are read models with three generations each."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_read_store(
    url: str,
    database: str,
    driver: Driver = "motor",
    *,
    majority: bool = False,
    lost: Callable[[], None] = lambda: None,
) -> AsyncIterator["MongoReadStore"]:
    """Yield the read store in a database of the replica set at `url`, without checking that it answers.

    With `majority`, reads show only what a majority of several nodes has: what one alone shows early may be
    rolled back when another one becomes the primary. Call `lost` at each loss of the primary, because the
    next primary may have other documents. Raise `ReadStoreUnavailable` if `url` is not the URL of a MongoDB.
    """
    client_of: Any = CLIENTS[driver]
    patience: dict[str, Any] = {**PATIENT}

    def primary_lost() -> None:
        direct.primary_lost()  # before anybody reads again because of the loss
        lost()

    try:
        direct = DirectReads(url, database, LONGEST_CALL / 1000)
        watch = PrimaryWatch(asyncio.get_running_loop(), primary_lost, direct.primary_found)
        patience["event_listeners"] = [watch]
        client: Any = client_of(url, **patience)
        # Motor wraps this client, and makes a trip to a thread for each call.
        blocking: MongoClient[Document] = (
            client.delegate if driver == "motor" else MongoClient(url, **patience)
        )
    except (PyMongoError, ValueError) as error:
        raise ReadStoreUnavailable(
            f"MONGODB_URL is no URL of a MongoDB: {str(error).rstrip('.')}.\nSet it to a URL like {FORM}."
        ) from error
    threads = ThreadPoolExecutor(WRITERS, "writer")
    try:
        yield MongoReadStore(client, blocking, direct, threads, database, url, majority=majority)
    finally:
        direct.close()
        await asyncio.to_thread(threads.shutdown)  # waits for transactions that have begun
        blocking.close()
        await resolved(client.close())


class MongoReadStore(DocumentReads):
    """The documents and checkpoints of all read models; both change in the same transaction."""

    def __init__(
        self,
        client: AsyncIOMotorClient[Document],
        blocking: MongoClient[Document],
        direct: DirectReads,
        threads: Executor,
        database: str,
        url: str,
        *,
        majority: bool = False,
    ) -> None:
        self._client, self._url = blocking, url
        self._concern = {"readConcern": {"level": "majority"}} if majority else {}
        self._direct = direct
        self._database: AsyncIOMotorDatabase[Document] = client.get_database(
            database, codec_options=CODEC, read_preference=ReadPreference.PRIMARY
        )
        # A batch makes many calls with the synchronous client, in a single trip to a thread.
        self._blocking = blocking.get_database(
            database, codec_options=CODEC, read_preference=ReadPreference.PRIMARY, write_concern=SAFE
        )
        self._writer = MongoWriter(self._blocking)
        self._threads = threads
        self._batches = JoinedBatches(self._apply)
        self.records = mongo_generations.MongoGenerations(self._blocking, threads)
        """The records of the generations, which say which of them serve."""
        self.leases = MongoLeases(self._blocking, threads)
        """The leases that say which process projects."""
        self.known_logs = MongoKnownLogs(self._blocking, threads)
        """The copy of what processes must know of the log."""

    async def probe(self) -> None:
        """Check that the store takes a write, and leave nothing behind; raise `ReadStoreUnavailable`."""
        with unavailable():
            await self._in_a_thread(probe, self._blocking)

    async def refuse_if_newer(self) -> None:
        """Raise `ReadStoreUnavailable` if a newer version of Diptych has written the documents."""
        with unavailable():
            await self._in_a_thread(refuse_if_newer, self._blocking)

    async def refuse_if_unfit(self) -> None:
        """Raise `ReadStoreUnavailable`, whose message says what to do, if this MongoDB can't be used."""
        await self._in_a_thread(refuse_if_unfit, self._client, self._blocking, self._url)

    async def has_any(self) -> bool:
        """Return whether the store has documents of any read model."""
        with unavailable():
            return await self._in_a_thread(self._writer.has_any)

    async def prepare(self, model: ReadModel) -> None:
        """Create the read model's checkpoint and collections if they are missing; for indexes, see `index`.

        Raise `DocumentsLost` if a collection that had documents was dropped or replaced.
        """
        with unavailable():
            await self._in_a_thread(self._writer.prepare, model)

    async def index(self, model: ReadModel) -> None:
        """Create the read model's missing indexes, which takes minutes for millions of documents."""
        with unavailable():
            for collection in model.collections:  # A cancelled call begins with no other one.
                while not await self._in_a_thread(self._writer.index, collection):
                    logger.info("Indexes are created: collection=%s", collection.stored_as)
            await self._in_a_thread(self._writer.indexed, model)

    async def origin(self, model: ReadModel) -> str | None:
        """Return the origin of the read model's documents, which differs if they are projected anew."""
        with unavailable():
            return await self._in_a_thread(self._writer.origin, model)

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return the read model's checkpoint; raise `DocumentsLost` as `prepare` does."""
        with unavailable():
            return await self._in_a_thread(self._writer.checkpoint, model)

    async def newest(self, documents: str) -> Stored | None:
        """Return what is stored of a generation, by its key, whichever node believes to be the primary."""
        with unavailable():
            return await self._in_a_thread(newest, self._blocking, documents)

    async def clear(self, model: ReadModel) -> None:
        """Remove the read model's documents and checkpoint, so that it is rebuilt from the log."""
        with unavailable():
            await self._in_a_thread(self._writer.clear, model)

    async def generations(self, model: ReadModel) -> Sequence[StoredGeneration]:
        """Return all generations of a read model, including this program's."""
        with unavailable():
            return await self._in_a_thread(mongo_generations.generations, self._blocking, model)

    async def drop(self, generation: Generation) -> None:
        """Drop a generation's documents and checkpoint."""
        with unavailable():
            await self._in_a_thread(mongo_generations.drop, self._blocking, generation)

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Apply all `changes` and move the checkpoint from `start` to the event `end`, or do neither.

        The checkpoint may be behind `start`, down to `since`. Cancelling the call does not stop the
        transaction.
        """
        with unavailable(), impossible():
            batch = Batch(model=model, changes=changes, since=since, start=start, end=end)
            return await self._batches.apply(batch)

    async def replace(
        self,
        model: ReadModel,
        ids: Mapping[str, Sequence[str]],
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        move: CheckpointMove,
    ) -> Report:
        """Make the documents with these ids anew, by collection; return what was different."""
        end = move.end
        if end is None:
            return Report()
        with unavailable(), impossible():
            batch = Batch(model=model, changes=changes, since=move.since, start=move.start, end=end)
            return await self._in_a_thread(self._writer.replace, batch, ids)

    async def _apply(self, batches: Sequence[Batch]) -> list[list[DocumentChanged]]:
        return await self._in_a_thread(self._writer.apply, batches)

    async def _in_a_thread(self, work: Callable[[*Ts], T], *what: *Ts) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *what)
        except ConfigurationError:
            self._writer.forget_connections()
            raise

    async def _read(self, command: dict[str, Any]) -> list[Document]:
        if self._concern:
            command |= self._concern
        return await read_all(self._database, self._direct, command)
