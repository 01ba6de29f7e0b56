"""The comparison of two generations at one moment, with MongoDB's reads of an earlier snapshot."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import InvalidOperation, OperationFailure

from app.cqrs.documents.read_model import Collection, Document, ReadModel
from app.cqrs.rebuilding.differences import Difference, Report
from app.stores.mongo.refusals import unavailable

TOGETHER = 1_000
"""Documents that are read at once."""

_SNAPSHOT_LOST = {239, 246}
"""SnapshotTooOld and SnapshotUnavailable."""

_RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True, slots=True)
class _Stored:
    id: str
    raw: bytes

    @property
    def decoded(self) -> Document:
        # Decimals stay those of MongoDB, of which 1.1 and 1.10 are two.
        return bson.decode(self.raw)


class MongoComparison:
    """A comparison of two generations as they were when it was made, whatever is written since. It blocks."""

    def __init__(
        self, database: Database[Document], one: ReadModel, other: ReadModel, threads: Executor
    ) -> None:
        self._database = database
        self._pairs = list(zip(one.collections, other.collections, strict=True))
        self._threads = threads
        self._stopped = False
        self._session = database.client.start_session(snapshot=True)
        # The first read chooses the moment that all reads of the session show.
        database["checkpoints"].find_one({"_id": one.key}, {"_id": 1}, session=self._session)

    async def report(self) -> Report:
        """Compare document by document; the report says so if the store has forgotten the moment."""
        with unavailable():
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._report)

    def close(self) -> None:
        """End the comparison, also one that is under way."""
        self._stopped = True
        self._session.end_session()

    def _report(self) -> Report:
        report = Report()
        try:
            for one, other in self._pairs:
                for difference in self._compared(one, other, report):
                    report.add(difference)
        except InvalidOperation:
            report.problem = "the comparison was ended"
        except OperationFailure as error:
            if error.code not in _SNAPSHOT_LOST:
                raise
            report.problem = (
                f"only {report.compared:,} documents could be compared: MongoDB has forgotten the moment of "
                "the comparison. Raise its parameter minSnapshotHistoryWindowInSeconds, or do without it"
            )
        return report

    def _compared(self, one: Collection, other: Collection, report: Report) -> Iterator[Difference]:
        """Yield the differences of two collections, which are read side by side in the order of their ids."""
        left, right = self._documents(one), self._documents(other)
        a, b = next(left, None), next(right, None)
        while a or b:
            report.compared += 1
            if b is None or (a and a.id < b.id):
                if a:
                    yield Difference(collection=one.name, id=a.id, is_missing=True)
                a = next(left, None)
            elif a is None or b.id < a.id:
                yield Difference(collection=one.name, id=b.id, is_surplus=True)
                b = next(right, None)
            else:
                if a.raw != b.raw and (paths := sorted(differing(a.decoded, b.decoded))):
                    yield Difference(collection=one.name, id=a.id, paths=paths)
                a, b = next(left, None), next(right, None)

    def _documents(self, collection: Collection) -> Iterator["_Stored"]:
        raw: Any = self._database.get_collection(collection.stored_as, codec_options=_RAW)
        # MongoDB compares texts by their bytes, and so does Python: UTF-8 sorts like code points.
        for document in raw.find({}, sort=[("_id", 1)], batch_size=TOGETHER, session=self._session):
            if self._stopped:
                raise InvalidOperation("the comparison was ended")
            yield _Stored(document["_id"], document.raw)


def differing(one: Mapping[str, Any], other: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Yield the paths at which two documents differ; the order of keys is no difference."""
    for key in {*one, *other}:
        a, b, path = one.get(key, _NOTHING), other.get(key, _NOTHING), f"{within}{key}"
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differing(a, b, f"{path}.")
        elif not _equal(a, b):
            yield path


_NOTHING = object()


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return not any(True for _ in differing(one, other))
    if isinstance(one, Sequence) and not isinstance(one, str | bytes) and type(one) is type(other):
        return len(one) == len(other) and all(map(_equal, one, other))
    # Otherwise 1 would equal True, and 1.0.
    return type(one) is type(other) and bool(one == other)
