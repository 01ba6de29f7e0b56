"""The home of the MongoDB driver: finds documents, and applies what projectors ask for."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson.codec_options import CodecOptions, TypeCodec, TypeRegistry
from bson.decimal128 import Decimal128
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, ReplaceOne, UpdateOne, WriteConcern
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from app.cqrs.documents import (
    ChangeImpossible,
    Checkpoint,
    CheckpointMoved,
    DocumentChanged,
    ReadStoreUnavailable,
    Sort,
)
from app.cqrs.events import RecordedEvent
from app.cqrs.notices import Place
from app.cqrs.read_model import Change, Collection, Document, Filter, ReadModel

PATIENCE = 2000
"""Milliseconds to look for a primary before the read store counts as unavailable."""

HEARTBEAT = 2000
"""Milliseconds between looks at whether the store is there."""

LONGEST_CALL = 10_000
"""Milliseconds that a store which hangs may keep a call waiting."""

SAFE = WriteConcern("majority", j=True)
"""A killed mongod keeps what was acknowledged only if its journal has it."""

_MOST_OPERATIONS = 10_000
"""Operations in one call, so that a change of very many documents is not taken for a store that hangs."""

# mongod's codes. A refused command is no fault of its own, but for these (BadValue, FailedToParse, Overflow,
# BSONObjectTooLarge); a refused write is, but for those (InternalError, UnknownError, WriteConflict,
# ExceededMemoryLimit, OutOfDiskSpace).
_BLAMES_THE_COMMAND = {2, 9, 15, 10334}
_BLAMES_NO_WRITE = {1, 8, 112, 146, 14031}

Operation = ReplaceOne[Document] | UpdateOne


class _DecimalCodec(TypeCodec):
    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value: Decimal) -> Decimal128:
        return Decimal128(value)

    def transform_bson(self, value: Decimal128) -> Decimal:
        return value.to_decimal()


_CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_DecimalCodec()]))


@asynccontextmanager
async def open_read_store(url: str, database: str) -> AsyncIterator["MongoReadStore"]:
    """The read store in a database of the replica set at `url`.

    Raises `ReadStoreUnavailable` where that is no URL of one.
    """
    try:
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            serverSelectionTimeoutMS=PATIENCE,
            connectTimeoutMS=PATIENCE,
            heartbeatFrequencyMS=HEARTBEAT,
            socketTimeoutMS=LONGEST_CALL,
        )
    except (PyMongoError, ValueError) as error:
        raise ReadStoreUnavailable(f"MONGODB_URL does not lead to a MongoDB: {error}") from error
    try:
        yield MongoReadStore(client, database)
    finally:
        client.close()


class MongoReadStore:
    """Documents and checkpoints; both change in the same transaction."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str) -> None:
        self._client = client
        self._database: AsyncIOMotorDatabase[Document] = client.get_database(
            database, codec_options=_CODEC, write_concern=SAFE, read_preference=ReadPreference.PRIMARY
        )
        self._checkpoints = self._database["checkpoints"]
        self._writers = self._database["writers"]
        # Where no document changed, a lost move costs no more than a second look at the same events.
        self._sessions: dict[str, AsyncIOMotorClientSession] = {}
        self._hasty_checkpoints = self._checkpoints.with_options(write_concern=WriteConcern(1, j=False))

    async def ping(self) -> None:
        """Returns if the store answers."""
        with _unavailable():
            await self._database.command("ping")

    async def find(
        self, collection: Collection, filter: Filter, *, sort: Sort = (), limit: int = 0
    ) -> list[Document]:
        """Documents that fit `filter`; all of them where `limit` is 0."""
        with _unavailable():
            cursor = self._documents(collection).find(filter, sort=list(sort) or None, limit=limit)
            return await cursor.to_list(None)

    async def count(self, collection: Collection, filter: Filter) -> int:
        """How many documents fit `filter`."""
        with _unavailable():
            return await self._documents(collection).count_documents(filter)

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """What an aggregation pipeline over the collection gives."""
        with _unavailable():
            return await self._documents(collection).aggregate(list(pipeline)).to_list(None)

    async def prepare(self, model: ReadModel) -> None:
        """Makes the read model's checkpoint, collections and indexes where they are missing."""
        with _unavailable():
            await self._succeed(model)
            first = {"$setOnInsert": {"position": 0}}
            await self._checkpoints.update_one({"_id": model.key}, first, upsert=True)
            for collection in model.collections:
                # Listeners resume by position, and rebuilds compare by it.
                for paths in (("position", "_id"), *collection.indexes):
                    keys = [(path.removeprefix("-"), -1 if path.startswith("-") else 1) for path in paths]
                    await self._documents(collection).create_index(keys)

    async def _succeed(self, model: ReadModel) -> None:
        """Ends what a writer before us has left open: a transaction whose writer was killed would keep the
        checkpoint from everybody else for over a minute.
        """
        if former := self._sessions.pop(model.key, None):
            await former.end_session()
        session = self._sessions[model.key] = await self._client.start_session()
        mine = {"session": session.delegate.session_id["id"]}
        before = await self._writers.find_one_and_update({"_id": model.key}, {"$set": mine}, upsert=True)
        if before and before["session"] != mine["session"]:
            await self._database.command("killSessions", [{"id": before["session"]}])

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Up to where the documents are complete."""
        with _unavailable():
            found = await self._checkpoints.find_one({"_id": model.key}) or {}
        event_id = found.get("event_id")
        return Checkpoint(int(found.get("position", 0)), UUID(event_id) if event_id else None)

    async def clear(self, model: ReadModel) -> None:
        """Forgets the read model's documents and checkpoint, so that it is rebuilt from the log."""
        with _unavailable():
            async with (
                await self._client.start_session() as session,
                session.start_transaction(write_concern=SAFE),
            ):
                for collection in model.collections:
                    await self._documents(collection).delete_many({}, session=session)
                await self._checkpoints.delete_one({"_id": model.key}, session=session)

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Makes all `changes` and moves the checkpoint from `start` to the event `end`, or does nothing."""
        with _unavailable(), _impossible():
            if not changes:
                await self._move(self._hasty_checkpoints, model, start, end)
                return []
            session = self._sessions[model.key]
            async with session.start_transaction(write_concern=SAFE):
                await self._move(self._checkpoints, model, start, end, session)
                return await self._write(changes, session)

    async def _move(
        self,
        checkpoints: AsyncIOMotorCollection[Document],
        model: ReadModel,
        start: int,
        end: RecordedEvent,
        session: AsyncIOMotorClientSession | None = None,
    ) -> None:
        reached = {"position": end.position, "event_id": str(end.event_id)}
        moved = await checkpoints.update_one(
            {"_id": model.key, "position": start}, {"$set": reached}, session=session
        )
        if moved.matched_count != 1:
            raise CheckpointMoved(f"the checkpoint of {model.key} is not at {start} any more")

    async def _write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], session: AsyncIOMotorClientSession
    ) -> list[DocumentChanged]:
        waiting: defaultdict[str, list[Operation]] = defaultdict(list)
        notices: dict[Place, DocumentChanged] = {}
        for event, change in changes:
            name = change.collection.name
            ids = [change.id] if change.id is not None else []
            if change.where is not None:
                # What is to be found may still be waiting to be written.
                await self._flush(name, waiting.pop(name, []), session)
                found = self._database[name].find(
                    change.where, {"_id": 1}, sort=[("_id", 1)], session=session
                )
                ids = [document["_id"] async for document in found]
            waiting[name] += [_operation(id, change, event.position) for id in ids]
            for id in ids:
                notice = _notice(id, change, event)
                earlier = notices.get(notice.place, notice)  # One notice an event and document.
                fields = tuple(sorted({*earlier.fields, *notice.fields}))
                notices[notice.place] = replace(notice, fields=fields)
        for name, operations in waiting.items():
            await self._flush(name, operations, session)
        return [notices[place] for place in sorted(notices)]

    async def _flush(
        self, name: str, operations: list[Operation], session: AsyncIOMotorClientSession
    ) -> None:
        for first in range(0, len(operations), _MOST_OPERATIONS):
            await self._database[name].bulk_write(
                operations[first : first + _MOST_OPERATIONS], ordered=True, session=session
            )

    def _documents(self, collection: Collection) -> AsyncIOMotorCollection[Document]:
        return self._database[collection.name]


def _operation(id: str, change: Change, position: int) -> Operation:
    if change.document is not None:
        return ReplaceOne({"_id": id}, {**change.document, "position": position}, upsert=True)
    update = change.update or {}
    stamped = {**update, "$set": {**update.get("$set", {}), "position": position}}
    return UpdateOne({"_id": id}, stamped, upsert=change.upsert)


def _notice(id: str, change: Change, event: RecordedEvent) -> DocumentChanged:
    return DocumentChanged(
        read_model=change.collection.read_model,
        collection=change.collection.name,
        document_id=id,
        position=event.position,
        event_type=event.type,
        fields=change.fields,
        about=None if change.about is None else str(change.about),
    )


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except ConnectionFailure as error:
        raise ReadStoreUnavailable("The read store does not answer. Try again.") from error
    except OperationFailure as error:
        if (refusal := _Refusal.of(error)).for_good:
            raise
        # Up to where it quotes what was asked, which may be personal.
        said = refusal.message.partition("{")[0].strip()
        raise ReadStoreUnavailable(f"The read store can't do it now. Try again. It says: {said}") from error


@contextmanager
def _impossible() -> Iterator[None]:
    try:
        yield
    except OperationFailure as error:
        if (refusal := _Refusal.of(error)).for_good:
            # Without what was to be written, which may be personal.
            raise ChangeImpossible(refusal.message) from None
        raise


@dataclass(frozen=True)
class _Refusal:
    """Why mongod did not do what it was asked, and whether it never will."""

    message: str
    for_good: bool

    @classmethod
    def of(cls, error: OperationFailure) -> "_Refusal":
        details = error.details or {}
        if writes := details.get("writeErrors"):
            return cls(writes[0]["errmsg"], for_good=writes[0]["code"] not in _BLAMES_NO_WRITE)
        return cls(details.get("errmsg", str(error)), for_good=error.code in _BLAMES_THE_COMMAND)
