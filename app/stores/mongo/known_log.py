"""The copy in MongoDB of the facts that processes must know of the log."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar, TypeVarTuple
from uuid import UUID

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.cqrs.documents.read_model import Document
from app.cqrs.log.known_log import KnownLog
from app.stores.mongo.refusals import unavailable
from app.stores.mongo.writing import SAFE

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOG = "log"
"""The id of the only document."""


class MongoKnownLogs:
    """The copy in a database: one document."""

    def __init__(self, database: Database[Document], threads: Executor) -> None:
        self._copies = database.with_options(write_concern=SAFE)["known_log"]
        self._threads = threads

    async def known_log(self) -> KnownLog | None:
        """Return the copy; `None` if there is none. Raise `ReadStoreUnavailable`."""
        found = await self._in_a_thread(self._copies.find_one, {"_id": _LOG})
        if found is None:
            return None
        return KnownLog(
            store_id=UUID(hex=found["store"]),
            token_key=bytes(found["key"]),
            revocations=found["revocations"],
            revocation_key=bytes(found["revocation_key"]),
            revoked=dict(found["revoked"]),
        )

    async def keep(self, known: KnownLog) -> None:
        """Replace the copy, unless it has later revocations of this store; raise `ReadStoreUnavailable`."""
        await self._in_a_thread(self._keep, known)

    def _keep(self, known: KnownLog) -> None:
        store = known.store_id.hex
        revoked = [[actor, at] for actor, at in known.revoked.items()]
        values = {
            "store": store,
            "key": known.token_key,
            "revocation_key": known.revocation_key,
            "revocations": known.revocations,
            "revoked": revoked,
        }
        older = {"$or": [{"store": {"$ne": store}}, {"revocations": {"$lte": known.revocations}}]}
        with suppress(DuplicateKeyError):  # There is a later copy, which the upsert does not match.
            self._copies.update_one({"_id": _LOG, **older}, {"$set": values}, upsert=True)

    async def _in_a_thread(self, work: Callable[[*Ts], T], *what: *Ts) -> T:
        with unavailable():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *what)
