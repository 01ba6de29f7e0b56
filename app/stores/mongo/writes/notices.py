"""The notices of changes that were made."""

from collections.abc import Iterator, Sequence

from app.cqrs.documents.read_model import Change
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent


def notices_of(ids: Sequence[str], change: Change, event: RecordedEvent) -> Iterator[DocumentChanged]:
    """Yield the notice of a change to each of the documents with these ids."""
    fields, about = change.fields, None if change.about is None else str(change.about)
    for id in ids:
        yield DocumentChanged(
            read_model=change.collection.read_model,
            collection=change.collection.name,
            document_id=id,
            position=event.position,
            event_type=event.type,
            fields=fields,
            about=about,
            deleted=change.delete,
            may_be_new=change.document is not None or change.upsert,
        )
