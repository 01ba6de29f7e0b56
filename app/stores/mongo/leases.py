"""Leases in MongoDB, compared with its own clock."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar, TypeVarTuple

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from app.cqrs.documents.read_model import Document
from app.stores.mongo.refusals import unavailable
from app.stores.mongo.writing import SAFE

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

_IS_OVER: dict[str, Any] = {"$expr": {"$lte": ["$until", "$$NOW"]}}


class MongoLeases:
    """The leases in a database: one document each, with its holder and the time of its end."""

    def __init__(self, database: Database[Document], threads: Executor) -> None:
        self._leases = database.with_options(write_concern=SAFE)["leases"]
        self._threads = threads

    async def take(self, names: Sequence[str], holder: str, seconds: float) -> Collection[str]:
        """Take these leases, or renew them, for some seconds; return those that `holder` has now."""
        return await self._in_a_thread(self._take, names, holder, seconds)

    async def give_back(self, holder: str) -> None:
        """Give back all leases of `holder`, so that others may take them at once."""
        await self._in_a_thread(self._give_back, holder)

    async def free(self, names: Sequence[str]) -> Collection[str]:
        """Return those of these leases that nobody holds."""
        return await self._in_a_thread(self._free, names)

    def _take(self, names: Sequence[str], holder: str, seconds: float) -> Collection[str]:
        mine_or_free = {"_id": {"$in": [*names]}, "$or": [{"holder": holder}, _IS_OVER]}
        until = {"$add": ["$$NOW", round(seconds * 1000)]}
        taken = self._leases.update_many(mine_or_free, [{"$set": {"holder": holder, "until": until}}])
        if taken.matched_count < len(names) and self._add_missing(names):
            self._leases.update_many(mine_or_free, [{"$set": {"holder": holder, "until": until}}])
        mine = {"_id": {"$in": [*names]}, "holder": holder, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return {each["_id"] for each in self._leases.find(mine, {"_id": 1})}

    def _add_missing(self, names: Sequence[str]) -> bool:
        """Add leases that were never held; return whether there are any.

        An upsert could not compare with the clock: MongoDB takes no `$expr` there.
        """
        known = {each["_id"] for each in self._leases.find({"_id": {"$in": [*names]}}, {"_id": 1})}
        if missing := [
            {"_id": name, "holder": "", "until": _LONG_AGO} for name in names if name not in known
        ]:
            with suppress(BulkWriteError):  # Another process adds them at the same time.
                self._leases.insert_many(missing, ordered=False)
        return bool(missing)

    def _give_back(self, holder: str) -> None:
        self._leases.update_many({"holder": holder}, {"$set": {"until": _LONG_AGO}})

    def _free(self, names: Sequence[str]) -> Collection[str]:
        held = self._leases.find(
            {"_id": {"$in": [*names]}, "$expr": {"$gt": ["$until", "$$NOW"]}}, {"_id": 1}
        )
        return {*names} - {each["_id"] for each in held}

    async def _in_a_thread(self, work: Callable[[*Ts], T], *what: *Ts) -> T:
        with unavailable():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *what)
