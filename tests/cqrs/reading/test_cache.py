"""What is kept, for how long, and how much of it; that it is never stale is shown in `test_staleness.py`."""

import tracemalloc
from collections.abc import Callable, Sequence

import pytest

from app.cqrs.documents.read_model import Change, Collection
from app.cqrs.memory.sizes import bytes_of
from app.cqrs.reading.cache import PER_ENTRY, ReadCache, bytes_of_source
from app.cqrs.reading.recent_changes import BYTES, LARGE, REMEMBERED, RecentChanges
from app.cqrs.reading.sources import Source, all_of, counted, listed
from tests.cqrs.notes import documents, notes
from tests.cqrs.reading.held import held

A, B = (Source(documents, id) for id in "ab")
ALL = all_of(documents)
PRAISED = documents.update("a", {"$inc": {"praise": 1}})
RENAMED = documents.update_where({"topic": "plain"}, {"$set": {"topic": "fancy"}})


def opened(capacity: int = 1_000_000) -> ReadCache:
    cache = ReadCache(capacity)
    cache.settled(notes.name)
    return cache


def keep(cache: ReadCache, key: str, *sources: Source, size: int = 0) -> None:
    read_models = [source.collection.read_model for source in sources]
    cache.put(key, key.upper(), size=size, read_models=read_models, sources=sources, since=cache.mark())


def kept(cache: ReadCache, *keys: str) -> str:
    return "".join(entry.value for key in keys if (entry := cache.get(key)))


def project(cache: ReadCache, *changes: Change, ids: Sequence[str] | None = None) -> None:
    cache.changing(notes.name, [(change, (change.id,) if change.id else ids) for change in changes])
    cache.changed(notes.name)


def test_a_change_of_a_document_forgets_it_and_every_listing() -> None:
    cache = opened()
    keep(cache, "a", A)
    keep(cache, "b", B)
    keep(cache, "both", A, B)
    keep(cache, "listing", ALL)
    project(cache, PRAISED)
    assert kept(cache, "a", "b", "both", "listing") == "B"


def test_a_change_of_whatever_fits_a_filter_forgets_those_who_do() -> None:
    cache = opened()
    keep(cache, "a", A)
    keep(cache, "b", B)
    keep(cache, "listing", ALL)
    project(cache, RENAMED, ids=["b", "c"])
    assert kept(cache, "a", "b", "listing") == "A"
    project(cache, RENAMED, ids=None)
    assert len(cache) == 0


def test_a_listing_stays_while_nothing_changes_that_it_shows_or_goes_by() -> None:
    cache = opened()
    keep(cache, "listing", listed(documents, {"topic": "plain"}, [("_id", 1)], [{"_id": "a"}]))
    project(cache, documents.update("b", {"$inc": {"praise": 1}}), documents.put("c", {"topic": "fancy"}))
    assert kept(cache, "listing") == "LISTING"
    project(cache, PRAISED)
    assert len(cache) == 0


def test_other_read_models_and_collections_are_not_concerned() -> None:
    cache = opened()
    cache.settled("others")
    for other in (Collection("others", "others_v1"), Collection("notes", "notes_v1_words")):
        keep(cache, other.name, Source(other, "a"))
    project(cache, PRAISED, RENAMED)
    assert len(cache) == 2
    cache.settled(notes.name)
    assert len(cache) == 1


def test_keeps_nothing_of_a_read_model_before_its_projector_has_begun() -> None:
    cache = ReadCache(1_000_000)
    keep(cache, "a", A)
    assert len(cache) == 0


def test_of_what_was_read_while_documents_changed_keeps_what_that_did_not_concern() -> None:
    cache = opened()
    before = cache.mark()

    def kept_of_both(since: int) -> str:
        for key, source in (("a", A), ("b", B), ("all", ALL)):
            cache.put(key, key.upper(), size=0, read_models=["notes"], sources=[B, source], since=since)
        return kept(cache, "a", "b", "all")

    cache.changing(notes.name, [(PRAISED, "a")])
    assert kept_of_both(before) == kept_of_both(cache.mark()) == "B"
    cache.changed(notes.name)
    assert kept_of_both(before) == "B"
    assert kept_of_both(cache.mark()) == "ABALL"


def test_keeps_nothing_that_was_read_during_more_than_it_remembers() -> None:
    cache = opened()

    def keep_since(moment: int, *, transactions: int, changes: int = 1) -> str:
        for _ in range(transactions):
            project(cache, *[PRAISED] * changes)
        cache.put("b", "B", size=0, read_models=["notes"], sources=[B], since=moment)
        return kept(cache, "b")

    assert keep_since(cache.mark(), transactions=REMEMBERED + 1) == ""
    assert keep_since(cache.mark(), transactions=1, changes=LARGE) == ""
    assert keep_since(cache.mark(), transactions=REMEMBERED) == "B"
    assert keep_since(cache.mark(), transactions=5, changes=LARGE - 1) == "B"


def filled(number: int, *, size: int) -> Change:
    """A document with so many bytes of text, in a list."""
    return documents.put("a", {"texts": [f"{number}".rjust(1_000)] * (size // 1_049)})


def test_large_changes_are_forgotten_before_small_ones_that_followed_them() -> None:
    cache = opened()
    before = cache.mark()
    project(cache, filled(0, size=BYTES // 2))
    between = cache.mark()
    project(cache, filled(1, size=BYTES // 2))
    project(cache, filled(2, size=BYTES // 4))
    cache.put("early", "early ", size=0, read_models=["notes"], sources=[B], since=before)
    cache.put("late", "late", size=0, read_models=["notes"], sources=[B], since=between)
    assert kept(cache, "early", "late") == "late"


def test_a_transaction_too_large_to_be_remembered_concerns_every_answer_and_displaces_no_other() -> None:
    cache = opened()
    before = cache.mark()
    project(cache, PRAISED)
    after = cache.mark()
    cache.put("b", "B", size=0, read_models=["notes"], sources=[B], since=before)
    assert kept(cache, "b") == "B"
    project(cache, filled(0, size=2 * BYTES))
    cache.put("late", "late", size=0, read_models=["notes"], sources=[B], since=after)
    assert kept(cache, "b", "late") == "B"


@pytest.mark.parametrize("size", [100, 10_000, 400_000, 2_000_000])
def test_remembered_changes_take_no_more_memory_than_is_stated(size: int) -> None:
    recent = RecentChanges()
    tracemalloc.start()
    try:
        for transaction in range(2 * REMEMBERED):
            texts = [f"{transaction} {number}".rjust(1_000) for number in range(size // 1_049)]
            changes = [documents.put(f"{number}", {"texts": [*texts]}) for number in range(5)]
            recent.begin([(change, (f"{number}",)) for number, change in enumerate(changes)])
            recent.end(transaction)
            del changes, texts
        assert tracemalloc.get_traced_memory()[0] < 1.2 * BYTES
    finally:
        tracemalloc.stop()


def test_a_change_of_very_many_documents_concerns_every_answer() -> None:
    cache = opened()
    before = cache.mark()
    project(cache, RENAMED, ids=[str(number) for number in range(LARGE)])
    cache.put("b", "B", size=0, read_models=["notes"], sources=[B], since=before)
    assert len(cache) == 0


def test_keeps_nothing_that_was_read_before_a_projector_began_anew() -> None:
    cache = opened()
    before = cache.mark()
    cache.changing(notes.name, [(PRAISED, "a")])
    cache.settled(notes.name)
    for since in (before, before + 1):
        cache.put("b", "B", size=0, read_models=["notes"], sources=[B], since=since)
    assert len(cache) == 0
    keep(cache, "a", A)
    assert len(cache) == 1


def test_a_change_that_was_tried_again_is_over_when_that_is() -> None:
    cache = opened()
    cache.changing(notes.name, [(PRAISED, "a")])
    project(cache, PRAISED)
    keep(cache, "a", A)
    assert kept(cache, "a") == "A"


ROOM = PER_ENTRY + bytes_of_source(A) + 100
"""Of an answer of 100 bytes that shows a document."""


def test_takes_no_more_than_its_room_and_lets_go_of_what_was_not_asked_for() -> None:
    cache = opened(3 * ROOM)
    for key in "abc":
        keep(cache, key, A, size=100)
    assert kept(cache, "a") == "A"
    keep(cache, "d", B, size=100)
    assert kept(cache, *"abcd") == "ACD"
    keep(cache, "e", B, size=1_000_000)
    assert kept(cache, *"abcde") == "ACD"
    assert cache.bytes == 3 * ROOM


def answers(number: int) -> Sequence[Source]:
    """What a listing of ten documents, chosen by a hundred texts, is made of."""
    texts = [f"{number} {each}" for each in range(100)]
    found = [{"_id": f"{number}-{each}"} for each in range(10)]
    return [listed(documents, {"topic": {"$in": texts}}, [("_id", 1)], found)]


@pytest.mark.parametrize(
    "sources",
    [
        lambda number: [],
        lambda number: [Source(documents, [f"{number}"])],
        answers,
        lambda number: [counted(documents, {"topic": f"{number} {each}"}) for each in range(20)],
    ],
    ids=["nothing", "a document", "a listing", "many counts"],
)
def test_an_answer_takes_no_more_than_is_counted(sources: Callable[[int], Sequence[Source]]) -> None:
    cache = opened(10**9)
    tracemalloc.start()
    try:
        for number in range(300):
            key = ("everyone", f"{{ number {number} }}", None, b"{}")
            value = b"%d" % number
            cache.put(
                key,
                value,
                size=bytes_of(key) + bytes_of(value),
                read_models=["notes"],
                sources=sources(number),
                since=cache.mark(),
            )
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.bytes / 3 < taken < cache.bytes


def test_keeps_no_trace_of_what_it_forgot() -> None:
    cache = opened(10 * PER_ENTRY)
    for number in range(1_000):
        keep(cache, f"{number % 20}", Source(documents, [f"{number}"]), ALL)
        if number % 7 == 0:
            project(cache, documents.put(f"{number}", {}))
    project(cache, RENAMED)
    assert (len(cache), cache.bytes) == (0, 0)
    assert held(cache._index) <= {documents.name}


def test_without_room_keeps_nothing() -> None:
    cache = opened(0)
    keep(cache, "a", A)
    assert len(cache) == 0
