"""The effects of events on documents and lists: what is told of them, and to whom."""

import asyncio

import pytest

from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.effects import MOST_DOCUMENTS, Effects, EventEffects
from app.cqrs.live.notices import NOTICES_PER_STEP
from app.cqrs.messages import Event
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.reading import Reading
from app.cqrs.reading.sources import Source, all_of, listed
from app.cqrs.viewers import OPEN, Scope, Sight
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.notes import (
    NoteDropped,
    NotePraised,
    NoteRead,
    NoteTaken,
    TopicDropped,
    TopicRenamed,
    documents,
    notes,
)

ADA = Scope(Sight.CUSTOMER, "ada")
NOBODY = Scope(Sight.ANONYMOUS)
LISTS: dict[str, Source] = {
    "all": all_of(documents),
    "by topic": listed(documents, {}, [("topic", 1)], []),
    "by weight": listed(documents, {"weight": {"$gt": 1}}, [], []),
}


class Asking:
    """A desk that projects what it is given, and asks for the effects of the last event."""

    def __init__(self, store: MongoReadStore) -> None:
        self.desk = Desk(store, MemoryLog())
        self.effects = EventEffects(self.desk.notices, [notes])
        self._store = store

    async def after(self, *events: Event, scope: Scope = OPEN.scope, last: int = 1) -> Effects | None:
        self.desk.log.append(*events)
        await self.desk.projector.catch_up()
        head = await self.desk.log.head()
        return await self.of(range(head - last + 1, head + 1), scope=scope)

    async def of(
        self, positions: range, *, scope: Scope = OPEN.scope, patience: float = PATIENCE
    ) -> Effects | None:
        progress = {"notes": self.desk.progress}
        reading = Reading(reader=self._store, progress=progress, patience=patience, scope=scope)
        at_least = [Token(positions[-1])] if positions else []
        return await self.effects.of(positions, reading, at_least, scope=scope)


@pytest.fixture
async def asking(read_store: MongoReadStore) -> Asking:
    await read_store.prepare(notes)
    asking = Asking(read_store)
    asking.desk.notices.begin("notes", 0)
    return asking


def told(found: Effects | None) -> list[tuple[str, bool]]:
    assert found
    return [(each.id, each.removed) for each in found.documents]


def lists(found: Effects | None) -> set[object]:
    assert found
    index = InvalidationIndex()
    for name, source in LISTS.items():
        index.add(name, [source])
    return {*found.concerned(index)}


async def test_every_document_that_an_event_changes_or_removes_is_told(asking: Asking) -> None:
    assert told(await asking.after(NoteTaken(note="a"))) == [("a", False)]
    assert told(await asking.after(NoteTaken(note="b"), NotePraised(note="b"), last=2)) == [("b", False)]
    assert told(await asking.after(TopicRenamed(topic="plain", to="fine"))) == [("a", False), ("b", False)]
    assert told(await asking.after(NotePraised(note="a"), NoteDropped(note="a"), last=2)) == [("a", True)]
    assert told(await asking.after(TopicDropped(topic="fine"))) == [("b", True)]
    assert told(await asking.after(NoteRead())) == []
    assert told(await asking.of(range(0))) == []


async def test_a_list_is_concerned_by_the_rule_of_cached_answers(asking: Asking) -> None:
    assert lists(await asking.after(NoteTaken(note="a"))) == {*LISTS}
    assert lists(await asking.after(NotePraised(note="a"))) == {"all"}
    assert lists(await asking.after(TopicRenamed(topic="plain", to="fine"))) == {"all", "by topic"}
    assert lists(await asking.after(NoteDropped(note="a"))) == {*LISTS}
    assert lists(await asking.after(NoteRead())) == set()


async def test_the_effects_are_those_of_the_asked_events_alone(asking: Asking) -> None:
    await asking.after(*(NoteTaken(note=name) for name in "abc"))
    await asking.after(NotePraised(note="a"))
    assert told(await asking.of(range(2, 4))) == [("b", False), ("c", False)]


async def test_a_viewer_is_told_of_the_documents_that_they_may_see(asking: Asking) -> None:
    await asking.after(NoteTaken(note="hers", topic="ada"), NoteTaken(note="his", topic="bob"))
    assert told(await asking.of(range(1, 3), scope=ADA)) == [("hers", False)]
    assert lists(await asking.of(range(1, 3), scope=ADA)) == {*LISTS}
    nothing = await asking.of(range(1, 3), scope=NOBODY)
    assert (told(nothing), lists(nothing)) == ([], set())
    assert told(await asking.after(NoteDropped(note="hers"), scope=ADA)) == [], "whose it was is not known"


async def test_notices_that_go_out_in_steps_are_awaited(asking: Asking) -> None:
    taken = [NoteTaken(note=f"{number:03}") for number in range(NOTICES_PER_STEP + 100)]
    await asking.after(*taken)
    asking.desk.log.append(TopicRenamed(topic="plain", to="fine"))
    last = len(taken) + 1
    found, _ = await asyncio.gather(asking.of(range(last, last + 1)), asking.desk.projector.catch_up())
    assert len(told(found)) == len(taken)


async def test_effects_on_very_many_documents_or_of_long_ago_are_not_told(asking: Asking) -> None:
    taken = [NoteTaken(note=f"{number:04}") for number in range(MOST_DOCUMENTS)]
    assert len(told(await asking.after(*taken, last=MOST_DOCUMENTS))) == MOST_DOCUMENTS
    assert await asking.after(NoteTaken(note="more"), last=MOST_DOCUMENTS + 1) is None
    head = await asking.desk.log.head()
    asking.desk.notices.begin("notes", head)
    assert await asking.of(range(head, head + 1)) is None
    assert told(await asking.after(NotePraised(note="more"))) == [("more", False)]


async def test_effects_that_no_document_shows_yet_are_awaited_and_then_an_error(asking: Asking) -> None:
    asking.desk.log.append(NoteTaken(note="a"))
    with pytest.raises(ReadModelBehind):
        await asking.of(range(1, 2), patience=0.01)
