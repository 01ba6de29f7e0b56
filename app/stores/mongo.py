"""The home of the MongoDB driver: finds documents, and applies what projectors ask for."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.errors import PyMongoError

from app.cqrs.documents import (
    Checkpoint,
    CheckpointMoved,
    DocumentChanged,
    Fields,
    ReadStoreUnavailable,
    Sort,
)
from app.cqrs.events import RecordedEvent
from app.cqrs.notices import Place
from app.cqrs.read_model import Change, Collection, Document, Filter, ReadModel
from app.stores.mongo_operations import Operation, Operations
from app.stores.mongo_reading import CODEC, IN_A_REPLY, done, found, projection
from app.stores.mongo_refusals import impossible, unavailable

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


Driver = Literal["motor", "pymongo"]
"""Motor, or pymongo's own asynchronous client: nearly the same API, and no trip to a thread for each call."""


@asynccontextmanager
async def open_read_store(
    url: str, database: str, driver: Driver = "motor"
) -> AsyncIterator["MongoReadStore"]:
    """The read store in a database of the replica set at `url`.

    Raises `ReadStoreUnavailable` where that is no URL of one.
    """
    client_of: Any = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}[driver]
    try:
        client: Any = client_of(
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
        await done(client.close())


class MongoReadStore:
    """Documents and checkpoints; both change in the same transaction."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str) -> None:
        self._client = client
        self._database: AsyncIOMotorDatabase[Document] = client.get_database(
            database, codec_options=CODEC, write_concern=SAFE, read_preference=ReadPreference.PRIMARY
        )
        self._checkpoints = self._database["checkpoints"]
        self._writers = self._database["writers"]
        # Where no document changed, a lost move costs no more than a second look at the same events.
        self._sessions: dict[str, AsyncIOMotorClientSession] = {}
        self._hasty_checkpoints = self._checkpoints.with_options(write_concern=WriteConcern(1, j=False))

    async def ping(self) -> None:
        """Returns if the store answers."""
        with unavailable():
            await self._database.command("ping")

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """The documents with these ids by their ids, and perhaps others; shared, so change none."""
        wanted = {"_id": ids[0] if len(ids) == 1 else {"$in": list(ids)}}
        return {document["_id"]: document for document in await self.find(collection, wanted, fields=fields)}

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        """Documents that fit `filter`; all of them where `limit` is 0."""
        command = {"find": collection.name, "filter": filter, "projection": projection(fields)}
        if sort:
            command["sort"] = dict(sort)
        with unavailable():
            return await found(self._database, {**command, "limit": limit, "batchSize": IN_A_REPLY})

    async def count(self, collection: Collection, filter: Filter) -> int:
        """How many documents fit `filter`."""
        with unavailable():
            return await self._documents(collection).count_documents(filter)

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """What an aggregation pipeline over the collection gives."""
        with unavailable():
            return await found(
                self._database,
                {
                    "aggregate": collection.name,
                    "pipeline": list(pipeline),
                    "cursor": {"batchSize": IN_A_REPLY},
                },
            )

    async def prepare(self, model: ReadModel) -> None:
        """Makes the read model's checkpoint, collections and indexes where they are missing."""
        with unavailable():
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
        session = self._sessions[model.key] = await done(self._client.start_session())
        mine = {"session": getattr(session, "delegate", session).session_id["id"]}
        before = await self._writers.find_one_and_update({"_id": model.key}, {"$set": mine}, upsert=True)
        if before and before["session"] != mine["session"]:
            await self._database.command("killSessions", [{"id": before["session"]}])

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Up to where the documents are complete."""
        with unavailable():
            found = await self._checkpoints.find_one({"_id": model.key}) or {}
        event_id = found.get("event_id")
        return Checkpoint(int(found.get("position", 0)), UUID(event_id) if event_id else None)

    async def clear(self, model: ReadModel) -> None:
        """Forgets the read model's documents and checkpoint, so that it is rebuilt from the log."""
        with unavailable():
            async with (
                await done(self._client.start_session()) as session,
                await done(session.start_transaction(write_concern=SAFE)),
            ):
                for collection in model.collections:
                    await self._documents(collection).delete_many({}, session=session)
                await self._checkpoints.delete_one({"_id": model.key}, session=session)

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Makes all `changes` and moves the checkpoint from `start` to the event `end`, or does nothing.

        The checkpoint may be behind `start`, down to `since`.
        """
        with unavailable(), impossible():
            if not changes:
                await self._move(self._hasty_checkpoints, model, (since, start), end)
                return []
            session = self._sessions[model.key]
            async with await done(session.start_transaction(write_concern=SAFE)):
                await self._move(self._checkpoints, model, (since, start), end, session)
                return await self._write(changes, session)

    async def _move(
        self,
        checkpoints: AsyncIOMotorCollection[Document],
        model: ReadModel,
        between: tuple[int, int],
        end: RecordedEvent,
        session: AsyncIOMotorClientSession | None = None,
    ) -> None:
        lowest, highest = between
        reached = {"position": end.position, "event_id": str(end.event_id)}
        moved = await checkpoints.update_one(
            {"_id": model.key, "position": {"$gte": lowest, "$lte": highest}},
            {"$set": reached},
            session=session,
        )
        if moved.matched_count != 1:
            raise CheckpointMoved(f"the checkpoint of {model.key} is not at {highest} any more")

    async def _write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], session: AsyncIOMotorClientSession
    ) -> list[DocumentChanged]:
        waiting: defaultdict[str, Operations] = defaultdict(Operations)
        notices: dict[Place, DocumentChanged] = {}
        for event, change in changes:
            name = change.collection.name
            ids = [change.id] if change.id is not None else []
            if change.where is not None:
                # What is to be found may still be waiting to be written.
                await self._flush(name, waiting[name].take(), session)
                found = self._database[name].find(
                    change.where, {"_id": 1}, sort=[("_id", 1)], session=session
                )
                ids = [document["_id"] async for document in found]
            for id in ids:
                waiting[name].add(id, change, event.position)
                notice = _notice(id, change, event)
                if earlier := notices.get(notice.place):  # One notice an event and document.
                    fields = tuple(sorted({*earlier.fields, *notice.fields}))
                    notice = replace(notice, fields=fields)
                notices[notice.place] = notice
        for name, operations in waiting.items():
            await self._flush(name, operations.take(), session)
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
