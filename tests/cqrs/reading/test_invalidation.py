"""Which changes concern an answer: never too few of them, and few enough that most answers stay."""

import pytest

from app.cqrs.documents.read_model import Change, Collection
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.sources import Source, all_of, counted, listed
from tests.cqrs.notes import documents
from tests.cqrs.reading.held import held

PLAIN: dict[str, object] = {"topic": "plain"}
SHOWN = [{"_id": "a", "topic": "plain", "praise": 1}]


class Answer:
    """An answer that was made by listing, counting or summing up."""

    def __init__(self, source: Source) -> None:
        self._index = InvalidationIndex()
        self._index.add("it", [source])

    def stale_after(self, change: Change) -> bool:
        """Return whether a change of a document makes it stale."""
        return bool(self._index.stale_after(change, [str(change.id)]))


def answer(kind: str, filter: dict[str, object]) -> Answer:
    return Answer(
        {
            "listed": listed(documents, filter, [("praise", -1)], SHOWN),
            "counted": counted(documents, filter),
            "summed up": all_of(documents),
        }[kind]
    )


PUT_PLAIN, PUT_FANCY = (documents.put("b", {"topic": topic, "praise": 0}) for topic in ("plain", "fancy"))
MOVED = documents.update("b", {"$set": {"topic": "plain"}})
PRAISED = documents.update("b", {"$inc": {"praise": 1}})
WEIGHED = documents.update("b", {"$set": {"weight.net": 5}})
PACKED = documents.update("b", {"$set": {"weight.tare": 1}})
REPLACED = documents.update("b", {"$set": {"weight": {"net": 5}}})
MADE = documents.upsert("b", {"$set": {"weight": 5}})
REMOVED = documents.delete("b")
REMOVED_WITH_OTHERS = documents.delete_where({"topic": "fancy"})


EVERY_CHANGE = {*("PUT_PLAIN", "PUT_FANCY", "MOVED", "PRAISED", "WEIGHED", "PACKED", "REPLACED", "MADE")}


@pytest.mark.parametrize(
    ("kind", "filter", "stale_after"),
    [
        ("listed", PLAIN, {"PUT_PLAIN", "MOVED", "PRAISED", "MADE"}),
        ("listed", {}, {"PUT_PLAIN", "PUT_FANCY", "PRAISED", "MADE"}),
        ("listed", {"topic": {"$in": ["plain", "old"]}}, {"PUT_PLAIN", "MOVED", "PRAISED", "MADE"}),
        (
            "listed",
            {"$and": [PLAIN, {"weight.net": 5}]},
            {"PUT_PLAIN", "MOVED", "PRAISED", "WEIGHED", "REPLACED", "MADE"},
        ),
        ("listed", {"$or": [PLAIN, {"x": 1}]}, {"PUT_PLAIN", "PUT_FANCY", "MOVED", "PRAISED", "MADE"}),
        ("listed", {"topic": {"$ne": "plain"}}, {"PUT_PLAIN", "PUT_FANCY", "MOVED", "PRAISED", "MADE"}),
        (
            "listed",
            {"position": {"$gt": 4}},
            EVERY_CHANGE,
        ),
        ("listed", {"$text": {}}, EVERY_CHANGE),
        ("counted", PLAIN, {"PUT_PLAIN", "PUT_FANCY", "MOVED", "MADE"}),
        ("summed up", {}, EVERY_CHANGE),
    ],
)
def test_a_change_of_what_was_not_shown_concerns_what_it_may_add_to_or_reorder(
    kind: str, filter: dict[str, object], stale_after: set[str]
) -> None:
    changes: dict[str, Change] = {
        "PUT_PLAIN": PUT_PLAIN,
        "PUT_FANCY": PUT_FANCY,
        "MOVED": MOVED,
        "PRAISED": PRAISED,
        "WEIGHED": WEIGHED,
        "PACKED": PACKED,
        "REPLACED": REPLACED,
        "MADE": MADE,
    }
    made = answer(kind, filter)
    assert {name for name, change in changes.items() if made.stale_after(change)} == stale_after


@pytest.mark.parametrize("kind", ["listed", "counted", "summed up"])
@pytest.mark.parametrize("removed", [REMOVED, REMOVED_WITH_OTHERS], ids=["one", "many"])
def test_a_removal_concerns_all_that_was_chosen(kind: str, removed: Change) -> None:
    assert answer(kind, {"topic": "plain"}).stale_after(removed)


def test_a_text_may_be_in_a_list_or_below_another_key() -> None:
    tagged, maker = answer("listed", {"tags": "tea"}), answer("listed", {"maker.name": "Ivy"})
    for tags in (["green", "tea"], ["green", None], [["tea"]], [{"tea": 1}], None):
        assert tagged.stale_after(documents.put("b", {"tags": tags}))
    for tags in (["green", "teas"], []):
        assert not tagged.stale_after(documents.put("b", {"tags": tags}))
    assert maker.stale_after(documents.put("b", {"maker": [{"name": "Ivy"}]}))
    assert maker.stale_after(documents.put("b", {"maker": None}))
    assert maker.stale_after(documents.put("b", {"maker": {"name": "Ivy"}}))
    assert not maker.stale_after(documents.put("b", {"maker": {"name": "Ada"}}))


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"lines.0.total": 1}},
        {"$inc": {"lines.$[].total": 1}},
        {"$inc": {"lines.$[line].total": 1}},
        {"$set": {"lines": []}},
        {"$rename": {"lines.sum": "lines.total"}},
        {"$unset": {"lines.total.amount": ""}},
    ],
    ids=str,
)
def test_what_decides_may_be_written_in_many_ways(update: dict[str, object]) -> None:
    filters: list[dict[str, object]] = [{"lines.total": {"$gt": 5}}, {"lines.2.total": 5}]
    for filter in filters:
        assert answer("listed", filter).stale_after(documents.update("b", update))
    assert not answer("counted", {"lines.sku": "TEA"}).stale_after(PRAISED)


def test_an_answer_that_is_no_more_leaves_no_trace() -> None:
    index = InvalidationIndex()
    for filter in (PLAIN, {}, {"topic": {"$in": ["plain", "old"]}}):
        sources = [listed(documents, filter, [], SHOWN), Source(documents, ["a", "b"])] * 2
        index.add("key", sources)
        assert index.stale_after(MADE, ids=None) == {"key"}
        index.discard("key", sources)
        assert index.stale_after(MADE, ids=None) == set()
        assert held(index) <= {documents.name, "topic"}


def test_answers_are_told_apart() -> None:
    index = InvalidationIndex()
    index.add("a", [Source(documents, ["a"])])
    index.add("both", [Source(documents, ["b"]), Source(documents, ["a"])])
    index.add("plain", [listed(documents, PLAIN, [], SHOWN)])
    index.add("elsewhere", [Source(Collection("others", "others_v1"), ["a", "b"])])
    index.add("nothing", [Source(documents, [])])
    assert index.stale_after(documents.update("b", {"$set": {"weight": 1}}), ["b"]) == {"both"}
    assert index.stale_after(PUT_PLAIN, ["c"]) == {"plain"}
    assert index.stale_after(PUT_FANCY, ["a", "c"]) == {"a", "both", "plain"}
    assert index.stale_after(PRAISED, None) == {"a", "both", "plain"}


@pytest.mark.parametrize(
    ("update", "known", "stale"),
    [
        ({"$set": {"topic": "plain"}}, {}, True),
        ({"$set": {"topic": "old"}}, {}, True),
        ({"$set": {"topic": "fancy"}}, {}, False),
        ({"$set": {"topic": "fancy", "praise": 1}}, {}, False),
        ({"$set": {"topic": None}}, {}, True),
        ({"$set": {"topic": ["fancy"]}}, {}, True),
        ({"$set": {"topic.name": "fancy"}}, {}, True),
        ({"$unset": {"topic": ""}}, {}, True),
        ({"$inc": {"praise": 1}}, {}, True),
        ({"$inc": {"praise": 1}}, {"topic": "plain"}, True),
        ({"$inc": {"praise": 1}}, {"topic": "fancy"}, False),
        ({"$inc": {"praise": 1}}, {"mood": "fancy"}, True),
        ({"$set": {"topic": "old"}}, {"topic": "fancy"}, True),
        ({"$unset": {"topic": ""}}, {"topic": "fancy"}, True),
        ({"$rename": {"mood": "topic"}}, {"topic": "fancy"}, True),
    ],
    ids=str,
)
def test_an_update_that_tells_a_documents_text_concerns_no_list_of_others(
    update: dict[str, object], known: dict[str, str], stale: bool
) -> None:
    listing = answer("listed", {"topic": {"$in": ["plain", "old"]}})
    assert listing.stale_after(documents.update("b", update, known=known)) is stale
    assert listing.stale_after(documents.update("a", update, known=known)), "it is shown"
    assert answer("counted", PLAIN).stale_after(documents.update("b", {"$set": {"topic": "fancy"}}))


def test_an_answer_with_two_lists_is_concerned_by_what_concerns_one_of_them() -> None:
    index = InvalidationIndex()
    sources = [listed(documents, {"topic": topic}, [], []) for topic in ("plain", "fancy")]
    index.add("both", [*sources, counted(documents, {"topic": "old"})])
    index.add("lists", sources)
    stale = {
        topic: index.stale_after(documents.update("b", {"$set": {"topic": topic}}), ["b"])
        for topic in ("plain", "fancy", "old")
    }
    assert stale == {"plain": {"both", "lists"}, "fancy": {"both", "lists"}, "old": {"both"}}
    index.discard("both", [*sources, counted(documents, {"topic": "old"})])
    index.discard("lists", sources)
    assert not index.stale_after(documents.update("b", {"$set": {"topic": "plain"}}), ["b"])
