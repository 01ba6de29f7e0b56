"""Checks that a MongoDB can be the read store: it answers, takes writes, and has transactions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pymongo import MongoClient, ReturnDocument
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError, ServerSelectionTimeoutError

from app.cqrs.documents.read_model import Document
from app.cqrs.unavailable import ReadStoreUnavailable

FORM = "mongodb://user:password@host:27017/?replicaSet=rs0"
"""An example of a replica set's URL."""

FORMAT = 1
"""Version of the layout of checkpoints and documents, to be raised when an older program would read or write
them wrongly. It does not cover the fields of a read model's documents: its fingerprint does that."""

_TAKES_WRITES = {112, 246}
"""WriteConflict and SnapshotUnavailable: another process probes at the same time, and the store is fit."""

_REPLICA_SET = (
    "Restart it with --replSet rs0 and call rs.initiate() once (one member is enough), "
    "or set MONGODB_URL to another MongoDB."
)


def hosts_of(url: str) -> str:
    """Return the hosts in a MongoDB URL, without user and password."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


def probe(database: Database[Document]) -> None:
    """Write in a transaction and abort it, which leaves nothing behind; raise the driver's errors."""
    with database.client.start_session() as session, session.start_transaction():
        try:
            database["checkpoints"].insert_one({"_id": f"probe {uuid4().hex}"}, session=session)
        except OperationFailure as error:
            if error.code not in _TAKES_WRITES:
                raise
        session.abort_transaction()


def refuse_if_unfit(client: MongoClient[Document], database: Database[Document], url: str) -> None:
    """Raise `ReadStoreUnavailable`, whose message says what to do, if this MongoDB can't be used."""
    hosts = hosts_of(url)
    with explained(hosts):
        hello = client.admin.command("hello")
        if hello.get("isreplicaset"):
            raise ReadStoreUnavailable(
                f"The replica set of the MongoDB at {hosts} was never initiated.\n"
                "Call rs.initiate() there once."
            )
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise ReadStoreUnavailable(
                f"The MongoDB at {hosts} is a standalone server, but transactions need a replica set.\n"
                f"{_REPLICA_SET}"
            )
        if not hello["isWritablePrimary"]:
            raise ReadStoreUnavailable(
                f"The MongoDB at {hosts} is not the primary of its replica set, so it takes no writes.\n"
                "Remove directConnection from MONGODB_URL, so that the driver finds the primary."
            )
        probe(database)


def refuse_if_newer(database: Database[Document]) -> None:
    """Store the format in a new database; raise `ReadStoreUnavailable` if the stored format is newer."""
    found: Any = database["format"].find_one_and_update(
        {"_id": "read store"},
        {"$setOnInsert": {"version": FORMAT}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    if (version := found["version"]) > FORMAT:
        raise ReadStoreUnavailable(
            f"A newer version of Diptych has written the documents in the database {database.name}: "
            f"their format is {version}, and this version knows formats up to {FORMAT}.\n"
            "Update Diptych, or set MONGODB_DATABASE to another database."
        )


@contextmanager
def explained(hosts: str) -> Iterator[None]:
    """Raise the driver's errors as `ReadStoreUnavailable`, whose message says what to do."""
    try:
        yield
    except OperationFailure as error:
        reason = str((error.details or {}).get("errmsg", error)).rstrip(".")
        raise ReadStoreUnavailable(
            f"The MongoDB at {hosts} refuses what Diptych needs: {reason}.\n"
            "Correct the user, password or authSource in MONGODB_URL, or grant that user the missing rights."
        ) from error
    except PyMongoError as error:
        reason = str(error).partition(", Timeout:")[0].rstrip(".")
        reason = reason.replace("No servers found yet", "it does not answer")
        reason = re.sub(r" \(configured timeouts: [^)]*\)", "", reason)
        what = "answers as a primary" if isinstance(error, ServerSelectionTimeoutError) else "answers"
        raise ReadStoreUnavailable(
            f"No MongoDB {what} at {hosts}: {reason}.\n"
            "Start it (a new replica set needs rs.initiate() once), or set MONGODB_URL to another MongoDB."
        ) from error
