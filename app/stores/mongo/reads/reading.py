"""Reads as plain commands, whose replies are decoded as a whole: half the cost of a driver's cursor."""

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from inspect import isawaitable
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import AutoReconnect, NetworkTimeout, ServerSelectionTimeoutError

from app.cqrs.documents.read_model import Document
from app.cqrs.documents.store import Fields
from app.stores.mongo.codec import CODEC
from app.stores.mongo.reads.direct_reads import DirectReads

REPLY_DOCUMENTS = 10_000
"""Documents in one reply, unless they are larger than 16 MB."""

_UNDECODED = CODEC.with_options(document_class=RawBSONDocument)


Reply = Callable[..., Awaitable[Document]]
"""Returns the decoded cursor of the reply to a command, within a session if one is given."""


async def read_all(
    database: AsyncIOMotorDatabase[Document],
    direct: DirectReads,
    command: dict[str, Any],
    reply: Reply | None = None,
) -> list[Document]:
    """Return all documents of a command that replies with a cursor, such as `find` and `aggregate`.

    `reply` sends commands that the driver must send; by default it sends them to the primary.
    """
    reply = reply or partial(reply_of, database)
    cursor = await direct.cursor(command) or await reply(command)
    if not cursor["id"]:
        documents: list[Document] = cursor["firstBatch"]
        return documents
    # The documents don't fit into one reply. The rest can only be read in the session that opened the
    # cursor, so the command is repeated in an explicit one.
    await database.command({"killCursors": _collection(cursor), "cursors": [bson.Int64(cursor["id"])]})
    async with await resolved(database.client.start_session()) as session:
        cursor = await reply(command, session)
        documents = cursor["firstBatch"]
        while cursor["id"]:
            more = {"getMore": bson.Int64(cursor["id"]), "collection": _collection(cursor)}
            cursor = await reply(more, session)
            documents += cursor["nextBatch"]
        return documents


async def reply_of(
    database: AsyncIOMotorDatabase[Document],
    command: dict[str, Any],
    session: Any = None,
    read_preference: Any = None,
) -> Document:
    """Send a command by the driver; return the decoded cursor of the reply."""
    options = {"codec_options": _UNDECODED, "session": session, "read_preference": read_preference}
    try:
        reply = await database.command(command, **options)
    except AutoReconnect as error:
        # A read may be retried once, as drivers do; but not after the full timeout has already passed.
        if "getMore" in command or isinstance(error, ServerSelectionTimeoutError | NetworkTimeout):
            raise
        reply = await database.command(command, **options)
    cursor: Document = bson.decode(reply.raw, CODEC)["cursor"]
    return cursor


def _collection(cursor: Document) -> str:
    name: str = cursor["ns"].partition(".")[2]
    return name


async def resolved(call: Any) -> Any:
    """Return the call's result, awaited if necessary: the drivers differ in which calls are coroutines."""
    return await call if isawaitable(call) else call


@lru_cache
def projection(fields: Fields) -> dict[str, int]:
    """Return MongoDB's projection to these fields, empty for all fields."""
    if fields is None:
        return {}
    # MongoDB refuses a projection that has both a field and a path within it.
    return {"_id": 1} | {path: 1 for path in fields if not any(path.startswith(f"{of}.") for of in fields)}
