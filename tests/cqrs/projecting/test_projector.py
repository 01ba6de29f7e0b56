"""The projector between a log in memory and the real document store."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS
from app.cqrs.freshness.progress import ReadModelBehind, ReadModelState
from app.cqrs.live.notices import Notices, topic
from app.cqrs.log.event_bus import EventBatch
from app.cqrs.log.events import RecordedEvent, UnknownEvent, UnreadableEvent
from app.cqrs.messages import Event
from app.cqrs.projecting.applying import RETRIES
from app.cqrs.projecting.following import BATCH
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.reads.clients import PATIENT
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.cqrs.desk import PATIENCE, Desk, FlakyStore, ForgetfulStore, MemoryLog
from tests.cqrs.notes import NotePraised, NoteRead, NoteTaken, TopicRenamed, documents, notes, recorded


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def desk(read_store: MongoReadStore, log: MemoryLog) -> Desk:
    return Desk(read_store, log)


def taken(names: Iterable[object]) -> list[Event]:
    return [NoteTaken(note=str(name)) for name in names]


async def test_catches_up_from_the_log_in_batches(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(*taken(range(BATCH + 1)))
    async with desk.running():
        await desk.reaches(BATCH + 1)
    assert await read_store.count(documents, {}) == BATCH + 1
    assert (await read_store.checkpoint(notes)).position == BATCH + 1
    assert desk.log.reads[:2] == [(0, BATCH), (BATCH - 1, BATCH + 1)]


@pytest.mark.parametrize(
    ("for_each_filter", "transactions"), [(1, 1), (4, 6)], ids=["one transaction", "two renames at most"]
)
async def test_events_that_change_very_many_documents_do_not_share_a_transaction(
    desk: Desk,
    read_store: MongoReadStore,
    monkeypatch: pytest.MonkeyPatch,
    for_each_filter: int,
    transactions: int,
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.MOST_WRITTEN", 10)
    monkeypatch.setattr("app.cqrs.projecting.applying.FOR_EACH_FILTER", for_each_filter)
    renamed = [TopicRenamed(topic=f"topic {each}", to=f"topic {each + 1}") for each in range(8)]
    desk.log.append(NoteTaken(note="a", topic="topic 0"), NoteTaken(note="b", topic="topic 3"), *renamed)
    async with desk.running():
        await desk.reaches(10)
    assert [note["topic"] for note in await read_store.find(documents, {})] == ["topic 8", "topic 8"]
    assert desk.projector.transactions.count == transactions


async def test_documents_that_one_event_after_another_changes_count_once_for_a_transaction(
    desk: Desk, read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.MOST_WRITTEN", 10)
    desk.log.append(*taken(range(10)), *(NotePraised(note="9") for _ in range(5)))
    desk.log.append(*taken(range(10, 15)))
    async with desk.running():
        await desk.reaches(20)
    assert await read_store.count(documents, {}) == 15
    assert desk.projector.transactions.count == 2


async def test_goes_on_from_the_checkpoint(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
    later = Desk(read_store, desk.log)
    desk.log.append(NotePraised(note="a"))
    async with later.running():
        await later.reaches(3)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [2]
    assert desk.log.reads[-1][0] == 1, "with the event that it already has"
    assert later.notices.since({"notes": (1, AFTER_ALL_DOCUMENTS)}) is None, (
        "what was projected before is not kept here"
    )


async def test_follows_the_bus_without_reading_the_log(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        with desk.notices.listen(topic("notes", document="a")) as listener:
            await desk.publish(NotePraised(note="a"))
            noticed = await listener.next(PATIENCE)
        assert noticed
        assert (noticed.notice.position, noticed.notice.event_type) == (2, "NotePraised")
        assert desk.progress.position == 2
        assert desk.progress.state is ReadModelState.LIVE
        assert desk.progress.freshness().milliseconds_behind == 0
    assert desk.log.reads == [(0, BATCH)]


async def test_does_not_read_the_log_again_for_events_that_come_while_it_catches_up(
    read_store: MongoReadStore,
) -> None:
    class GrowingLog(MemoryLog):
        """A log to which another event is appended and published before each read is answered."""

        async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
            read = await super().read(after=after, limit=limit)
            await busy.publish(NotePraised(note="a"))
            return read

    busy = Desk(read_store, log := GrowingLog())
    log.append(NoteTaken(note="a"))
    async with busy.running():
        await busy.reaches(2)
        await busy.publish(NotePraised(note="a"))
        await busy.reaches(3)
    assert log.reads == [(0, BATCH)]
    assert [note["praise"] for note in await read_store.find(documents, {})] == [2]


async def test_reads_the_log_where_the_bus_has_lost_something(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        desk.log.append(NotePraised(note="a", by=10))  # never published
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(3)
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(4)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [12]
    assert [after for after, _ in desk.log.reads] == [0, 0], "with the event that it already has"


async def test_applies_nothing_twice_where_the_bus_repeats_itself(
    desk: Desk, read_store: MongoReadStore
) -> None:
    batch = desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
        await desk.bus.publish(batch)
        overlapping = desk.log.append(NotePraised(note="a"))
        await desk.bus.publish(EventBatch(after=1, events=[*batch.events[1:], *overlapping.events]))
        await desk.reaches(3)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [2]


async def test_what_it_does_not_know_stops_nothing(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"), UnknownEvent(data="{}"), NoteRead(), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(4)
        await desk.publish(UnknownEvent(data="{}"))
        await desk.reaches(5)
    assert (await read_store.checkpoint(notes)).position == 5
    assert [note["praise"] for note in await read_store.find(documents, {})] == [1]


async def test_stops_at_an_event_that_can_not_be_applied_and_says_why(
    desk: Desk, read_store: MongoReadStore
) -> None:
    desk.log.append(*taken("ab"), NotePraised(note="a", by="far"), *taken("cd"))
    async with desk.running():
        with pytest.raises(ReadModelBehind) as refusal:
            await desk.reaches(5)
    assert desk.progress.state is ReadModelState.FAILED
    assert desk.progress.position == (await read_store.checkpoint(notes)).position == 2
    assert desk.progress.visible == 2, "no answer's token asks for what was not applied"
    assert [note["_id"] for note in await read_store.find(documents, {}, sort=[("_id", 1)])] == ["a", "b"]
    assert desk.progress.reason == "NotePraised at position 3 can't be applied (ChangeImpossible)"
    assert f"it failed: {desk.progress.reason}" in str(refusal.value)
    kept = desk.notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)})
    assert kept is not None
    assert [each.notice.document_id for each in kept] == ["a", "b"]


async def test_a_failed_read_model_goes_on_after_a_restart_once_the_event_can_be_applied(
    desk: Desk, read_store: MongoReadStore
) -> None:
    desk.log.append(*taken("a"), NotePraised(note="a", by="far"))
    async with desk.running():
        await desk.fails()
    assert desk.progress.position == 1
    desk.log.events[1] = recorded(2, NotePraised(note="a", by=1))
    restarted = Desk(read_store, desk.log)
    async with restarted.running():
        await restarted.reaches(2)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [1]


async def test_a_retry_goes_on_from_the_very_event_where_it_stopped(
    desk: Desk, read_store: MongoReadStore
) -> None:
    desk.log.append(*taken("a"), NotePraised(note="a", by="far"), *taken("b"))
    async with desk.running():
        await desk.fails()
        await desk.publish(NotePraised(note="b"))  # while nobody listens
        desk.log.events[1] = recorded(2, NotePraised(note="a", by=2))
        await desk.projector.retry(PATIENCE)
        assert desk.progress.position >= 2
        await desk.reaches(4)
        await desk.publish(NotePraised(note="a", by=40))
        await desk.reaches(5)
        assert (desk.progress.state, desk.progress.reason) == (ReadModelState.LIVE, None)
    found = await read_store.find(documents, {}, sort=[("_id", 1)])
    assert [(note["_id"], note["praise"]) for note in found] == [("a", 42), ("b", 1)]


async def test_a_retry_without_a_cure_fails_again_and_says_so_at_once(desk: Desk) -> None:
    desk.log.append(*taken("a"), NotePraised(note="a", by="far"))
    async with desk.running():
        await desk.fails()
        for _ in range(2):
            reason, desk.progress.reason = desk.progress.reason, None
            await desk.projector.retry(PATIENCE)
            assert desk.progress.state is ReadModelState.FAILED
            assert desk.progress.reason == reason
            assert desk.progress.position == 1


async def test_who_asks_after_a_retry_waits_as_ever(desk: Desk) -> None:
    desk.log.append(NotePraised(note="a", by="far"))
    async with desk.running():
        await desk.fails()
        desk.log.events[0] = recorded(1, NoteTaken(note="a"))
        retrying = asyncio.create_task(desk.projector.retry(PATIENCE))
        await asyncio.sleep(0)
        assert desk.progress.state is ReadModelState.CATCHING_UP
        await desk.reaches(1)
        await retrying


async def test_a_failed_read_model_keeps_nothing_of_what_is_published(desk: Desk) -> None:
    desk.log.append(NotePraised(note="a", by="far"))
    async with desk.running():
        await desk.fails()
        await desk.publish(*taken("ab"))
        assert not desk.bus._subscribers


async def test_a_retry_leaves_alone_who_follows_the_log(desk: Desk) -> None:
    desk.log.append(*taken("a"))
    async with desk.running():
        await desk.reaches(1)
        await desk.publish(*taken("b"))  # by now it follows
        await desk.reaches(2)
        reads = list(desk.log.reads)
        await desk.projector.retry(PATIENCE)
        await desk.publish(*taken("c"))
        await desk.reaches(3)
    assert desk.progress.state is ReadModelState.LIVE
    assert desk.log.reads == reads


async def test_a_retry_wakes_who_waits_for_a_store(
    read_store: MongoReadStore, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 10 * PATIENCE)
    monkeypatch.setattr("app.cqrs.projecting.applying.LONGEST_PAUSE", 10 * PATIENCE)
    refused, answers = asyncio.Event(), iter([True])

    def fails_once(_changes: Sequence[object]) -> bool:
        refused.set()
        return next(answers, False)

    desk = Desk(FlakyStore(read_store, fails_once), log)
    log.append(*taken("a"))
    async with desk.running():
        await refused.wait()
        await desk.projector.retry(PATIENCE)
        assert desk.progress.position == 1


async def test_tries_an_event_again_before_it_gives_up(
    read_store: MongoReadStore, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter([True, True, True, False])
    original = notes.changes

    def fails_at_first(event: RecordedEvent) -> list[Change]:
        if event.position == 2 and next(tries):
            raise RuntimeError("not yet")
        return original(event)

    monkeypatch.setattr(notes, "changes", fails_at_first)
    desk = Desk(read_store, log)
    log.append(*taken("abc"))
    async with desk.running():
        await desk.reaches(3)
    assert await read_store.count(documents, {}) == 3


async def test_starts_over_from_the_checkpoint_when_the_store_did_not_answer(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    answers = iter([True, True, False])
    desk = Desk(FlakyStore(read_store, lambda changes: next(answers, False)), log)
    log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [1]
    assert [after for after, _ in log.reads[:3]] == [0, 0, 0]


async def test_takes_smaller_batches_when_large_ones_are_too_much(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    desk = Desk(FlakyStore(read_store, lambda changes: len(changes) > BATCH // 4), log)
    log.append(*taken(range(BATCH)))
    async with desk.running():
        await desk.reaches(BATCH)
    assert await read_store.count(documents, {}) == BATCH


async def test_applies_nothing_twice_when_an_answer_got_lost_and_tells_listeners(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    answers = iter([True])
    desk = Desk(ForgetfulStore(read_store, lambda changes: next(answers, False)), log)
    log.append(NoteTaken(note="a"), NotePraised(note="a"))
    with desk.notices.listen(topic("notes")) as listener:
        async with desk.running():
            assert await listener.next(PATIENCE) is None
            assert listener.take_lagged() == 1
            assert desk.progress.position == 2
    assert [note["praise"] for note in await read_store.find(documents, {})] == [1]
    assert desk.notices.since({"notes": (0, AFTER_ALL_DOCUMENTS)}) is None


async def test_of_two_projectors_each_event_is_applied_once(
    read_store: MongoReadStore, another_store: MongoReadStore, log: MemoryLog
) -> None:
    one, other = Desk(read_store, log), Desk(another_store, log)
    log.append(NoteTaken(note="a"))
    async with one.running(), other.running():
        for _ in range(10):
            batch = log.append(NotePraised(note="a"))
            await asyncio.gather(one.bus.publish(batch), other.bus.publish(batch))
            await asyncio.gather(one.reaches(batch.last), other.reaches(batch.last))
    assert [note["praise"] for note in await read_store.find(documents, {})] == [10]


async def test_a_log_that_can_not_be_read_is_tried_again(
    desk: Desk, read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failures = desk.log.read, iter([OSError("disk"), OSError("disk")])

    async def fails_at_first(*, after: int, limit: int) -> Sequence[RecordedEvent]:
        if failure := next(failures, None):
            raise failure
        return await original(after=after, limit=limit)

    monkeypatch.setattr(desk.log, "read", fails_at_first)
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        await desk.becomes(ReadModelState.LIVE)


async def test_outlives_a_mongod_that_is_killed(
    tmp_path: Path, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0.01)
    monkeypatch.setitem(PATIENT, "serverSelectionTimeoutMS", 100)
    async with embedded_mongod(tmp_path) as mongod, open_read_store(mongod.url, "test") as store:
        desk = Desk(store, log)
        log.append(*taken("a"))
        async with desk.running():
            await desk.reaches(1)
            mongod.process.kill()
            await mongod.process.wait()
            await desk.publish(*taken("b"), NotePraised(note="a"))
            async with embedded_mongod(tmp_path):
                await desk.reaches(3)
                assert [note["praise"] for note in await store.find(documents, {"_id": "a"})] == [1]
                await desk.becomes(ReadModelState.LIVE)


@pytest.mark.parametrize("there", [[], [NoteTaken(note="b")], [NoteTaken(note="b"), NotePraised(note="b")]])
async def test_refuses_documents_that_were_made_from_another_log_or_a_later_copy(
    desk: Desk, read_store: MongoReadStore, there: list[Event]
) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
    other = Desk(read_store, MemoryLog())
    other.log.append(*there)
    other.log.events = [replace(event, event_id=uuid4()) for event in other.log.events]
    async with other.running():
        with pytest.raises(ReadModelBehind, match="other events"):
            await other.reaches(2)
    assert other.progress.state is ReadModelState.FAILED
    assert "other events than those of the log" in str(other.progress.reason)
    assert [note["_id"] for note in await read_store.find(documents, {})] == ["a"], "nothing is mixed"


async def test_an_event_that_cannot_be_read_stops_who_needs_it(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.log.append(NoteTaken(note="a"), UnreadableEvent(of=NoteTaken, reason="version 2 is newer"))
    async with desk.running():
        await desk.fails()
    assert (desk.progress.position, desk.progress.state) == (1, ReadModelState.FAILED)
    assert desk.progress.reason == "UnreadableEvent at position 2 can't be applied (EventUnreadable)"
    [*retries, stops] = caplog.messages
    assert len(retries) == RETRIES
    for line in retries:
        assert "read_model=notes position=2 type=UnreadableEvent event_id=00000000-" in line
        assert "EventUnreadable: version 2 is newer" in line
    assert stops == f"The read model has failed: read_model=notes error={desk.progress.reason}"


async def test_does_not_try_for_long_what_takes_long(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.RETRY_SECONDS", -1)
    desk.log.append(NotePraised(note="a", by="far"))
    async with desk.running():
        await desk.fails()
    assert caplog.messages == [f"The read model has failed: read_model=notes error={desk.progress.reason}"]


async def test_a_change_of_very_many_documents_is_told_in_turns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, told = 95, list[int]()
    publish = Notices.publish

    def note(notices: Notices, some: Sequence[DocumentChanged]) -> None:
        told.append(len(some))
        publish(notices, some)

    desk.log.append(*taken(f"{number:02}" for number in range(many)))
    async with desk.running():
        await desk.reaches(many)
        with desk.notices.listen(topic("notes")) as listener:
            await desk.publish(NoteRead())  # by now it follows
            await desk.reaches(many + 1)
            monkeypatch.setattr(Notices, "publish", note)
            monkeypatch.setattr("app.cqrs.live.notices.NOTICES_PER_STEP", 10)
            await desk.publish(TopicRenamed(topic="plain", to="fancy"))
            found = [await listener.next(PATIENCE) for _ in range(many)]
    assert [each and each.notice.document_id for each in found] == [f"{number:02}" for number in range(many)]
    assert [each for each in told if each] == [10] * 9 + [5]


STREET = "Rua da Alegria 27"


@pytest.mark.parametrize("quoting", [KeyError(STREET), ValueError(STREET), RuntimeError({"street": STREET})])
async def test_what_a_projection_says_of_an_event_is_in_no_answer_and_in_no_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, quoting: Exception
) -> None:
    def can_not_be_projected(_: RecordedEvent) -> list[Change]:
        raise quoting

    monkeypatch.setattr(notes, "changes", can_not_be_projected)
    desk.log.append(NoteTaken(note=STREET))
    async with desk.running():
        with pytest.raises(ReadModelBehind) as refusal:
            await desk.reaches(1)
    kind = type(quoting).__name__
    assert desk.progress.reason == f"NoteTaken at position 1 can't be applied ({kind})"
    assert STREET not in str(refusal.value)
    assert STREET not in caplog.text
    assert (
        caplog.text.count(
            f"position=1 type=NoteTaken event_id={desk.log.events[0].event_id} stream=note-1 error={kind}"
        )
        == RETRIES
    )
    assert caplog.text.count("can_not_be_projected)") == RETRIES, "the operator is told where it happened"


@pytest.mark.parametrize(
    "change",
    [
        documents.put("a", {"address": object()}),
        documents.update("a", {"$inc": {"topic": STREET}}),
        documents.update("a", {"$push": {"topic": STREET}}),
        documents.upsert("a", {"$set": {f"{STREET}.": 1}}),
        documents.update_where({"$nonsense": STREET}, {"$set": {"topic": STREET}}),
        documents.put("a", {STREET: "x" * 17_000_000}),
    ],
    ids=["can't be encoded", "no number", "no array", "bad path", "no filter", "too large"],
)
async def test_what_the_store_says_of_a_change_is_in_no_answer_and_in_no_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, change: Change
) -> None:
    desk.log.append(NoteTaken(note="a", topic=STREET))
    async with desk.running():
        await desk.reaches(1)
        monkeypatch.setattr(notes, "changes", lambda _: [change])
        await desk.publish(NoteTaken(note=STREET))
        await desk.fails()
    assert str(desk.progress.reason).startswith("NoteTaken at position 2 can't be applied (")
    assert STREET not in str(desk.progress.reason)
    assert STREET not in caplog.text
    assert caplog.text.count("is retried: read_model=notes position=2 type=NoteTaken") == RETRIES


async def test_an_event_that_cannot_be_read_does_not_stop_who_does_not_need_it(desk: Desk) -> None:
    desk.log.append(NoteTaken(note="a"), UnreadableEvent(of=NoteRead, reason="torn"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(3)


async def test_reads_the_next_batch_while_it_applies_one(
    read_store: MongoReadStore, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.following.BATCH", 4)
    reads_at_apply: list[list[int]] = []

    def note(_changes: Sequence[object]) -> bool:
        reads_at_apply.append([after for after, _ in log.reads])
        return False

    class Later(FlakyStore):
        async def apply(self, *args: Any, **how: Any) -> Any:
            await asyncio.sleep(0)
            return await super().apply(*args, **how)

    desk = Desk(Later(read_store, note), log)
    log.append(*taken(range(10)))
    async with desk.running():
        await desk.reaches(10)
    assert reads_at_apply == [[0, 3], [0, 3, 7], [0, 3, 7]]
    assert await read_store.count(documents, {}) == 10


async def test_what_was_read_ahead_is_read_again_after_a_failure(
    read_store: MongoReadStore, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.following.BATCH", 4)
    answers = iter([True])
    desk = Desk(FlakyStore(read_store, lambda changes: next(answers, False)), log)
    log.append(*taken(range(10)))
    async with desk.running():
        await desk.reaches(10)
    assert await read_store.count(documents, {}) == 10
    assert [note["position"] for note in await read_store.find(documents, {}, sort=[("position", 1)])] == [
        *range(1, 11)
    ]


async def test_events_that_change_nothing_are_saved_with_the_next_that_does(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    applied: list[int] = []

    def note(changes: Sequence[object]) -> bool:
        applied.append(len(changes))
        return False

    desk = Desk(FlakyStore(read_store, note), log)
    log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        for position in range(2, 12):
            await desk.publish(NoteRead())
            await desk.reaches(position)
        assert (await read_store.checkpoint(notes)).position == 1
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(12)
        assert (await read_store.checkpoint(notes)).position == 12
    assert applied == [1, 1]


async def test_events_that_change_nothing_are_saved_when_none_follows(
    read_store: MongoReadStore, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.deferred.SAVED_WITHIN", 0.05)
    applied: asyncio.Queue[int] = asyncio.Queue()

    def note(changes: Sequence[object]) -> bool:
        applied.put_nowait(len(changes))
        return False

    desk = Desk(FlakyStore(read_store, note), log)
    async with desk.running():
        await desk.publish(NoteRead(), NoteRead())
        await desk.publish(NoteRead())
        await desk.reaches(3)
        assert await applied.get() == 0
        await desk.publish(NoteTaken(note="a"))
        await desk.reaches(4)
    assert applied.get_nowait() == 1
    assert applied.empty()
    assert (await read_store.checkpoint(notes)).position == 4


async def test_a_projector_that_is_stopped_saves_what_changed_nothing(
    desk: Desk, read_store: MongoReadStore
) -> None:
    async with desk.running():
        await desk.publish(NoteRead())
        await desk.reaches(1)
        assert (await read_store.checkpoint(notes)).position == 0
    assert (await read_store.checkpoint(notes)).position == 1


async def test_who_catches_up_through_what_changes_nothing_saves_on_the_way(
    desk: Desk, read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.deferred.SAVED_WITHIN", 0)
    saved: list[int] = []

    def note(changes: Sequence[object]) -> bool:
        saved.append(desk.progress.position)
        return False

    desk = Desk(FlakyStore(read_store, note), desk.log)
    desk.log.append(*(NoteRead() for _ in range(BATCH * 3)))
    async with desk.running():
        await desk.reaches(BATCH * 3)
    assert saved[:2] == [BATCH, 2 * BATCH]


async def test_a_projector_that_can_not_save_at_last_stops_all_the_same(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    def fails(changes: Sequence[object]) -> bool:
        raise RuntimeError("can't start new thread")

    desk = Desk(FlakyStore(read_store, fails), log)
    async with desk.running() as task:
        await desk.publish(NoteRead())
        await desk.reaches(1)
    assert task.cancelled()


async def test_does_not_go_back_to_a_checkpoint_that_nothing_changed_since(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    answers = iter([False, True])
    desk = Desk(FlakyStore(read_store, lambda _: next(answers, False)), log)
    log.append(NoteTaken(note="a"))
    with desk.notices.listen(topic("notes")) as listener:
        async with desk.running():
            await desk.publish(NoteRead())
            await desk.reaches(2)
            await desk.publish(NotePraised(note="a"))  # which fails at first
            await desk.reaches(3)
        assert [noticed.notice.position for noticed in iter(listener.pending, None)] == [1, 3]
        assert listener.take_lagged() == 0, "nothing was missed"
    assert log.reads[-1] == (1, BATCH // 2 + 1)


async def test_documents_that_are_dropped_are_made_anew(desk: Desk, read_store: MongoReadStore) -> None:
    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NoteRead())
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        await read_store.clear(notes)
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(3)
    assert [note["praise"] for note in await read_store.find(documents, {})] == [1]


async def test_is_live_with_its_indexes_and_with_the_events_that_came_while_they_were_created(
    read_store: MongoReadStore, log: MemoryLog
) -> None:
    class Indexing(FlakyStore):
        async def index_slowly(self, model: ReadModel) -> None:
            states.append(desk.progress.state)
            for name in "cdef":  # more than the bus keeps for who does not listen
                await desk.publish(*taken(name))
            await read_store.index(model)

    states: list[ReadModelState] = []
    store = Indexing(read_store, lambda _: False)
    store.index = store.index_slowly
    desk = Desk(store, log)
    log.append(*taken("ab"))
    async with desk.running():
        await desk.reaches(6)
        await desk.becomes(ReadModelState.LIVE)
        assert await read_store.count(documents, {}) == 6
    assert states == [ReadModelState.CATCHING_UP]


async def test_others_have_a_turn_while_the_changes_of_many_events_are_computed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would be answered until all of them are, which are 500."""
    computed, seen, changes = list[int](), set[int](), notes.changes

    def counted(event: RecordedEvent) -> Sequence[Change]:
        computed.append(event.position)
        return changes(event)

    async def look() -> None:
        while True:
            seen.add(len(computed))
            await asyncio.sleep(0)

    monkeypatch.setattr(notes, "changes", counted)
    desk.log.append(*taken(range(200)))
    looking = asyncio.create_task(look())
    async with desk.running():
        await desk.reaches(200)
    looking.cancel()
    assert seen >= {50, 100, 150, 200}
