"""Documents that are made anew within a transaction, and what was different about those before."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.rebuilding.differences import Difference, Report
from app.stores.mongo.comparing import differing

TOGETHER = 1_000
"""Documents that are read or removed by one call."""

_RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


class Replacement:
    """The documents with some ids as they were; they are removed. It blocks."""

    def __init__(
        self,
        database: Database[Document],
        model: ReadModel,
        ids: Mapping[str, Sequence[str]],
        session: ClientSession,
    ) -> None:
        """Read and remove the documents with these ids, which are by collection."""
        self._database, self._session = database, session
        self._before: dict[str, dict[str, bytes]] = {}
        self._ids = [(each, ids[each.name]) for each in model.collections if each.name in ids]
        for collection, wanted in self._ids:
            self._before[collection.name] = dict(self._found(collection.stored_as, wanted))
            for some in _portions(wanted):
                these = {"_id": {"$in": some}}
                database[collection.stored_as].delete_many(these, session=session)

    def report(self) -> Report:
        """Return what is different about the documents now."""
        report = Report()
        for collection, wanted in self._ids:
            name, before = collection.name, self._before[collection.name]
            now = dict(self._found(collection.stored_as, wanted))
            for id in sorted({*before, *now}):
                report.compared += 1
                one, other = before.get(id), now.get(id)
                if one is None or other is None:
                    report.add(
                        Difference(collection=name, id=id, is_missing=other is None, is_surplus=one is None)
                    )
                elif one != other and (paths := sorted(differing(bson.decode(one), bson.decode(other)))):
                    report.add(Difference(collection=name, id=id, paths=paths))
        return report

    def _found(self, name: str, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        raw: Any = self._database.get_collection(name, codec_options=_RAW)
        for some in _portions(ids):
            for document in raw.find({"_id": {"$in": some}}, session=self._session):
                yield document["_id"], document.raw


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), TOGETHER):
        yield ids[first : first + TOGETHER]
