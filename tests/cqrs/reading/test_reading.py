"""What a read claims to have seen: never less than it may have shown, never more than it waited for."""

import asyncio
from typing import Any, cast

import pytest

from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.freshness.tokens import Token
from app.cqrs.log.head import Head
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.pages import BadPage, Listing, PageArguments
from app.cqrs.reading.reading import Reading
from app.cqrs.viewers import OPEN
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import NoteTaken, changes_of, documents, notes, recorded

ALL = Listing(documents, {}, ["topic"])


@pytest.fixture
def progress() -> Progress:
    progress = Progress("notes", Head())
    progress.reached(3)
    return progress


def reading(store: MongoReadStore, progress: Progress) -> Reading:
    return Reading(reader=store, progress={"notes": progress}, patience=0, scope=OPEN.scope)


async def test_every_kind_of_read_claims_what_may_be_visible_before_it_is_reported(
    read_store: MongoReadStore, progress: Progress
) -> None:
    progress.applying(5)
    reads = reading(read_store, progress)
    for read in (
        reads.get(documents, "nobody"),
        reads.page(ALL, PageArguments()),
        reads.count(ALL),
        reads.aggregate(documents, [{"$match": {}}]),
    ):
        reads.reflected = 0
        await read
        assert reads.reflected == 5


async def test_freshness_claims_no_more_than_what_the_first_read_could_rely_on(
    read_store: MongoReadStore, progress: Progress
) -> None:
    reads = reading(read_store, progress)
    await reads.count(ALL)
    progress.reached(9)
    await reads.count(ALL)
    assert [fresh.position for fresh in reads.freshness()] == [3]


async def test_waits_for_the_latest_of_all_tokens(read_store: MongoReadStore, progress: Progress) -> None:
    reads = reading(read_store, progress)
    reads.demanded = [Token(2), Token(3)]
    await reads.count(ALL)
    with pytest.raises(ReadModelBehind, match="position 3, not 4 yet"):
        await reads.get(documents, "a", [Token(4)])


async def test_arguments_that_make_no_page_are_refused_before_anything_is_waited_for(
    read_store: MongoReadStore, progress: Progress
) -> None:
    reads = reading(read_store, progress)
    for wrong in PageArguments(first=101), PageArguments(after="no cursor"):
        with pytest.raises(BadPage):
            await reads.page(ALL, wrong, [Token(4)])


async def test_recalls_what_was_kept_with_the_claims_of_a_read(
    read_store: MongoReadStore, progress: Progress
) -> None:
    cache = ReadCache(10_000)
    cache.settled("notes")
    first = reading(read_store, progress)
    assert first.recall(cache, "key") is None
    await first.get(documents, "a")
    first.keep(cache, "key", b"answer", size=6, since=cache.mark())
    progress.applying(5)  # of another document
    again = reading(read_store, progress)
    again.demanded = [Token(3)]
    assert again.recall(cache, "key") == b"answer"
    assert again.reflected == 5
    assert [fresh.position for fresh in again.freshness()] == [3]


async def test_recalls_nothing_where_a_token_is_not_met_yet(
    read_store: MongoReadStore, progress: Progress
) -> None:
    cache = ReadCache(10_000)
    cache.settled("notes")
    first = reading(read_store, progress)
    await first.count(ALL)
    first.keep(cache, "key", b"answer", size=6, since=cache.mark())
    again = reading(read_store, progress)
    again.demanded = [Token(4)]
    assert again.recall(cache, "key") is None


class PutBack:
    """Documents that are lost while they are read for the first time, and made anew by the second."""

    def __init__(self, reader: DocumentReader, progress: Progress) -> None:
        self._reader, self._progress = reader, progress
        self.reads = 0

    async def get(self, *what: Any, **how: Any) -> Any:
        self.reads += 1
        if self.reads > 1:
            return await self._reader.get(*what, **how)
        self._progress.doubt()
        asyncio.get_running_loop().call_soon(self._progress.trust)
        return {}


@pytest.mark.parametrize("wanted", [0, 1])
async def test_what_was_read_while_the_documents_were_lost_is_read_again(
    read_store: MongoReadStore, wanted: int
) -> None:
    event = recorded(1, NoteTaken(note="a"))
    await read_store.prepare(notes)
    await read_store.apply(notes, changes_of([event]), since=0, start=0, end=event)
    progress = Progress("notes", Head(1))
    progress.reached(1)
    progress.live()
    reader = PutBack(read_store, progress)
    reads = Reading(
        reader=cast("DocumentReader", reader), progress={"notes": progress}, patience=10, scope=OPEN.scope
    )
    reads.demanded = [Token(wanted)]
    found = await reads.get(documents, "a")
    assert found
    assert reader.reads == 2
    assert reads.freshness()[0].state is not ReadModelState.LIVE, "what it was read beside is told"
