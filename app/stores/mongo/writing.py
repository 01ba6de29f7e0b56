"""Transactions of projectors with pymongo's synchronous client: each runs in one trip to a thread."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

from bson import Binary
from pymongo import UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from app.cqrs.documents.read_model import Change, Collection, Document, ReadModel
from app.cqrs.documents.store import (
    Checkpoint,
    CheckpointMoved,
    DocumentChanged,
    DocumentsLost,
    LogPoint,
)
from app.cqrs.freshness.document_positions import DocumentPosition
from app.cqrs.log.events import RecordedEvent
from app.cqrs.rebuilding.differences import Report
from app.stores.mongo.internals.pymongo import forget_connections
from app.stores.mongo.reads.batches import Batch
from app.stores.mongo.writes.indexes import Indexes
from app.stores.mongo.writes.lifetime import in_time
from app.stores.mongo.writes.notices import notices_of
from app.stores.mongo.writes.operations import MOST, Operations
from app.stores.mongo.writes.replacing import Replacement

SAFE = WriteConcern("majority", j=True)
"""Acknowledged writes are in the journal: otherwise a killed mongod would lose them."""

MANY_INSERTS = 50
"""Possible inserts of a batch for which it is worth asking first which of the documents exist."""

IDS_IN_REPLY = 2_000
"""Ids in one reply: decoding more of them at once would block the event loop noticeably."""

_EARLIER, _SPACING = 8, 100
"""Number of earlier events in a checkpoint, and the number of positions between two of them."""


class MongoWriter:
    """Writer of documents and checkpoints, which change in the same transaction. Its methods block."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database.with_options(write_concern=SAFE)
        # A position that was read once must not be lost when mongod is killed after that.
        self._checkpoints = self._database.get_collection("checkpoints", read_concern=ReadConcern("majority"))
        self._writers = self._database["writers"]
        self._indexes = Indexes(self._database)
        self._sessions: dict[str, ClientSession] = {}
        self._in_doubt: dict[str, Binary] = {}
        """By read model: the session of its last transaction, until that is known to have ended."""
        self._id = uuid4().hex

    def forget_connections(self) -> None:
        """Replace all connections: those to a mongod that was not ready never get sessions."""
        forget_connections(self._database.client)

    def has_any(self) -> bool:
        """Return whether the database has documents of any read model."""
        return self._checkpoints.find_one({"position": {"$gt": 0}}) is not None

    def prepare(self, model: ReadModel) -> None:
        """Create the read model's checkpoint and collections if they are missing; for indexes, see `index`.

        Raise `DocumentsLost` if a collection that had documents was dropped or replaced.
        """
        self._take_over(model)
        checkpoint = self._checkpoint_of(model)
        if checkpoint:
            self._refuse_losses(model, checkpoint)
        else:
            self._begin(model)
        for collection in model.collections:
            self._indexes.begin(collection)
        if not checkpoint.get("collections"):
            unknown = {"_id": model.key, "collections": {"$exists": False}}
            self._checkpoints.update_one(unknown, {"$set": {"collections": self._existing(model)}})

    def index(self, collection: Collection) -> bool:
        """Create a collection's missing indexes; return `False` if that takes longer than a call may."""
        return self._indexes.create_all(collection)

    def indexed(self, model: ReadModel) -> None:
        """Record that the read model has all its indexes."""
        unindexed = {"_id": model.key, "indexed": False}
        self._checkpoints.update_one(unindexed, {"$unset": {"indexed": True}})

    def _begin(self, model: ReadModel) -> None:
        """Create the checkpoint, and delete documents that have none: their position is unknown."""
        made = {"position": 0, "types": dict(model.types), "origin": uuid4().hex, "indexed": False}
        first = {"$setOnInsert": made}
        existing = (self._database[each.stored_as].find_one({}, {"_id": 1}) for each in model.collections)
        if not any(existing):
            self._checkpoints.update_one({"_id": model.key}, first, upsert=True)
            return
        with self._database.client.start_session() as session, session.start_transaction(write_concern=SAFE):
            created = self._checkpoints.update_one({"_id": model.key}, first, upsert=True, session=session)
            if created.upserted_id is not None:  # Otherwise another process has created it first.
                self._empty(model, session)

    def _empty(self, model: ReadModel, session: ClientSession) -> None:
        for collection in model.collections:
            self._database[collection.stored_as].delete_many({}, session=session)

    def _refuse_losses(self, model: ReadModel, checkpoint: Document) -> None:
        """Raise `DocumentsLost` if the collections are not those that the checkpoint was created with."""
        existing = self._existing(model)
        before: Mapping[str, Binary | None] = checkpoint.get("collections", {})
        if not before and checkpoint.get("position"):  # Earlier versions did not store the collections.
            before = dict.fromkeys(each.stored_as for each in model.collections)
        for name, id in before.items():
            if name not in existing or (id and existing[name] != id):
                raise DocumentsLost(f"somebody has dropped or replaced its collection {name}")

    def _existing(self, model: ReadModel) -> Mapping[str, Binary]:
        named = {"name": {"$in": [each.stored_as for each in model.collections]}}
        return {each["name"]: each["info"]["uuid"] for each in self._database.list_collections(filter=named)}

    def _checkpoint_of(self, model: ReadModel) -> Document:
        return self._checkpoints.find_one({"_id": model.key}) or {}

    def _take_over(self, model: ReadModel) -> None:
        """Abort the transaction that this or another writer of the read model may have left open.

        Otherwise the transaction of a killed writer would lock the checkpoint for over a minute.
        """
        session = self._sessions.get(model.key)
        if session is None:  # Never returned to the pool, from which another read model could get it at once.
            session = self._sessions[model.key] = self._database.client.start_session()
        mine = {"writer": self._id, "session": session.session_id["id"]}
        before = self._writers.find_one_and_update({"_id": model.key}, {"$set": mine}, upsert=True)
        left_open = [self._in_doubt[model.key]] if model.key in self._in_doubt else []
        if before and (another := before.get("writer")) != self._id:
            # The other writer's last transaction may be in any of its sessions.
            left_open += [
                before["session"],
                *(each["session"] for each in self._writers.find({"writer": another})),
            ]
        if left_open:
            self._database.command("killSessions", [{"id": session} for session in left_open])
        self._in_doubt.pop(model.key, None)

    def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return the read model's checkpoint; raise `DocumentsLost` as `prepare` does."""
        found = self._checkpoint_of(model)
        self._refuse_losses(model, found)
        event_id = found.get("event_id")
        older = tuple(LogPoint(position, UUID(id)) for position, id in reversed(found.get("older", ())))
        return Checkpoint(int(found.get("position", 0)), UUID(event_id) if event_id else None, older)

    def origin(self, model: ReadModel) -> str | None:
        """Return the origin of the read model's documents; `None` if an earlier version began them."""
        origin: str | None = self._checkpoint_of(model).get("origin")
        return origin

    def clear(self, model: ReadModel) -> None:
        """Remove the read model's documents and checkpoint."""
        with self._database.client.start_session() as session, session.start_transaction(write_concern=SAFE):
            self._empty(model, session)
            self._checkpoints.delete_one({"_id": model.key}, session=session)

    def apply(self, batches: Sequence[Batch]) -> list[list[DocumentChanged]]:
        """Apply batches of different read models in one transaction; return the notices of each batch."""
        if not any(batch.changes for batch in batches):
            self._move(batches)
            return [[] for _ in batches]
        self._indexes.create_for(change for batch in batches for _, change in batch.changes)
        with self._transaction([batch.model.key for batch in batches]) as session:
            self._move(batches, session)
            return [self._write(batch.changes, session) for batch in batches]

    def replace(self, batch: Batch, ids: Mapping[str, Sequence[str]]) -> Report:
        """Remove documents, and make them anew with the changes of a batch; return what was different.

        `ids` are by collection. Write nothing if no document differs.
        """
        key = batch.model.key
        with self._transaction([key]) as session:
            self._move([batch], session)
            # A move to the same position writes nothing: another process could apply a batch in between.
            self._checkpoints.update_one({"_id": key}, {"$inc": {"replaced": 1}}, session=session)
            replacement = Replacement(self._database, batch.model, ids, session)
            self._write(batch.changes, session)
            report = replacement.report()
            if report.is_clean:
                session.abort_transaction()
        return report

    @contextmanager
    def _transaction(self, keys: Sequence[str]) -> Iterator[ClientSession]:
        """Open a transaction of read models, which is in doubt until its end is known."""
        session = self._sessions[keys[0]]
        self._in_doubt.update(dict.fromkeys(keys, session.session_id["id"]))
        with in_time(self._database), session.start_transaction(write_concern=SAFE):
            yield session
        for key in keys:
            self._in_doubt.pop(key, None)

    def _move(self, batches: Sequence[Batch], session: ClientSession | None = None) -> None:
        moves = [
            UpdateOne(
                {"_id": batch.model.key, "position": {"$gte": batch.since, "$lte": batch.start}},
                moved_to(batch.end, batch.start),
            )
            for batch in batches
        ]
        try:
            moved = self._checkpoints.bulk_write(moves, session=session)
        except BulkWriteError as error:  # A different error, so that the read model is not blamed for it.
            [refusal, *_] = error.details["writeErrors"] or error.details["writeConcernErrors"]
            raise OperationFailure(refusal["errmsg"], refusal["code"]) from error
        if moved.matched_count != len(batches):
            places = ", or ".join(f"of {batch.model.key} is not at {batch.start}" for batch in batches)
            raise CheckpointMoved(f"the checkpoint {places} any more")

    def _write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], session: ClientSession
    ) -> list[DocumentChanged]:
        waiting: defaultdict[str, Operations] = defaultdict(Operations)
        notices: dict[DocumentPosition, DocumentChanged] = {}
        for event, change in changes:
            name = change.collection.stored_as
            ids = [change.id] if change.id is not None else []
            if change.where is not None:
                # The filter must also see the changes that are not written yet.
                self._flush(name, waiting[name], session)
                found = self._database[name].find(
                    change.where, {"_id": 1}, sort=[("_id", 1)], batch_size=IDS_IN_REPLY, session=session
                )
                ids = [document["_id"] for document in found]
                waiting[name].add_to_all(ids, change, event.position)
            elif change.id is not None:
                waiting[name].add(change.id, change, event.position)
            for notice in notices_of(ids, change, event):
                key = notice.document_position
                if earlier := notices.get(key):  # There is one notice for each event and document.
                    notice = replace(
                        notice,
                        fields=tuple(sorted({*earlier.fields, *notice.fields})),
                        may_be_new=earlier.may_be_new or notice.may_be_new,
                    )
                notices[key] = notice
        for name, operations in waiting.items():
            self._flush(name, operations, session)
        return [notices[key] for key in sorted(notices)]

    def _flush(self, name: str, operations: Operations, session: ClientSession) -> None:
        collection, ids = self._database[name], operations.may_insert
        if len(ids) >= MANY_INSERTS:
            found = collection.find({"_id": {"$in": ids}}, {"_id": 1}, batch_size=MOST, session=session)
            inserts = operations.take_inserts({document["_id"] for document in found})
            for first in range(0, len(inserts), MOST):
                collection.bulk_write(inserts[first : first + MOST], ordered=False, session=session)
        for portion in operations.take():
            collection.bulk_write(portion, ordered=True, session=session)


def moved_to(end: RecordedEvent, start: int) -> Document:
    """Return the update that moves a checkpoint from a position to an event."""
    move: Document = {"$set": {"position": end.position, "event_id": str(end.event_id)}}
    if start // _SPACING < end.position // _SPACING:
        one = [end.position, str(end.event_id)]
        move["$push"] = {"older": {"$each": [one], "$slice": -_EARLIER}}
    return move
