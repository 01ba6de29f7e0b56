"""An examination of the read store that changes nothing, for operators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from app.cqrs.documents.read_model import Collection, Document, ReadModel
from app.cqrs.rebuilding.records import Rebuild
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.fitness import FORMAT, explained, hosts_of, refuse_if_unfit
from app.stores.mongo.generations import record_of
from app.stores.mongo.writes.indexes import indexes_of

PATIENCE = 3000
"""Milliseconds to wait for a primary."""

_OWN_INDEX = [("_id", 1)]


@dataclass(frozen=True, kw_only=True)
class ReadModelState:
    """The state of one read model in the store."""

    position: int | None
    """The position of its checkpoint; `None` if its documents were never built."""
    event_id: Any
    """The id of the event at that position; `None` if there is none."""
    missing: Sequence[str]
    """The declared indexes that do not exist."""
    surplus: Sequence[str]
    """The existing indexes that are not declared."""
    rebuild: Rebuild | None
    """The newest rebuild; `None` if there was none."""


@dataclass(frozen=True, kw_only=True)
class ReadStoreState:
    """The state of the read store."""

    version: str
    now: datetime
    """The time by the primary's clock."""
    models: Mapping[str, ReadModelState]
    """The states of the read models, by name."""


def examine(url: str, database: str, models: Sequence[ReadModel]) -> ReadStoreState:
    """Return the state of the read store; raise `ReadStoreUnavailable` if it can't be used. It blocks."""
    with (
        explained(hosts_of(url)),
        MongoClient[Document](url, serverSelectionTimeoutMS=PATIENCE, tz_aware=True) as client,
    ):
        documents = client[database]
        refuse_if_unfit(client, documents, url)
        found = documents["format"].find_one({"_id": "read store"})
        if found and found["version"] > FORMAT:
            raise ReadStoreUnavailable(
                f"A newer version of Diptych has written the documents in the database {database}: their "
                f"format is {found['version']}, and this version knows formats up to {FORMAT}."
            )
        return ReadStoreState(
            version=str(client.server_info()["version"]),
            now=client.admin.command("hello")["localTime"].astimezone(UTC),
            models={model.name: _state(documents, model) for model in models},
        )


def _state(database: Database[Document], model: ReadModel) -> ReadModelState:
    record = record_of(database, model)
    model = model.of(record.serving)
    checkpoint = database["checkpoints"].find_one({"_id": model.key})
    if checkpoint is None:
        return ReadModelState(position=None, event_id=None, missing=(), surplus=(), rebuild=record.rebuild)
    declared = {_named(each, keys) for each in model.collections for keys in indexes_of(each)}
    begun = checkpoint.get("indexed") is False  # The indexes are created once all documents are there.
    existing = {each for collection in model.collections for each in _existing(database, collection)}
    return ReadModelState(
        position=int(checkpoint.get("position", 0)),
        event_id=checkpoint.get("event_id"),
        missing=[] if begun else sorted(declared - existing),
        surplus=sorted(existing - declared),
        rebuild=record.rebuild,
    )


def _existing(database: Database[Document], collection: Collection) -> Iterator[str]:
    for index in database[collection.stored_as].list_indexes():
        keys = [(path, int(direction)) for path, direction in index["key"].items()]
        if keys != _OWN_INDEX:
            yield _named(collection, keys)


def _named(collection: Collection, keys: Sequence[tuple[str, int]]) -> str:
    paths = ", ".join(f"-{path}" if direction < 0 else path for path, direction in keys)
    return f"{collection.name} ({paths})"
