"""Every read shows what its viewer may see, and of anything else not even that it exists."""

import asyncio
from typing import Any

import pytest

from app.cqrs.documents.read_model import Change
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.pages import Listing, PageArguments
from app.cqrs.reading.reading import Reading, ReadsElsewhere
from app.cqrs.reading.shared_reader import SharedReader
from app.cqrs.viewers import Scope, Sight
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import NoteTaken, changes_of, documents, notes, recorded
from tests.cqrs.reading.test_shared_reader import Counted

ANONYMOUS, CLERK = Scope(Sight.ANONYMOUS), Scope(Sight.STAFF)
TEA, COFFEE, NAMELESS = (Scope(Sight.CUSTOMER, topic) for topic in ("tea", "coffee", None))
"""Viewers to whom the notes of a topic belong."""

SEEN = {ANONYMOUS: "", NAMELESS: "", TEA: "ac", COFFEE: "b", CLERK: "abc"}
ALL = Listing(documents, {}, ["topic"])
NAMES: list[dict[str, Any]] = [
    {"$match": {}},
    {"$sort": {"_id": 1}},
    {"$group": {"_id": None, "names": {"$push": "$_id"}}},
]


@pytest.fixture
async def store(read_store: MongoReadStore) -> Counted:
    """The notes a and c of tea, and b of coffee."""
    await read_store.prepare(notes)
    events = [
        recorded(position, NoteTaken(note=note, topic=topic))
        for position, (note, topic) in enumerate([("a", "tea"), ("b", "coffee"), ("c", "tea")], 1)
    ]
    await read_store.apply(notes, changes_of(events), since=0, start=0, end=events[-1])
    return Counted(read_store)


def reading(store: Any, scope: Scope) -> Reading:
    progress = Progress("notes", Head())
    return Reading(reader=store, progress={"notes": progress}, patience=0, scope=scope)


@pytest.mark.parametrize("fields", [None, ("praise",), ("praise", "topic")], ids=str)
@pytest.mark.parametrize("scope", SEEN, ids=str)
async def test_every_read_shows_what_the_viewer_may_see(
    store: Counted, scope: Scope, fields: tuple[str, ...] | None
) -> None:
    reads, seen = reading(store, scope), SEEN[scope]
    found = await reads.get_many(documents, ["a", "b", "nobody", "c"], fields=fields)
    assert [each["_id"] if each else None for each in found] == [
        id if id in seen else None for id in ("a", "b", "nobody", "c")
    ]
    page = await reads.page(ALL, PageArguments(), fields=fields)
    assert sorted(each["_id"] for each in page.documents) == [*seen]
    assert not page.has_next
    assert await reads.count(page.listing) == len(seen)
    assert await reads.aggregate(documents, NAMES) == ([{"_id": None, "names": [*seen]}] if seen else [])


@pytest.mark.parametrize("scope", SEEN, ids=str)
async def test_no_filter_and_no_cursor_widens_what_is_seen(store: Counted, scope: Scope) -> None:
    every = await reading(store, CLERK).page(ALL, PageArguments())
    reads = reading(store, scope)
    for filter in (
        {"topic": "tea"},
        {"topic": {"$in": ["tea", "coffee"]}},
        {"$or": [{"topic": "tea"}, {"topic": "coffee"}]},
        {"_id": "b"},
    ):
        listing = Listing(documents, filter, ["topic"])
        honest = {each["_id"] for each in every.documents if _fits(each, filter)} & set(SEEN[scope])
        assert {each["_id"] for each in (await reads.page(listing, PageArguments())).documents} == honest
        assert await reads.count(listing) == len(honest)
    for number, cursor in enumerate(every.cursors):
        later = [each["_id"] for each in every.documents[number + 1 :] if each["_id"] in SEEN[scope]]
        page = await reads.page(ALL, PageArguments(after=cursor))
        assert [each["_id"] for each in page.documents] == later
        assert not page.has_next


def _fits(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    match filter:
        case {"topic": str(topic)}:
            return topic == str(document["topic"])
        case {"_id": str(id)}:
            return id == str(document["_id"])
    return True


async def test_viewers_of_all_scopes_read_together_and_see_their_own(store: Counted) -> None:
    shared = SharedReader(store)
    for ids in (["a", "b", "c"], ["a"]):
        store.asked.clear()
        found = await asyncio.gather(
            *(reading(shared, scope).get_many(documents, ids, fields=("praise",)) for scope in SEEN)
        )
        for scope, documents_found in zip(SEEN, found, strict=True):
            assert [each is not None for each in documents_found] == [id in SEEN[scope] for id in ids]
        assert len(store.asked) < len(SEEN), "those that come while two read ask together"


async def test_an_aggregation_that_reads_other_collections_is_refused(store: Counted) -> None:
    joined = [{"$lookup": {"from": documents.stored_as, "pipeline": [], "as": "others"}}]
    for scope in (CLERK, TEA):
        with pytest.raises(ReadsElsewhere, match="over notes reads another collection"):
            await reading(store, scope).aggregate(documents, joined)


async def test_a_kept_answer_is_dropped_once_a_document_changes_hands(store: Counted) -> None:
    moved = Change(documents, id="b", update={"$set": {"topic": "tea"}})
    for change, ids in ((moved, ["b"]), (Change(documents, where={}, update=moved.update), None)):
        for ask in ("get", "page", "count", "aggregate"):
            cache = ReadCache(10_000)
            cache.settled("notes")
            reads = reading(store, TEA)
            match ask:
                case "get":
                    assert await reads.get(documents, "b") is None
                case "page":
                    await reads.page(ALL, PageArguments())
                case "count":
                    await reads.count(ALL)
                case _:
                    await reads.aggregate(documents, NAMES)
            reads.keep(cache, ask, b"answer", size=10, since=cache.mark())
            assert cache.get(ask)
            cache.changing("notes", [(change, ids)])
            assert cache.get(ask) is None, ask


async def test_an_owners_page_outlives_a_new_document_of_another(store: Counted) -> None:
    cache = ReadCache(10_000)
    cache.settled("notes")
    reads = reading(store, TEA)
    await reads.page(ALL, PageArguments())
    reads.keep(cache, "page", b"answer", size=10, since=cache.mark())
    cache.changing("notes", [(documents.put("d", {"topic": "coffee"}), ["d"])])
    assert cache.get("page")
    cache.changing("notes", [(documents.put("e", {"topic": "tea"}), ["e"])])
    assert cache.get("page") is None
