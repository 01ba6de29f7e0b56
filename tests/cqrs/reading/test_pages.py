"""Pages over real documents: each document once, in order, whatever comes and goes meanwhile."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from app.cqrs.documents.read_model import Document
from app.cqrs.reading.pages import LONGEST_PAGE, BadPage, Listing, PageArguments, value_at
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import NoteRead, documents, notes, recorded
from tests.pages import read_page

ORDERS = (["weight"], ["-weight"], ["price.amount"], ["-at"], ["topic", "weight"], ["-topic", "-weight"])
seeds_and_orders = pytest.mark.parametrize(
    ("seed", "order"), list(enumerate(ORDERS)), ids=["+".join(order) for order in ORDERS]
)


def random_document(random: Random) -> Document:
    """Few different values, so that there are many ties."""
    return {
        "topic": random.choice(["", "a", "B", "é", "🍵"]),
        "weight": random.randrange(4),
        "price": {"amount": Decimal(random.randrange(5)) / 10},
        "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=random.randrange(5)),
    }


async def put(store: MongoReadStore, added: dict[str, Document]) -> None:
    start = (await store.checkpoint(notes)).position
    event = recorded(start + 1, NoteRead())
    changes = [(event, documents.put(id, document)) for id, document in added.items()]
    await store.apply(notes, changes, since=start, start=start, end=event)


@pytest.fixture
async def store(read_store: MongoReadStore) -> MongoReadStore:
    await read_store.prepare(notes)
    return read_store


async def all_in_order(store: MongoReadStore, listing: Listing) -> list[str]:
    """The ids by counting nothing and cutting nothing: one sorted find."""
    keys = [(path.removeprefix("-"), -1 if path.startswith("-") else 1) for path in listing.order]
    found = await store.find(listing.collection, listing.filter, sort=[*keys, ("_id", keys[-1][1])])
    return [document["_id"] for document in found]


@seeds_and_orders
async def test_pages_hold_each_document_once_in_both_directions(
    store: MongoReadStore, seed: int, order: list[str]
) -> None:
    random = Random(seed)
    await put(store, {str(number): random_document(random) for number in range(50)})
    listing = Listing(documents, {"weight": {"$gt": 0}}, order)
    expected = await all_in_order(store, listing)

    forward: list[str] = []
    arguments = PageArguments(first=7)
    while True:
        page = await read_page(store, listing, arguments)
        assert page.has_previous == bool(forward)
        forward += [document["_id"] for document in page.documents]
        if not page.has_next:
            break
        arguments = PageArguments(first=random.randint(1, 9), after=page.cursors[-1])
    assert forward == expected

    backward: list[str] = []
    arguments = PageArguments(last=7)
    while True:
        page = await read_page(store, listing, arguments)
        assert page.has_next == bool(backward)
        backward = [document["_id"] for document in page.documents] + backward
        if not page.has_previous:
            break
        arguments = PageArguments(last=random.randint(1, 9), before=page.cursors[0])
    assert backward == expected


@seeds_and_orders
async def test_pages_stay_in_place_while_documents_come(
    store: MongoReadStore, seed: int, order: list[str]
) -> None:
    random = Random(seed)
    await put(store, {str(number): random_document(random) for number in range(30)})
    listing = Listing(documents, {}, order)
    there_from_the_start = await all_in_order(store, listing)
    seen: list[str] = []
    cursor = None
    while True:
        page = await read_page(store, listing, PageArguments(first=4, after=cursor))
        seen += [document["_id"] for document in page.documents]
        if not page.has_next:
            break
        cursor = page.cursors[-1]
        await put(store, {f"late {len(seen)} {number}": random_document(random) for number in range(3)})
    assert [id for id in seen if not id.startswith("late")] == there_from_the_start
    assert len(seen) == len(set(seen))


async def test_a_cursor_stays_good_when_its_document_has_moved(store: MongoReadStore) -> None:
    await put(store, {"a": {"weight": 1}, "b": {"weight": 2}, "c": {"weight": 3}})
    listing = Listing(documents, {}, ["weight"])
    page = await read_page(store, listing, PageArguments(first=2))
    await put(store, {"b": {"weight": 9}})
    page = await read_page(store, listing, PageArguments(after=page.cursors[1]))
    assert [document["_id"] for document in page.documents] == ["c", "b"]


async def test_a_page_between_two_cursors(store: MongoReadStore) -> None:
    await put(store, {letter: {"weight": 1} for letter in "abcde"})
    listing = Listing(documents, {}, ["weight"])
    a, _, _, _, e = (await read_page(store, listing, PageArguments())).cursors
    for arguments, found in (
        (PageArguments(after=a, before=e), "bcd"),
        (PageArguments(first=2, after=a, before=e), "bc"),
        (PageArguments(last=2, after=a, before=e), "cd"),
        (PageArguments(first=0), ""),
        (PageArguments(last=0), ""),
        (PageArguments(after=e), ""),
    ):
        page = await read_page(store, listing, arguments)
        assert "".join(document["_id"] for document in page.documents) == found


async def test_a_page_knows_that_others_are_beyond_its_cursors(store: MongoReadStore) -> None:
    await put(store, {letter: {"weight": 1} for letter in "abcde"})
    listing = Listing(documents, {}, ["weight"])
    a, _, c, _, e = (await read_page(store, listing, PageArguments())).cursors
    for arguments, previous, following in (
        (PageArguments(), False, False),
        (PageArguments(first=2), False, True),
        (PageArguments(last=2), True, False),
        (PageArguments(before=c), False, True),
        (PageArguments(first=2, before=c), False, True),
        (PageArguments(first=1, before=c), False, True),
        (PageArguments(last=1, before=c), True, True),
        (PageArguments(last=2, before=c), False, True),
        (PageArguments(after=c), True, False),
        (PageArguments(last=2, after=c), True, False),
        (PageArguments(last=1, after=c), True, False),
        (PageArguments(first=1, after=c), True, True),
        (PageArguments(after=a, before=e), True, True),
        (PageArguments(last=9, after=a, before=e), True, True),
        (PageArguments(before=a), False, True),
        (PageArguments(last=1, after=e), True, False),
    ):
        page = await read_page(store, listing, arguments)
        assert (page.has_previous, page.has_next) == (previous, following), arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (PageArguments(first=1, last=1), "Give first or last, not both."),
        (PageArguments(first=-1), f"first and last take 0 to {LONGEST_PAGE}, not -1."),
        (PageArguments(last=LONGEST_PAGE + 1), f"first and last take 0 to {LONGEST_PAGE}, not 101."),
    ],
)
def test_refuses_arguments_that_make_no_sense(arguments: PageArguments, message: str) -> None:
    with pytest.raises(BadPage) as refusal:
        _ = arguments.size
    assert str(refusal.value) == message


def cursor_of(order: Any, values: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((order, values))).rstrip(b"=").decode()


TIE = ("s", "a")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "ünïcode",
        "=" * 9,
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        cursor_of(["weight"], "no list"),
        cursor_of(["weight"], [("x", "1"), TIE]),
        cursor_of(["weight"], [("i", "None"), TIE]),
        cursor_of(["weight"], [("i", str(2**63)), TIE]),
        cursor_of(["weight"], [("i", "9" * 5000), TIE]),
        cursor_of(["weight"], [("i", "+1"), TIE]),
        cursor_of(["weight"], [("i", "1_000"), TIE]),
        cursor_of(["weight"], [("i", "٣"), TIE]),
        cursor_of(["weight"], [("d", "1_0.5"), TIE]),
        cursor_of(["weight"], [("t", "2026-01-31"), TIE]),
        cursor_of(["weight"], [("d", "many"), TIE]),
        cursor_of(["weight"], [("d", "1e9999"), TIE]),
        cursor_of(["weight"], [("d", "1." + "3" * 40), TIE]),
        cursor_of(["weight"], [("t", "yesterday"), TIE]),
        cursor_of(["weight"], [("t", "0001-01-01T00:00:00+14:00"), TIE]),
    ],
)
async def test_refuses_what_is_no_cursor(store: MongoReadStore, cursor: str) -> None:
    with pytest.raises(BadPage, match="This is not a cursor"):
        await read_page(store, Listing(documents, {}, ["weight"]), PageArguments(after=cursor))


@pytest.mark.parametrize(
    "cursor",
    [cursor_of(["-weight"], [("i", "1"), TIE]), cursor_of(["weight"], [TIE]), cursor_of([], [])],
)
async def test_refuses_a_cursor_of_another_order(store: MongoReadStore, cursor: str) -> None:
    with pytest.raises(BadPage, match="another order"):
        await read_page(store, Listing(documents, {}, ["weight"]), PageArguments(before=cursor))


@pytest.mark.parametrize(
    "value", [("s", "text"), ("d", "NaN"), ("d", "sNaN"), ("d", "-Infinity"), ("s", "\0")]
)
async def test_a_forged_cursor_finds_documents_or_none(store: MongoReadStore, value: tuple[str, str]) -> None:
    await put(store, {"a": {"weight": 1}})
    cursor = cursor_of(["weight"], [value, TIE])
    page = await read_page(store, Listing(documents, {}, ["weight"]), PageArguments(after=cursor))
    assert len(page.documents) <= 1


def test_reads_a_value_at_a_path() -> None:
    assert value_at({"price": {"amount": 3}}, "price.amount") == 3
