"""Which changes concern an answer: never too few of them, and few enough that most answers stay."""

import pytest

from app.cqrs.read_model import Change, Document
from app.cqrs.sources import Choice, Effect, all_of, counted, listed
from tests.cqrs.notes import documents

PLAIN = {"topic": "plain"}
SHOWN = [{"_id": "a", "topic": "plain", "praise": 1}]


def choice(kind: str, filter: dict[str, object]) -> Choice:
    """How an answer was chosen that was made by listing, counting or summing up."""
    source = {
        "listed": listed(documents, filter, [("praise", -1)], SHOWN),
        "counted": counted(documents, filter),
        "summed up": all_of(documents),
    }[kind]
    assert source.choice
    return source.choice


PUT_PLAIN, PUT_FANCY = (documents.put("b", {"topic": topic, "praise": 0}) for topic in ("plain", "fancy"))
MOVED = documents.update("b", {"$set": {"topic": "plain"}})
PRAISED = documents.update("b", {"$inc": {"praise": 1}})
WEIGHED = documents.update("b", {"$set": {"weight.net": 5}})
PACKED = documents.update("b", {"$set": {"weight.tare": 1}})
REPLACED = documents.update("b", {"$set": {"weight": {"net": 5}}})
MADE = documents.upsert("b", {"$set": {"weight": 5}})


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
    chosen = choice(kind, filter)
    assert {name for name, change in changes.items() if chosen.may_change_by(Effect(change))} == concerned


def may_change(chosen: Choice, document: Document) -> bool:
    return chosen.may_change_by(Effect(documents.put("b", document)))


def test_a_text_that_a_list_may_hold_excludes_nothing() -> None:
    chosen = choice("listed", {"tags": "tea", "maker.name": "Ivy"})
    assert may_change(chosen, {"tags": ["tea", "green"], "maker": {"name": "Ivy"}})
    assert may_change(chosen, {"tags": ["tea"], "maker": None})
    assert not may_change(chosen, {"tags": ["tea"], "maker": {"name": "Ada"}})
