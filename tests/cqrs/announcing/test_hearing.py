"""What a process that does not project learns from one that does, also if something is lost on the way."""

import asyncio
from typing import Any

import pytest

from app.cqrs.announcing import heard_model
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.documents.generations import Generation
from app.cqrs.freshness.progress import ReadModelBehind, ReadModelState
from app.cqrs.live.notices import topic
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.noting import NotingReader
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.announcing.wire import TAKEN, Hearing, Telling, Wire, missed, settled
from tests.cqrs.notes import NotePraised, NoteTaken, changes_of, documents, notes, recorded

PRAISED = recorded(2, NotePraised(note="n1"))


async def test_waiting_reads_and_subscribers_hear_of_a_change(hearing: Hearing, telling: Telling) -> None:
    waiting = asyncio.create_task(hearing.progress.wait_for(2, 5))
    with hearing.notices.listen(topic(notes.name)) as listener:
        await telling.apply(TAKEN[1])
        await waiting
        heard = await listener.next()
    assert heard
    assert heard.notice.document_id == "n2"
    assert hearing.progress.state is ReadModelState.LIVE


async def test_an_answer_is_forgotten_before_the_documents_may_show_the_change(
    hearing: Hearing, telling: Telling
) -> None:
    praised = recorded(2, NotePraised(note="n1"))
    hearing.events.note([praised])
    hearing.keep("n1")
    hearing.keep("n7")
    telling.change(praised)
    await settled()
    assert not hearing.keeps("n1")
    assert hearing.keeps("n7"), "the change does not concern it"
    assert hearing.progress.visible == 2
    await telling.changed(praised)
    await settled()
    assert hearing.progress.position == 2


async def test_a_change_by_an_unknown_event_concerns_every_answer(hearing: Hearing, telling: Telling) -> None:
    hearing.keep("n7")
    hearing.events.forget()
    hearing.events.note(TAKEN[5:])
    telling.change(PRAISED)
    await settled()
    assert not hearing.keeps("n7")


async def test_a_change_waits_for_its_event_which_may_arrive_later(
    hearing: Hearing, telling: Telling
) -> None:
    hearing.keep("n1")
    hearing.keep("n7")
    hearing.events.forget()
    await telling.apply(PRAISED)
    await settled()
    assert hearing.progress.position == 1
    hearing.events.note([PRAISED])
    await hearing.progress.wait_for(2, 5)
    assert not hearing.keeps("n1")
    assert hearing.keeps("n7")


async def test_a_lost_change_is_noticed_by_the_next_one_and_told_to_subscribers(
    hearing: Hearing, telling: Telling, wire: Wire
) -> None:
    hearing.keep("n1")
    with hearing.notices.listen(topic(notes.name)) as listener:
        wire.loses = True
        await telling.apply(TAKEN[1])
        await settled()
        wire.loses = False
        await telling.apply(TAKEN[2])
        await settled()
        assert listener.take_lagged() > 0
    assert hearing.progress.position == 3
    assert not hearing.keeps("n1")
    assert missed(hearing, 1) is None, "who resumes from before the loss reads again"


async def test_a_lost_change_is_noticed_by_a_sign_of_life(
    hearing: Hearing, telling: Telling, wire: Wire
) -> None:
    hearing.keep("n1")
    wire.loses = True
    await telling.apply(TAKEN[1])
    await settled()
    wire.loses = False
    telling.teller.sign()
    await settled()
    assert hearing.progress.position == 2
    assert not hearing.keeps("n1")


async def test_a_lost_change_is_noticed_by_a_change_of_the_state(
    hearing: Hearing, telling: Telling, wire: Wire
) -> None:
    hearing.keep("n1")
    wire.loses = True
    await telling.apply(TAKEN[1])
    await settled()
    wire.loses = False
    telling.progress.catching_up()
    await settled()
    assert hearing.progress.position == 2, "no sign of life would tell it any more"
    assert not hearing.keeps("n1")
    assert missed(hearing, 1) is None


async def test_what_arrives_twice_counts_once(hearing: Hearing, telling: Telling, wire: Wire) -> None:
    await telling.apply(TAKEN[1])
    await settled()
    wire.tell(wire.kept[-1], kept=False)
    await settled()
    assert missed(hearing, 1) == [2]
    assert hearing.progress.position == 2


async def test_another_projector_that_continues_makes_nobody_read_again(hearing: Hearing, wire: Wire) -> None:
    hearing.keep("n7")
    other = Telling(wire)
    other.announcer.started(1, gapless=False, log_set_back=False)
    await other.apply(TAKEN[1])
    await settled()
    assert missed(hearing, 0) == [1, 2]
    assert hearing.progress.position == 2


async def test_another_projector_that_continues_after_an_unheard_change_makes_all_read_again(
    hearing: Hearing, wire: Wire
) -> None:
    hearing.keep("n7")
    Telling(wire).announcer.started(2, gapless=False, log_set_back=False)
    await settled()
    assert hearing.progress.position == 2
    assert not hearing.keeps("n7")
    assert missed(hearing, 1) is None


async def test_a_projector_that_got_its_lease_again_is_heard(hearing: Hearing, telling: Telling) -> None:
    telling.begin()
    telling.announcer.started(1, gapless=False, log_set_back=False)
    await telling.apply(TAKEN[1])
    await settled()
    assert hearing.progress.position == 2, "its announcements were taken for repeats"
    assert missed(hearing, 0) == [1, 2]


async def test_a_process_that_starts_learns_of_earlier_notices(
    wire: Wire, telling: Telling, hearing: Hearing
) -> None:
    await telling.apply(TAKEN[1])
    await settled()
    new = Hearing(wire)
    new.events.note(TAKEN)
    async with new.running():
        telling.teller.sign()
        await settled()
        assert missed(new, 0) == [1, 2]
        assert new.progress.position == 2
        await telling.apply(TAKEN[2])
        await settled()
        assert missed(new, 0) == [1, 2, 3]


async def test_a_document_that_shows_a_change_early_moves_the_token_and_is_not_kept(
    hearing: Hearing, read_store: MongoReadStore
) -> None:
    early = recorded(7, NoteTaken(note="n7"))
    await read_store.prepare(notes)
    await read_store.apply(notes, changes_of([early]), since=0, start=0, end=early)
    reader = NotingReader(read_store, {notes.name: hearing.progress}, hearing.cache, nothing_stored)
    since = hearing.cache.mark()
    assert await reader.get(documents, ["n7"], fields=("topic",))
    assert hearing.progress.visible == 7, "the next read of this client waits for the announcement"
    assert hearing.progress.position == 1
    hearing.keep("n7", since)
    assert not hearing.keeps("n7"), "others would be given it with an older token"
    hearing.keep("n7")
    assert hearing.keeps("n7")


@pytest.mark.parametrize("read", ["count", "aggregate", "find", "get"])
async def test_a_number_or_nothing_at_all_moves_the_token_to_the_checkpoint_and_is_not_kept(
    hearing: Hearing, read_store: MongoReadStore, read: str
) -> None:
    early = recorded(7, NoteTaken(note="n7"))
    await read_store.prepare(notes)
    await read_store.apply(notes, changes_of([early]), since=0, start=0, end=early)

    async def stored(_read_model: str) -> int:
        return (await read_store.checkpoint(notes)).position

    reader = NotingReader(read_store, {notes.name: hearing.progress}, hearing.cache, stored)
    since = hearing.cache.mark()
    what: Any = {
        "count": {},
        "aggregate": [{"$count": "notes"}],
        "find": {"_id": "another"},
        "get": ["n7", "another"],
    }
    await getattr(reader, read)(documents, what[read])
    assert hearing.progress.visible == 7
    hearing.keep("n7", since)
    assert not hearing.keeps("n7")


async def nothing_stored(_read_model: str) -> int:
    """No read of the checkpoint is expected to say more."""
    return 0


async def test_a_failure_is_told_to_those_who_wait(hearing: Hearing, telling: Telling) -> None:
    waiting = asyncio.create_task(hearing.progress.wait_for(2, 5))
    await settled()
    telling.progress.failed("NoteTaken at position 2 can't be applied")
    with pytest.raises(ReadModelBehind, match="NoteTaken at position 2"):
        await waiting
    telling.progress.catching_up()
    telling.progress.live()
    await settled()
    assert hearing.progress.state is ReadModelState.LIVE


async def test_in_silence_the_store_is_asked_and_nothing_is_answered_from_memory(
    hearing: Hearing, telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearing.keep("n7")
    assert hearing.keeps("n7")
    monkeypatch.setattr(heard_model, "SILENCE", -1.0)
    monkeypatch.setattr("app.cqrs.announcing.hearing.SILENCE", -1.0)
    hearing.stored[notes.key] = 4
    hearing.hearer.doubt()
    await hearing.progress.wait_for(4, 5)
    assert not hearing.keeps("n7")


async def test_after_silence_a_sign_of_life_tells_more_than_the_store(
    hearing: Hearing, telling: Telling, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.loses = True
    await telling.apply(TAKEN[1])
    await settled()
    wire.loses = False
    telling.announcer.unchanged(5)
    await settled()
    assert hearing.progress.position == 5
    with monkeypatch.context() as silence:
        silence.setattr(heard_model, "SILENCE", -1.0)
        silence.setattr("app.cqrs.announcing.hearing.SILENCE", -1.0)
        hearing.stored[notes.key] = 2  # The checkpoint is written later if events change no document.
        wire.tell(wire.kept[-1], kept=False)
        await settled()
        assert hearing.progress.position == 2
    telling.teller.sign()
    await settled()
    assert hearing.progress.position == 5


async def test_documents_that_were_built_anew_are_read_from_then_on(
    hearing: Hearing, telling: Telling, wire: Wire
) -> None:
    hearing.keep("n7")
    rebuilt = Telling(wire, notes.of(notes.generation.numbered(2)))
    rebuilt.announcer.started(1, gapless=False, log_set_back=True)
    await settled()
    assert hearing.served.generation.number == 2
    assert not hearing.keeps("n7")


def test_events_before_the_first_known_one_are_unknown() -> None:
    events: list[RecordedEvent] = TAKEN[4:]
    remembered = RecentEvents()
    remembered.note(events)
    assert remembered.between(3, 6) is None
    assert remembered.between(4, 6) == events[:2]


async def test_documents_of_earlier_code_are_read_until_those_of_this_code_serve(wire: Wire) -> None:
    earlier = notes.of(Generation("notes", "0123abcd"))
    hearing, telling = Hearing(wire, earlier), Telling(wire, earlier)
    async with hearing.running():
        telling.announcer.started(5, gapless=False, log_set_back=False)
        await hearing.progress.wait_for(5, 5)
        Telling(wire, notes).announcer.started(9, gapless=False, log_set_back=True)
        await hearing.progress.wait_for(9, 5)
    assert hearing.served.generation == notes.generation
