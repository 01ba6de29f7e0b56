"""In which order others hear of a change: each test fails where two of the steps are exchanged."""

import asyncio

import pytest

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices, topic
from app.cqrs.log.head import Head
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.reading.sources import Source
from tests.cqrs.notes import documents, notes

PRAISED: ChangeWithIds = (documents.update("a", {"$inc": {"praise": 1}}), ("a",))
SOURCE = Source(documents, "a")


class Told:
    """An announcer with all whom it tells."""

    def __init__(self) -> None:
        self.progress = Progress(notes.name, Head())
        self.notices = Notices()
        self.cache = ReadCache(10_000)
        self.lists = ConcernedLists()
        self.announcer = Announcer(
            "sales_1",
            progress=self.progress,
            notices=self.notices,
            cache=self.cache,
            lists=self.lists,
        )

    def read(self) -> int:
        """Begin to read, as an operation that is to be kept; return the mark."""
        return self.cache.mark()

    def keep(self, since: int) -> bool:
        """Return whether an answer that was read since a mark is kept."""
        self.cache.put("key", 1, size=1, read_models=[notes.name], sources=[SOURCE], since=since)
        return self.cache.get("key") is not None

    async def changed(self, position: int) -> None:
        await self.announcer.changed(position, [notice(position)])


@pytest.fixture
def told() -> Told:
    told = Told()
    told.announcer.started(0, gapless=False, log_set_back=False)
    return told


def notice(position: int) -> DocumentChanged:
    return DocumentChanged(
        read_model=notes.name,
        collection=documents.name,
        document_id="a",
        position=position,
        event_type="NotePraised",
        fields=("praise",),
        about=None,
    )


async def test_an_answer_is_forgotten_before_the_documents_may_show_the_change(told: Told) -> None:
    assert told.keep(told.read())
    told.announcer.changing([PRAISED], 1)
    assert told.cache.get("key") is None
    assert not told.keep(told.read()), "it may show the documents from before the change"
    since = told.read()
    await told.changed(1)
    assert not told.keep(since)
    assert told.keep(told.read())


async def test_who_reads_during_a_transaction_is_told_that_the_change_may_be_seen(told: Told) -> None:
    told.announcer.changing([PRAISED], 1)
    assert (told.progress.position, told.progress.visible) == (0, 1)
    told.announcer.refused()
    assert told.progress.visible == 0


async def test_who_waited_for_a_position_and_who_is_told_of_a_change_may_keep_their_answers(
    told: Told,
) -> None:
    kept: list[str] = []

    async def waiter() -> None:
        await told.progress.wait_for(1, seconds=20)
        kept.extend(["waiter"] * told.keep(told.read()))

    async def subscriber() -> None:
        with told.notices.listen(topic(notes.name)) as listener:
            listening.set()
            assert await listener.next(seconds=20)
            assert told.progress.holds(1), "else the read that follows the notice would wait"
            kept.extend(["subscriber"] * told.keep(told.read()))

    listening = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(waiter())
        group.create_task(subscriber())
        await listening.wait()
        told.announcer.changing([PRAISED], 1)
        await told.changed(1)
    assert sorted(kept) == ["subscriber", "waiter"]


async def test_of_a_start_after_a_gap_nothing_from_before_is_kept_and_subscribers_hear(told: Told) -> None:
    since = told.read()
    assert told.keep(since)
    with told.notices.listen(topic(notes.name)) as listener:
        told.announcer.started(0, gapless=True, log_set_back=False)
        assert (listener.take_lagged(), listener.take_set_back()) == (0, set())
        told.announcer.started(7, gapless=False, log_set_back=False)
        assert (listener.take_lagged(), listener.take_set_back()) == (1, set())
        told.announcer.started(3, gapless=False, log_set_back=True)
        assert (listener.take_lagged(), listener.take_set_back()) == (1, {notes.name})
    assert told.cache.get("key") is None
    assert not told.keep(since)
    assert told.progress.position == 3
