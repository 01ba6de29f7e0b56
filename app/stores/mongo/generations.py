"""Generations of read models in MongoDB: their collections and checkpoints, and the record of who serves."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, TypeVarTuple

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.documents.store import CheckpointMoved
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.projecting.generations import StoredGeneration
from app.cqrs.rebuilding.records import GenerationRecord, Rebuild, RebuildState, RecordMoved
from app.stores.mongo.codec import CODEC
from app.stores.mongo.comparing import MongoComparison
from app.stores.mongo.refusals import unavailable
from app.stores.mongo.writing import SAFE, moved_to

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

RECORDS = "generations"
"""The collection of the records, one for each read model and its code, by the key of the first generation."""

_WRITE_CONFLICT = 112


def generations(database: Database[Document], model: ReadModel) -> Sequence[StoredGeneration]:
    """Return the read model's generations that have a checkpoint."""
    serving = record_of(database, model).serving
    return [
        StoredGeneration(
            generation=(generation := Generation.of_key(each["_id"])),
            serves=generation == serving,
            position=int(each.get("position", 0)),
            types=each.get("types", {}),
        )
        for each in database["checkpoints"].find(
            {"_id": {"$regex": f"^{Generation.keys_of(model.name)}$"}}, sort=[("_id", 1)]
        )
    ]


def drop(database: Database[Document], generation: Generation) -> None:
    """Drop a generation, its checkpoint last, so that an interrupted drop is found and repeated."""
    _drop_collections(database, generation)
    for collection in ("writers", "checkpoints"):
        database[collection].delete_one({"_id": generation.key})
    # The last transaction of a stopped projector may have come in between, and made one anew.
    _drop_collections(database, generation)
    first = generation.numbered(1).key
    if not database["checkpoints"].find_one({"_id": {"$regex": rf"^{_quoted(first)}(\.[0-9]+)?$"}}):
        database[RECORDS].delete_one({"_id": first})  # The code that it belongs to is gone for good.


def _drop_collections(database: Database[Document], generation: Generation) -> None:
    of_it = {"name": {"$regex": f"^{_quoted(generation.key)}(_|$)"}}
    for name in database.list_collection_names(filter=of_it):
        database.drop_collection(name)


def record_of(database: Database[Document], model: ReadModel) -> GenerationRecord:
    """Return the record of the generations of this model's code; the first one serves if there is none."""
    first = model.generation.numbered(1)
    records = database.get_collection(RECORDS, codec_options=CODEC)
    found = records.find_one({"_id": first.key})
    return _decoded(first, found) if found else GenerationRecord(own=first, serving=first)


class MongoGenerations:
    """The records of generations, and the switch from one to another, which is one transaction."""

    def __init__(self, database: Database[Document], threads: Executor) -> None:
        self._database = database.with_options(write_concern=SAFE)
        self._threads = threads

    async def record(self, model: ReadModel) -> GenerationRecord:
        """Return the record of the generations of this model's code."""
        return await self._in_a_thread(record_of, self._database, model)

    async def save(self, record: GenerationRecord) -> GenerationRecord:
        """Store a changed record, and return it with its new revision; raise `RecordMoved`."""
        return await self._in_a_thread(self._save, record)

    async def switch(
        self, record: GenerationRecord, former: Generation, move: CheckpointMove
    ) -> GenerationRecord:
        """Store a record with another serving generation, and move the checkpoint of that, or do neither."""
        return await self._in_a_thread(self._switch, record, former, move)

    async def comparison(self, one: ReadModel, other: ReadModel) -> MongoComparison:
        """Return a comparison of two generations as they are at this moment."""
        return await self._in_a_thread(MongoComparison, self._database, one, other, self._threads)

    def _switch(self, record: GenerationRecord, former: Generation, move: CheckpointMove) -> GenerationRecord:
        with self._database.client.start_session() as session, session.start_transaction(write_concern=SAFE):
            if move.end:
                self._move(record.serving, former, move, session)
            return self._save(record, session)

    def _move(
        self, serving: Generation, former: Generation, move: CheckpointMove, session: ClientSession
    ) -> None:
        """Move the checkpoint of the generation that will serve; refuse if the former one is further."""
        checkpoints, end = self._database["checkpoints"], move.end
        # Both are written, so that a batch of another process can't be applied in between.
        left = checkpoints.find_one_and_update(
            {"_id": former.key}, {"$set": {"served_until": end and end.position}}, session=session
        )
        fitting = {"_id": serving.key, "position": {"$gte": move.since, "$lte": move.start}}
        moved = checkpoints.update_one(fitting, moved_to(end, move.since), session=session) if end else None
        if end and left and left.get("position", 0) > end.position:
            raise CheckpointMoved(f"the documents of {former.key} are further than {end.position}")
        if moved and not moved.matched_count:
            raise CheckpointMoved(f"the checkpoint of {serving.key} is not at {move.start} any more")

    def _save(self, record: GenerationRecord, session: ClientSession | None = None) -> GenerationRecord:
        first, changed = record.own, replace(record, revision=record.revision + 1)
        before = {"_id": first.key, "revision": record.revision}
        try:
            found = self._database[RECORDS].replace_one(
                before, _encoded(changed), upsert=not record.revision, session=session
            )
        except DuplicateKeyError:
            raise RecordMoved(f"another process has recorded the first change of {first.key}") from None
        if not found.matched_count and found.upserted_id is None:
            raise RecordMoved(f"the record of {first.key} is not at revision {record.revision} any more")
        return changed

    async def _in_a_thread(self, work: Callable[[*Ts], T], *what: *Ts) -> T:
        with unavailable():
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *what)
            except OperationFailure as error:
                if error.code == _WRITE_CONFLICT:
                    raise RecordMoved("another process has changed generations at the same time") from error
                raise


def _quoted(key: str) -> str:
    return key.replace(".", r"\.")


def _encoded(record: GenerationRecord) -> Document:
    rebuild = record.rebuild
    return {
        "serving": record.serving.key,
        "kept": record.kept.number if record.kept else None,
        "kept_until": record.kept_until,
        "highest": record.highest,
        "revision": record.revision,
        "rebuild": rebuild
        and {
            "number": rebuild.generation.number,
            "state": rebuild.state.value,
            "started_at": rebuild.started_at,
            "keep_seconds": rebuild.keep.total_seconds(),
            "verify": rebuild.verify,
            "position": rebuild.position,
            "noted_at": rebuild.noted_at,
            "reason": rebuild.reason,
        },
    }


def _decoded(first: Generation, found: Document) -> GenerationRecord:
    rebuild: Any = found["rebuild"]
    return GenerationRecord(
        own=first,
        serving=Generation.of_key(found["serving"]),
        kept=first.numbered(found["kept"]) if found["kept"] else None,
        kept_until=found["kept_until"],
        highest=found["highest"],
        revision=found["revision"],
        rebuild=rebuild
        and Rebuild(
            generation=first.numbered(rebuild["number"]),
            state=RebuildState(rebuild["state"]),
            started_at=rebuild["started_at"],
            keep=timedelta(seconds=rebuild["keep_seconds"]),
            verify=rebuild["verify"],
            position=rebuild["position"],
            noted_at=rebuild["noted_at"],
            reason=rebuild["reason"],
        ),
    )
