"""A list is not read again for a new document that can't enter it, and is for every other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from bson import Decimal128
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Document
from app.cqrs.lists.entering import may_enter
from app.cqrs.reading.pages import Listing, Page, PageArguments, page_find, page_of
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import documents

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SIZE = 3


def last(page: Page) -> Document | None:
    return page.documents[-1] if page.has_next and page.documents else None


def page(listing: Listing, shown: Sequence[Document]) -> Page:
    return page_of(page_find(listing, PageArguments(first=SIZE)), shown)


def note(id: str, **fields: Any) -> Document:
    return {
        "_id": id,
        "topic": "plain",
        "tags": ["x"],
        "praise": 1,
        "price": {"amount": Decimal(5)},
        "at": NOON,
    } | fields


@pytest.mark.parametrize(
    ("filter", "order", "enters"),
    [
        ({}, ["praise"], True),
        ({"topic": "plain"}, ["praise"], True),
        ({"topic": "fancy"}, ["praise"], False),
        ({"topic": {"$in": ["fancy", "old"]}}, ["praise"], False),
        ({"tags": "y"}, ["praise"], False),
        ({"praise": {"$gte": 2}}, ["praise"], False),
        ({"$and": [{"topic": "plain"}, {"praise": {"$lt": 1}}]}, ["praise"], False),
        ({"$or": [{"topic": "fancy"}]}, ["praise"], True),
        ({"topic": {"$ne": "plain"}}, ["praise"], True),
        ({"praise": {"$gte": Decimal(2)}}, ["praise"], True),
        ({"weight": {"$gte": 2}}, ["praise"], True),
        ({"at": {"$lt": NOON + timedelta(microseconds=900)}}, ["praise"], False),
        ({"at": {"$gte": NOON + timedelta(microseconds=900)}}, ["praise"], True),
        ({"at": {"$gte": NOON.replace(tzinfo=None)}}, ["praise"], True),
        ({}, ["-praise"], False),
        ({}, ["weight"], True),
        ({}, ["at", "-praise"], False),
    ],
    ids=str,
)
def test_a_document_that_surely_does_not_match_or_comes_after_a_full_page_does_not_enter(
    filter: dict[str, Any], order: list[str], enters: bool
) -> None:
    listing = Listing(documents, filter, order)
    full = page(listing, [note(id, praise=9) for id in "efgh"])
    assert may_enter(listing, last(full), note("d", praise=1)) is enters


def test_a_document_enters_a_page_that_is_not_full_wherever_it_comes() -> None:
    listing = Listing(documents, {}, ["-praise"])
    assert may_enter(listing, last(page(listing, [note("e", praise=9)])), note("d"))
    assert may_enter(listing, last(page(listing, [])), note("d"))


async def test_no_page_of_a_real_store_changes_after_a_document_that_can_not_enter_it(
    mongo: AsyncIOMotorDatabase[Document], read_store: MongoReadStore
) -> None:
    chance, kept_out = Random(17), 0
    stored = mongo[documents.stored_as]

    def invented(id: int) -> Document:
        return note(
            f"{id:04}",
            topic=chance.choice(["plain", "fancy", "old"]),
            tags=chance.choice([[], ["x"], ["x", "y"], "x"]),
            praise=chance.choice([0, 1, 2, 3, None]),
            price={"amount": Decimal(chance.randint(0, 4)) / 2},
            at=NOON + timedelta(microseconds=chance.randint(0, 3_000)),
        )

    def condition() -> dict[str, Any]:
        [bound, other] = invented(0), invented(0)
        return chance.choice(
            [
                {},
                {"topic": bound["topic"]},
                {"topic": {"$in": [bound["topic"], other["topic"]]}},
                {"tags": "x"},
                {"praise": {chance.choice(["$gt", "$lte"]): bound["praise"]}},
                {"price.amount": {"$gte": bound["price"]["amount"]}},
                {"at": {chance.choice(["$gt", "$gte", "$lt", "$lte"]): bound["at"]}},
                {"$and": [{"topic": bound["topic"]}, {"at": {"$gte": other["at"]}}]},
            ]
        )

    listings = [
        Listing(documents, condition(), [chance.choice(["", "-"]) + path])
        for path in ["praise", "price.amount", "at", "topic"] * 10
    ]

    async def pages() -> list[Page]:
        finds = [page_find(each, PageArguments(first=SIZE)) for each in listings]
        return [
            page_of(each, await read_store.find(documents, each.filter, sort=each.sort, limit=each.limit))
            for each in finds
        ]

    before = await pages()
    for id in range(40):
        added = invented(chance.randrange(10_000) * 100 + id)
        price = {"amount": Decimal128(added["price"]["amount"])}
        await stored.insert_one({**added, "price": price, "position": id})
        after = await pages()
        for listing, old, new in zip(listings, before, after, strict=True):
            if not may_enter(listing, last(old), added):
                kept_out += 1
                assert [each["_id"] for each in old.documents] == [each["_id"] for each in new.documents]
                assert old.has_next == new.has_next
        before = after
    assert kept_out > 200
