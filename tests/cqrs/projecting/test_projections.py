"""What an operator can do about projections."""

import pytest

from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.log.shared_log import SharedLog
from app.cqrs.projecting.following import BATCH
from app.cqrs.projecting.projections import Projections
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken, documents, recorded


async def test_an_event_that_was_mended_after_a_retry_in_vain_is_read_anew(
    read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0)
    log = MemoryLog()
    log.append(NoteTaken(note="a"), NotePraised(note="a", by="text"))
    log.append(*(NoteTaken(note=str(number)) for number in range(BATCH)))
    shared = SharedLog(log)
    desk = Desk(read_store, log, read_through=shared)
    projections = Projections(shared, {"notes": desk.projector})
    async with desk.running():
        await desk.fails()
        assert (await projections.retry("notes", PATIENCE)).state is ReadModelState.FAILED
        log.events[1] = recorded(2, NotePraised(note="a", by=2))
        assert (await projections.retry("notes", PATIENCE)).state is not ReadModelState.FAILED
        await desk.reaches(len(log.events))
    assert [note["praise"] for note in await read_store.find(documents, {"_id": "a"})] == [2]
