"""Three read models that differ in how they follow the same events, and the events that happen."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from app.cqrs.documents.audiences import EVERYBODY
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent, UnknownEvent
from app.cqrs.messages import Event
from tests.cqrs.notes import NotePraised, NoteRead, NoteTaken, TopicRenamed, notes

NOTES, TOPICS = "abcdefgh", "pqr"


class NoteCursed(Event):
    """What one of the read models can't apply until it is cured."""


class Cursed(Exception):
    """Why it can't."""


@dataclass
class Cure:
    """Whether the program that can apply every event has been installed."""

    found: bool = False


def read_models(cure: Cure) -> tuple[ReadModel, ...]:
    """Flat documents with a change of many at once; a count that few events change; and a diary of all."""
    return notes, topics_of(cure), diary_of()


def topics_of(cure: Cure) -> ReadModel:
    topics = ReadModel("topics")
    documents = topics.collection(seen_by=EVERYBODY)
    curses = topics.collection("curses", seen_by=EVERYBODY)

    @topics.on(NoteTaken)
    def taken(event: NoteTaken, at: RecordedEvent) -> Iterator[Change]:
        yield documents.upsert(event.topic, {"$inc": {"taken": 1}, "$push": {"at": at.position}})

    @topics.on(NoteCursed)
    def cursed(_event: NoteCursed, at: RecordedEvent) -> Iterator[Change]:
        if not cure.found:
            raise Cursed
        yield curses.put(at.position, {}, about="curses")

    return topics


def diary_of() -> ReadModel:
    diary = ReadModel("diary")
    pages, lines = diary.collection("pages", seen_by=EVERYBODY), diary.collection("lines", seen_by=EVERYBODY)

    @diary.on_any
    def written(_event: Event, at: RecordedEvent) -> Iterator[Change]:
        yield lines.put(at.position, {"type": at.type})
        yield pages.upsert(at.position // 10, {"$push": {"lines": at.position}})

    return diary


def happening(random: Random) -> Event:
    """Any event but a curse."""
    note, topic = random.choice(NOTES), random.choice(TOPICS)
    return random.choices(
        [
            NoteTaken(note=note, topic=topic),
            TopicRenamed(topic=topic, to=random.choice(TOPICS)),
            NotePraised(note=note),
            NoteRead(),
            UnknownEvent(data=note),
        ],
        weights=[4, 2, 4, 2, 1],
    )[0]
