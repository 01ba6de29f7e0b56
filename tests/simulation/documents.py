"""Documents in memory, changed as the document store changes them: all that one call asks for, or nothing."""

from collections.abc import Sequence
from typing import Any

from app.cqrs.documents.read_model import Change, Collection, Document, Filter, ReadModel
from app.cqrs.documents.store import Checkpoint, CheckpointMoved, DocumentChanged, Sort
from app.cqrs.freshness.document_positions import DocumentPosition
from app.cqrs.log.events import RecordedEvent

Documents = dict[str, Document]
NOWHERE = Checkpoint(0, None)


class MemoryDocuments:
    """Collections and checkpoints. A document is never changed in place, so that copies are cheap."""

    def __init__(self) -> None:
        self.collections: dict[str, Documents] = {}
        self.checkpoints: dict[str, Checkpoint] = {}

    def checkpoint(self, model: ReadModel) -> Checkpoint:
        return self.checkpoints.get(model.key, NOWHERE)

    def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        if not since <= self.checkpoint(model).position <= start:
            raise CheckpointMoved(f"the checkpoint of {model.key} is not at {start} any more")
        changed = {name: dict(documents) for name, documents in self.collections.items()}
        notices: dict[DocumentPosition, DocumentChanged] = {}
        for event, change in changes:
            documents = changed.setdefault(change.collection.name, {})
            for id in _concerned(documents, change):
                _change(documents, id, change, event.position)
                notice = _notice(id, change, event, notices)
                notices[notice.document_position] = notice
        self.collections = changed
        self.checkpoints[model.key] = Checkpoint(end.position, end.event_id)
        return [notices[place] for place in sorted(notices)]

    def find(self, collection: Collection, filter: Filter, sort: Sort, limit: int) -> list[Document]:
        found = [one for one in self.collections.get(collection.name, {}).values() if _fits(one, filter)]
        for path, direction in reversed(sort):
            found.sort(key=lambda document, path=path: document[path], reverse=direction < 0)  # type: ignore[misc]
        return [dict(document) for document in found[: limit or None]]


def _concerned(documents: Documents, change: Change) -> list[str]:
    if change.id is not None:
        return [change.id]
    return sorted(id for id, document in documents.items() if _fits(document, change.where or {}))


def _change(documents: Documents, id: str, change: Change, position: int) -> None:
    if change.delete:
        documents.pop(id, None)
    elif change.document is not None:
        documents[id] = {**change.document, "_id": id, "position": position}
    elif id in documents or change.upsert:
        documents[id] = _updated(documents.get(id, {"_id": id}), change) | {"position": position}


def _updated(document: Document, change: Change) -> Document:
    document = dict(document)
    for operator, fields in (change.update or {}).items():
        for path, value in fields.items():
            name, dollar, item = path.partition(".$[")
            if dollar:
                placeholder, _, field = item.partition("].")
                document[name] = [
                    _operated(each, operator, field, value) if _is_meant(each, placeholder, change) else each
                    for each in document[name]
                ]
            else:
                document = _operated(document, operator, path, value)
    return document


def _operated(document: Document, operator: str, name: str, value: Any) -> Document:
    match operator:
        case "$set":
            return {**document, name: value}
        case "$inc":
            return {**document, name: document.get(name, 0) + value}
        case "$push":
            return {**document, name: [*document.get(name, []), value]}
    raise AssertionError(f"no read model of the simulation uses {operator}")


def _is_meant(item: Document, placeholder: str, change: Change) -> bool:
    """Whether an item of a list fits the array filter of this name."""
    filters = [filter for filter in change.array_filters if next(iter(filter)).startswith(f"{placeholder}.")]
    return all(
        _compares(item.get(path.removeprefix(f"{placeholder}.")), wanted)
        for filter in filters
        for path, wanted in filter.items()
    )


def _notice(
    id: str, change: Change, event: RecordedEvent, earlier: dict[DocumentPosition, DocumentChanged]
) -> DocumentChanged:
    place = event.position, f"{change.collection.name}/{id}"
    fields = {*change.fields, *(earlier[place].fields if place in earlier else ())}
    return DocumentChanged(
        read_model=change.collection.read_model,
        collection=change.collection.name,
        document_id=id,
        position=event.position,
        event_type=event.type,
        fields=tuple(sorted(fields)),
        about=None if change.about is None else str(change.about),
        deleted=change.delete,
        may_be_new=change.document is not None or change.upsert,
    )


def _fits(document: Document, filter: Filter) -> bool:
    return all(
        any(_fits(document, choice) for choice in wanted)
        if path == "$or"
        else _compares(document.get(path), wanted)
        for path, wanted in filter.items()
    )


def _compares(value: Any, wanted: Any) -> bool:
    return bool(value > wanted["$gt"] if isinstance(wanted, dict) else value == wanted)
