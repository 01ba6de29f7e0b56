"""Reads as plain commands, whose replies are decoded as a whole: half the cost of a driver's cursor."""

from functools import lru_cache
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


async def read_all(
    database: AsyncIOMotorDatabase[Document], direct: DirectReads, command: dict[str, Any]
) -> list[Document]:
    """Return all documents of a command that replies with a cursor, such as `find` and `aggregate`."""
    cursor = await direct.cursor(command) or await _reply(database, command)
    if not cursor["id"]:
        documents: list[Document] = cursor["firstBatch"]
        return documents
    # The documents don't fit into one reply. The rest can only be read in the session that opened the
    # cursor, so the command is repeated in an explicit one.
    await database.command({"killCursors": _collection(cursor), "cursors": [bson.Int64(cursor["id"])]})
    async with await resolved(database.client.start_session()) as session:
        cursor = await _reply(database, command, session)
        documents = cursor["firstBatch"]
        while cursor["id"]:
            more = {"getMore": bson.Int64(cursor["id"]), "collection": _collection(cursor)}
            cursor = await _reply(database, more, session)
            documents += cursor["nextBatch"]
        return documents


async def _reply(
    database: AsyncIOMotorDatabase[Document], command: dict[str, Any], session: Any = None
) -> Document:
    try:
        reply = await database.command(command, codec_options=_UNDECODED, session=session)
    except AutoReconnect as error:
        # A read may be retried once, as drivers do; but not after the full timeout has already passed.
        if "getMore" in command or isinstance(error, ServerSelectionTimeoutError | NetworkTimeout):
            raise
        reply = await database.command(command, codec_options=_UNDECODED, session=session)
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
