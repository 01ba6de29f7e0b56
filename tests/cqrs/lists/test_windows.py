"""What is kept of a list is what a read would show, after any changes that are applied to it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from bson import Decimal128
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Document
from app.cqrs.lists import windows
from app.cqrs.lists.windows import Window, limit
from app.cqrs.reading.pages import Listing
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import documents

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SIZE = 3


def invented(chance: Random) -> Document:
    """The fields of a document, some of types that only a store can compare."""
    return {
        "topic": chance.choice(["plain", "fancy", "Old", "ça"]),
        "tags": chance.choice([[], ["x"], ["x", "y"], "x"]),
        "praise": chance.choice([0, 1, 2, 3] * 5 + [None]),
        "is_new": chance.choice([True, False]),
        "price": {"amount": Decimal128(Decimal(chance.randint(0, 40)) / 2)},
        "at": NOON + timedelta(microseconds=chance.randint(0, 9_000)),
    }


def conditions(chance: Random) -> dict[str, Any]:
    bound, price = invented(chance), Decimal(chance.randint(0, 40)) / 2
    return chance.choice(
        [
            {},
            {"topic": bound["topic"]},
            {"topic": {"$in": ["plain", "Old"]}, "is_new": True},
            {"tags": "x"},
            {"tags": {"$in": ["y", "z"]}},
            {"price.amount": {"$gte": price, "$lt": price + 9}},
            {"at": {chance.choice(["$gt", "$gte", "$lt", "$lte"]): bound["at"]}},
            {"$and": [{"topic": "plain"}, {"at": {"$gte": bound["at"]}}]},
        ]
    )


@pytest.mark.parametrize("spare", [2, windows.SPARE])
async def test_documents_of_a_real_store_are_kept_as_it_would_show_them(
    mongo: AsyncIOMotorDatabase[Document],
    read_store: MongoReadStore,
    monkeypatch: pytest.MonkeyPatch,
    spare: int,
) -> None:
    monkeypatch.setattr(windows, "SPARE", spare)
    chance, met, stored = Random(spare), Counter[str](), mongo[documents.stored_as]
    listings = [
        Listing(documents, conditions(chance), [chance.choice(["", "-"]) + path])
        for path in ["praise", "price.amount", "at", "topic"] * 8
    ]

    async def read(listing: Listing) -> Sequence[Document]:
        return await read_store.find(documents, listing.filter, sort=listing.keys, limit=limit(SIZE))

    kept = [Window.of(each, each.filter, SIZE, await read(each)) for each in listings]
    for step in range(80):
        ids = [f"{chance.randrange(30):02}" for _ in range(chance.randint(1, 3))]
        for id in ids:
            if chance.random() < 0.3:
                await stored.delete_one({"_id": id})
            else:
                changed = {"_id": id, "position": step, **invented(chance)}
                await stored.replace_one({"_id": id}, changed, upsert=True)
        found = await read_store.get(documents, ids)
        for number, listing in enumerate(listings):
            window, fresh = kept[number].after({*ids}, found), await read(listing)
            met["read" if window is None else "kept"] += 1
            kept[number] = window = window or Window.of(listing, listing.filter, SIZE, fresh)
            assert list(window.documents)[: SIZE + 1] == list(fresh)[: SIZE + 1], listing
            assert list(window.documents) == list(fresh)[: len(window.documents)]
    assert met["kept"] > 4 * met["read"] > 0
