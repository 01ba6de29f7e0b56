"""Copies of documents in files, and documents that are put back from them.

A read model's documents and checkpoint are read as they were at one moment. The files have the form of
mongodump: BSON documents, one after another.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.fitness import explained, hosts_of, refuse_if_newer, refuse_if_unfit
from app.stores.mongo.generations import drop, generations, record_of
from app.stores.mongo.writing import SAFE

CHECKPOINTS = "checkpoints.bson"
"""The name of the file with the checkpoints of all read models that were copied."""

PATIENCE = 5_000
"""Milliseconds to wait for a primary."""

INSERTED = 1_000
"""Documents that are inserted at a time."""

_SNAPSHOT_TOO_OLD = 239

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


def copy_documents(url: str, database: str, models: Sequence[ReadModel], folder: Path) -> list[str]:
    """Write the documents of these read models into a folder; return the models that have some. It blocks.

    Raise `ReadStoreUnavailable`, whose message says what to do.
    """
    copied = []
    with _connected(url) as client, (folder / CHECKPOINTS).open("xb") as checkpoints:
        documents: Database[Any] = client.get_database(database, codec_options=_RAW)
        for model in models:
            with client.start_session(snapshot=True) as session:
                serving = model.of(record_of(client.get_database(database), model).serving)
                checkpoint = documents["checkpoints"].find_one({"_id": serving.key}, session=session)
                if checkpoint is None:
                    continue
                for collection, first in zip(serving.collections, model.collections, strict=True):
                    found = documents[collection.stored_as].find({}, session=session)
                    with _file(folder, first.stored_as).open("xb") as file:
                        file.writelines(each.raw for each in found)
            # They are put back as the first generation of the model's code, which serves without a record.
            checkpoints.write(bson.encode({**_decoded(checkpoint), "_id": model.key}))
            copied.append(model.name)
    return copied


def position_of(url: str, database: str, models: Sequence[ReadModel]) -> int:
    """Return the highest position that documents of these read models show; 0 if there are none. It blocks.

    Raise `ReadStoreUnavailable`, whose message says what to do.
    """
    with _connected(url) as client:
        documents = client.get_database(database)
        refuse_if_unfit(client, documents, url)
        return max((each.position for model in models for each in generations(documents, model)), default=0)


def drop_documents(url: str, database: str, models: Sequence[ReadModel]) -> None:
    """Drop all documents of these read models, also those of other programs. It blocks.

    Raise `ReadStoreUnavailable`, whose message says what to do.
    """
    with _connected(url) as client:
        documents = client.get_database(database)
        refuse_if_unfit(client, documents, url)
        for model in models:
            for generation in generations(documents, model):
                drop(documents, generation.generation)


def put_documents_back(url: str, database: str, models: Sequence[ReadModel], folder: Path) -> list[str]:
    """Insert the documents in a folder into a database that has none of them; return their models. It blocks.

    A read model that this program projects in another way is left out, because it is built from the log.
    Its checkpoint comes last: the documents of an interrupted restore have none, and are built again.
    Raise `ReadStoreUnavailable`.
    """
    restored = []
    by_key = {model.key: model for model in models}
    with _connected(url) as client:
        documents = client.get_database(database, write_concern=SAFE)
        refuse_if_newer(documents)
        for checkpoint in map(_decoded, _documents_in(folder / CHECKPOINTS)):
            model = by_key.get(checkpoint["_id"])
            if model is None:
                continue
            for collection in model.collections:
                documents.drop_collection(collection.stored_as)  # An interrupted restore may have left it.
                found = _documents_in(_file(folder, collection.stored_as))
                while portion := list(islice(found, INSERTED)):
                    documents[collection.stored_as].insert_many(portion, ordered=False)
            # The ids of the collections are others here, and a search index must not take them for its own.
            for own in ("collections", "served_until"):
                checkpoint.pop(own, None)
            checkpoint["origin"] = uuid4().hex
            documents["checkpoints"].insert_one(checkpoint)
            restored.append(model.name)
    return restored


@contextmanager
def _connected(url: str) -> Iterator[MongoClient[Document]]:
    with (
        explained(hosts_of(url)),
        MongoClient[Document](url, serverSelectionTimeoutMS=PATIENCE) as client,
    ):
        try:
            yield client
        except OperationFailure as error:
            if error.code != _SNAPSHOT_TOO_OLD:
                raise
            raise ReadStoreUnavailable(
                "Copying the documents takes longer than MongoDB keeps their state of one moment.\n"
                "Raise its parameter minSnapshotHistoryWindowInSeconds, or back up without --documents."
            ) from error


def _file(folder: Path, collection: str) -> Path:
    return folder / f"{collection}.bson"


def _documents_in(file: Path) -> Iterator[RawBSONDocument]:
    with file.open("rb") as stored:
        yield from bson.decode_file_iter(stored, _RAW)


def _decoded(raw: RawBSONDocument) -> Document:
    return dict(bson.decode(raw.raw))
