"""A read model of two lines, and events to feed it, for tests of what is generic."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from app.cqrs.documents.audiences import owner_at
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Event

notes = ReadModel("notes")
documents = notes.collection(seen_by=owner_at("topic"), indexes=[("topic", "_id"), ("weight", "_id")])


class NoteTaken(Event):
    note: str
    topic: str = "plain"


class TopicRenamed(Event):
    topic: str
    to: str


class NotePraised(Event):
    note: str
    by: int | str = 1
    """Text makes the document store refuse the change."""


class NoteDropped(Event):
    note: str


class TopicDropped(Event):
    topic: str


class NoteRead(Event):
    """Of no interest to the read model."""


@notes.on(NoteTaken)
def taken(event: NoteTaken, _at: RecordedEvent) -> Iterator[Change]:
    yield documents.put(event.note, {"topic": event.topic, "praise": 0}, about=event.topic)


@notes.on(TopicRenamed)
def renamed(event: TopicRenamed, _at: RecordedEvent) -> Iterator[Change]:
    yield documents.update_where({"topic": event.topic}, {"$set": {"topic": event.to}}, about=event.topic)


@notes.on(NotePraised)
def praised(event: NotePraised, _at: RecordedEvent) -> Iterator[Change]:
    yield documents.update(event.note, {"$inc": {"praise": event.by}})


@notes.on(NoteDropped)
def dropped(event: NoteDropped, _at: RecordedEvent) -> Iterator[Change]:
    yield documents.delete(event.note)


@notes.on(TopicDropped)
def topic_dropped(event: TopicDropped, _at: RecordedEvent) -> Iterator[Change]:
    yield documents.delete_where({"topic": event.topic}, about=event.topic)


def recorded(position: int, event: Event) -> RecordedEvent:
    """The event as the log keeps it at `position`."""
    return RecordedEvent(
        position=position,
        event_id=UUID(int=position),
        stream="note-1",
        stream_version=position,
        type=type(event).__name__,
        occurred_at=datetime(2026, 1, 31, tzinfo=UTC),
        command_id=UUID(int=1),
        correlation_id=UUID(int=1),
        causation_id=UUID(int=1),
        actor="clerk",
        event=event,
    )


def changes_of(events: Sequence[RecordedEvent]) -> list[tuple[RecordedEvent, Change]]:
    """What the read model asks for."""
    return [(event, change) for event in events for change in notes.changes(event)]
