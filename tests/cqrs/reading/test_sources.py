"""Which changes concern an answer: never too few of them, and few enough that most answers stay."""

import pytest

from app.cqrs.documents.read_model import Change
from app.cqrs.reading.choices import Choices
from app.cqrs.reading.sources import Choice, all_of, counted, listed, may_choose, reads_elsewhere
from tests.cqrs.notes import documents

PLAIN = {"topic": "plain"}
SHOWN = [{"_id": "a", "topic": "plain", "praise": 1}]


class Chosen:
    """An answer that was made by listing, counting or summing up."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._choices = Choices()
        self._choices.add(choice, "it")

    def concerned(self, change: Change) -> bool:
        """Whether a change concerns it: by itself, and as one of many."""
        concerned = may_choose(self._choice, change)
        assert concerned == bool(self._choices.concerned(change))
        return concerned


def chosen(kind: str, filter: dict[str, object]) -> Chosen:
    source = {
        "listed": listed(documents, filter, [("praise", -1)], SHOWN),
        "counted": counted(documents, filter),
        "summed up": all_of(documents),
    }[kind]
    assert source.choice
    return Chosen(source.choice)


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
    ("kind", "filter", "concerned"),
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
    kind: str, filter: dict[str, object], concerned: set[str]
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
    answer = chosen(kind, filter)
    assert {name for name, change in changes.items() if answer.concerned(change)} == concerned


@pytest.mark.parametrize("kind", ["listed", "counted", "summed up"])
@pytest.mark.parametrize("removed", [REMOVED, REMOVED_WITH_OTHERS], ids=["one", "many"])
def test_a_removal_concerns_all_that_was_chosen(kind: str, removed: Change) -> None:
    assert chosen(kind, {"topic": "plain"}).concerned(removed)


def test_a_text_that_a_list_may_hold_excludes_nothing() -> None:
    tagged, made = chosen("listed", {"tags": "tea"}), chosen("listed", {"maker.name": "Ivy"})
    assert tagged.concerned(documents.put("b", {"tags": ["tea", "green"]}))
    assert made.concerned(documents.put("b", {"maker": None}))
    assert made.concerned(documents.put("b", {"maker": {"name": "Ivy"}}))
    assert not made.concerned(documents.put("b", {"maker": {"name": "Ada"}}))


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
        assert chosen("listed", filter).concerned(documents.update("b", update))
    assert not chosen("counted", {"lines.sku": "TEA"}).concerned(PRAISED)


def test_an_aggregation_that_looks_elsewhere_is_told() -> None:
    joined = [{"$match": {}}, {"$facet": {"a": [{"$lookup": {"from": "others"}}]}}]
    assert reads_elsewhere(joined)
    assert not reads_elsewhere([{"$match": {"$or": [{"a": 1}]}}, {"$group": {"_id": "$topic"}}])


def test_an_answer_that_is_no_more_leaves_no_trace() -> None:
    choices = Choices()
    for filter in (PLAIN, {}, {"topic": {"$in": ["plain", "old"]}}):
        choice = listed(documents, filter, [], SHOWN).choice
        assert choice
        choices.add(choice, "key")
        assert len(choices) == 1
        choices.discard(choice, "key")
        assert (len(choices), choices.concerned(PUT_PLAIN), choices.concerned(MADE)) == (0, set(), set())
