"""What projectors ask for, written with pymongo's synchronous client: a whole transaction in one go."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from uuid import UUID, uuid4

from bson import Binary
from pymongo import UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.documents.store import (
    ChangeTooLarge,
    Checkpoint,
    CheckpointMoved,
    DocumentChanged,
    DocumentsLost,
    LogPoint,
)
from app.cqrs.freshness.places import Place
from app.cqrs.log.events import RecordedEvent
from app.stores.mongo.batches import Batch
from app.stores.mongo.internals.pymongo import forget_connections
from app.stores.mongo.operations import Operations

SAFE = WriteConcern("majority", j=True)
"""A killed mongod keeps what was acknowledged only if its journal has it."""

DEFAULT_LIFETIME = 60.0
"""Seconds after which mongod ends a transaction, unless it is told otherwise."""

FOUND_AT_ONCE = 2_000
"""Ids in one reply: to decode more of them at once would keep the event loop from its turn."""

_NO_SUCH_TRANSACTION, _TOO_LONG = 251, 290
"""What mongod answers once it has ended a transaction, and while it ends one that takes too long."""

_OLDER, _APART = 8, 100
"""How many events a checkpoint remembers beside the last one, and how many positions are between them."""


class MongoWriter:
    """Documents and checkpoints; both change in the same transaction. Its methods block."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database.with_options(write_concern=SAFE)
        # What is read as reached is not forgotten by a mongod that is killed then.
        self._checkpoints = self._database.get_collection("checkpoints", read_concern=ReadConcern("majority"))
        self._writers = self._database["writers"]
        self._sessions: dict[str, ClientSession] = {}
        self._in_doubt: dict[str, Binary] = {}
        """By read model: the session of its last transaction, while that is not known to be over."""
        self._id = uuid4().hex

    def forget_connections(self) -> None:
        """Has new ones made: those to a mongod that was not ready say for ever that it has no sessions."""
        forget_connections(self._database.client)

    def has_any(self) -> bool:
        """Return whether any read model was ever built here."""
        return self._checkpoints.find_one({"position": {"$gt": 0}}) is not None

    def prepare(self, model: ReadModel) -> None:
        """Make the read model's checkpoint, collections and indexes where they are missing.

        Raises `DocumentsLost` where a collection is gone that had documents.
        """
        self._succeed(model)
        checkpoint = self._checkpoint_of(model)
        if checkpoint:
            self._refuse_losses(model, checkpoint)
        else:
            self._begin(model)
        for collection in model.collections:
            # Listeners resume by position, and rebuilds compare by it.
            for paths in (("position", "_id"), *collection.indexes):
                keys = [(path.removeprefix("-"), -1 if path.startswith("-") else 1) for path in paths]
                self._database[collection.stored_as].create_index(keys)
        if not checkpoint.get("collections"):
            unknown = {"_id": model.key, "collections": {"$exists": False}}
            self._checkpoints.update_one(unknown, {"$set": {"collections": self._there(model)}})

    def _begin(self, model: ReadModel) -> None:
        """Make the checkpoint; documents without one are of nobody knows when, and go."""
        first = {"$setOnInsert": {"position": 0, "types": dict(model.types)}}
        there = (self._database[each.stored_as].find_one({}, {"_id": 1}) for each in model.collections)
        if not any(there):
            self._checkpoints.update_one({"_id": model.key}, first, upsert=True)
            return
        with self._database.client.start_session() as session, session.start_transaction(write_concern=SAFE):
            made = self._checkpoints.update_one({"_id": model.key}, first, upsert=True, session=session)
            if made.upserted_id is not None:  # else they are another process's, which was first
                self._empty(model, session)

    def _empty(self, model: ReadModel, session: ClientSession) -> None:
        for collection in model.collections:
            self._database[collection.stored_as].delete_many({}, session=session)

    def _refuse_losses(self, model: ReadModel, checkpoint: Document) -> None:
        """Raise `DocumentsLost` where the collections are not those that the checkpoint was made with."""
        there = self._there(model)
        before: Mapping[str, Binary | None] = checkpoint.get("collections", {})
        if not before and checkpoint.get("position"):  # It is from when that was not stored.
            before = dict.fromkeys(each.stored_as for each in model.collections)
        for name, id in before.items():
            if name not in there or (id and there[name] != id):
                raise DocumentsLost(f"somebody has dropped or replaced its collection {name}")

    def _there(self, model: ReadModel) -> Mapping[str, Binary]:
        named = {"name": {"$in": [each.stored_as for each in model.collections]}}
        return {each["name"]: each["info"]["uuid"] for each in self._database.list_collections(filter=named)}

    def _checkpoint_of(self, model: ReadModel) -> Document:
        return self._checkpoints.find_one({"_id": model.key}) or {}

    def _succeed(self, model: ReadModel) -> None:
        """Ends what a writer before us, or we ourselves, left open: a transaction whose writer was killed
        would keep the checkpoint from everybody else for over a minute.
        """
        session = self._sessions.get(model.key)
        if session is None:  # And kept for good: one that is given back may be somebody else's at once.
            session = self._sessions[model.key] = self._database.client.start_session()
        mine = {"writer": self._id, "session": session.session_id["id"]}
        before = self._writers.find_one_and_update({"_id": model.key}, {"$set": mine}, upsert=True)
        left_open = [self._in_doubt[model.key]] if model.key in self._in_doubt else []
        if before and (another := before.get("writer")) != self._id:
            # Its last transaction may be in any of its sessions.
            left_open += [
                before["session"],
                *(each["session"] for each in self._writers.find({"writer": another})),
            ]
        if left_open:
            self._database.command("killSessions", [{"id": session} for session in left_open])
        self._in_doubt.pop(model.key, None)

    def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return up to where the documents are complete; raise `DocumentsLost` as `prepare` does."""
        found = self._checkpoint_of(model)
        self._refuse_losses(model, found)
        event_id = found.get("event_id")
        older = tuple(LogPoint(position, UUID(id)) for position, id in reversed(found.get("older", ())))
        return Checkpoint(int(found.get("position", 0)), UUID(event_id) if event_id else None, older)

    def clear(self, model: ReadModel) -> None:
        """Forgets the read model's documents and checkpoint."""
        with self._database.client.start_session() as session, session.start_transaction(write_concern=SAFE):
            self._empty(model, session)
            self._checkpoints.delete_one({"_id": model.key}, session=session)

    def apply(self, batches: Sequence[Batch]) -> list[list[DocumentChanged]]:
        """Makes the changes of all `batches`, each of another read model, and moves their checkpoints."""
        if not any(batch.changes for batch in batches):
            self._move(batches)
            return [[] for _ in batches]
        session = self._sessions[batches[0].model.key]
        keys = [batch.model.key for batch in batches]
        self._in_doubt.update(dict.fromkeys(keys, session.session_id["id"]))
        with self._in_time(), session.start_transaction(write_concern=SAFE):
            self._move(batches, session)
            notices = [self._write(batch.changes, session) for batch in batches]
        for key in keys:
            self._in_doubt.pop(key, None)
        return notices

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Raise `ChangeTooLarge` where mongod ends the transaction because it takes too long."""
        began = monotonic()
        try:
            yield
        except OperationFailure as error:
            if error.code in (_NO_SUCH_TRANSACTION, _TOO_LONG):
                limit = self._longest_transaction()
                # It may have been ended for another reason, such as a fail-over; but not by that age.
                if error.code == _TOO_LONG or monotonic() - began > limit:
                    raise ChangeTooLarge(
                        f"it takes longer than {limit:g} seconds, which is MongoDB's parameter "
                        "transactionLifetimeLimitSeconds: raise that, then retry the read model"
                    ) from error
            raise

    def _longest_transaction(self) -> float:
        """Return the age in seconds at which mongod ends a transaction."""
        question = {"getParameter": 1, "transactionLifetimeLimitSeconds": 1}
        try:
            found = self._database.client.admin.command(question)
        except OperationFailure:  # nobody but an administrator may ask
            return DEFAULT_LIFETIME
        return float(found["transactionLifetimeLimitSeconds"])

    def _move(self, batches: Sequence[Batch], session: ClientSession | None = None) -> None:
        moves = [
            UpdateOne(
                {"_id": batch.model.key, "position": {"$gte": batch.since, "$lte": batch.start}},
                _move_of(batch),
            )
            for batch in batches
        ]
        try:
            moved = self._checkpoints.bulk_write(moves, session=session)
        except BulkWriteError as error:  # Unlike a refused change, that is no fault of the read model's.
            [refusal, *_] = error.details["writeErrors"] or error.details["writeConcernErrors"]
            raise OperationFailure(refusal["errmsg"], refusal["code"]) from error
        if moved.matched_count != len(batches):
            places = ", or ".join(f"of {batch.model.key} is not at {batch.start}" for batch in batches)
            raise CheckpointMoved(f"the checkpoint {places} any more")

    def _write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], session: ClientSession
    ) -> list[DocumentChanged]:
        waiting: defaultdict[str, Operations] = defaultdict(Operations)
        notices: dict[Place, DocumentChanged] = {}
        for event, change in changes:
            name = change.collection.stored_as
            ids = [change.id] if change.id is not None else []
            if change.where is not None:
                # What is to be found may still be waiting to be written.
                self._flush(name, waiting[name], session)
                found = self._database[name].find(
                    change.where, {"_id": 1}, sort=[("_id", 1)], batch_size=FOUND_AT_ONCE, session=session
                )
                ids = [document["_id"] for document in found]
                waiting[name].add_to_all(ids, change, event.position)
            elif change.id is not None:
                waiting[name].add(change.id, change, event.position)
            for notice in _notices(ids, change, event):
                place = notice.place
                if earlier := notices.get(place):  # One notice an event and document.
                    notice = replace(notice, fields=tuple(sorted({*earlier.fields, *notice.fields})))
                notices[place] = notice
        for name, operations in waiting.items():
            self._flush(name, operations, session)
        return [notices[place] for place in sorted(notices)]

    def _flush(self, name: str, operations: Operations, session: ClientSession) -> None:
        for portion in operations.take():
            self._database[name].bulk_write(portion, ordered=True, session=session)


def _notices(ids: Sequence[str], change: Change, event: RecordedEvent) -> Iterator[DocumentChanged]:
    fields, about = change.fields, None if change.about is None else str(change.about)
    for id in ids:
        yield DocumentChanged(
            read_model=change.collection.read_model,
            collection=change.collection.name,
            document_id=id,
            position=event.position,
            event_type=event.type,
            fields=fields,
            about=about,
            deleted=change.delete,
        )


def _move_of(batch: Batch) -> Document:
    end = {"position": batch.end.position, "event_id": str(batch.end.event_id)}
    move: Document = {"$set": end}
    if batch.start // _APART < batch.end.position // _APART:
        one = [batch.end.position, str(batch.end.event_id)]
        move["$push"] = {"older": {"$each": [one], "$slice": -_OLDER}}
    return move
