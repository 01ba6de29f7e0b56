from decimal import Decimal
from typing import Any

import pytest

from app.cqrs.messages import Event
from app.cqrs.searching.entries import search_entries
from app.read_models.product_listing import (
    ProductOrder,
    facets,
    product_listing,
    product_page,
    products,
    products_matching,
)
from tests.read_models.conftest import Given
from tests.read_models.searching import all_found
from tests.read_models.shop import (
    COFFEE,
    LINES,
    TEA,
    line,
    moment,
    money,
    order_cancelled,
    order_placed,
    price_changed,
    product_added,
    product_discontinued,
    product_updated,
    stock_adjusted,
    stock_received,
    stock_released,
    stock_reserved,
    stock_shipped,
    usd,
)

NEW_TEA = {
    "_id": str(TEA),
    "position": 1,
    "version": 1,
    "stock_version": 0,
    "sku": "TEA-1",
    "name": "Green Tea",
    "sort_name": "green tea",
    "category": "Beverages",
    "description": "From Uji",
    "packaging": "20 bags",
    "price": usd("18.00"),
    "discontinued": False,
    "on_hand": 0,
    "reserved": 0,
    "available": 0,
    "in_stock": False,
    "units_sold": 0,
    **search_entries(codes=["TEA-1"], title=["Green Tea"], others=["Beverages", "From Uji"]),
    "added_at": moment(1),
}


async def test_a_new_product_has_no_stock_and_no_sales(given: Given) -> None:
    await given(product_listing, product_added())
    assert await given.only(products) == NEW_TEA


async def test_an_updated_product_is_described_and_found_anew(given: Given) -> None:
    await given(product_listing, product_added(), product_updated())
    assert await given.only(products) == {
        **NEW_TEA,
        "position": 2,
        "version": 2,
        "sku": "TEA-2",
        "name": "Thé vert",
        "sort_name": "the vert",
        "category": "Hot drinks",
        "description": "",
        "packaging": "25 bags",
        **search_entries(codes=["TEA-2"], title=["Thé vert"], others=["Hot drinks"]),
    }


async def test_shows_the_new_price(given: Given) -> None:
    await given(product_listing, product_added(), price_changed("19.50"))
    assert await given.only(products) == {**NEW_TEA, "position": 2, "version": 2, "price": usd("19.50")}


async def test_a_discontinued_product_stays_listed(given: Given) -> None:
    await given(product_listing, product_added(), product_discontinued())
    assert await given.only(products) == {**NEW_TEA, "position": 2, "version": 2, "discontinued": True}


@pytest.mark.parametrize(
    ("event", "on_hand", "reserved"),
    [
        (stock_received(5, on_hand=5), 5, 0),
        (stock_adjusted(-1, on_hand=4, reserved=2), 4, 2),
        (stock_reserved(3, on_hand=5, reserved=5), 5, 5),
        (stock_released(2, on_hand=5, reserved=1), 5, 1),
        (stock_shipped(2, on_hand=3, reserved=0), 3, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else str(value),
)
async def test_shows_what_is_in_stock_after(given: Given, event: Event, on_hand: int, reserved: int) -> None:
    await given(product_listing, product_added(), event)
    assert await given.only(products) == {
        **NEW_TEA,
        "position": 2,
        "stock_version": 1,
        "on_hand": on_hand,
        "reserved": reserved,
        "available": on_hand - reserved,
        "in_stock": on_hand > reserved,
    }


async def test_counts_what_is_sold_also_on_several_lines(given: Given) -> None:
    placed = order_placed(lines=[line(quantity=2), line(quantity=5)])
    [first, second] = await given(product_listing, product_added(), placed)
    assert await given.only(products) == {**NEW_TEA, "position": 2, "units_sold": 7}
    assert (first.position, second.position) == (1, 2), "one notice for an event and a document"


async def test_a_cancelled_order_was_not_sold(given: Given) -> None:
    placed = order_placed(lines=LINES)
    await given(product_listing, product_added(), placed, order_cancelled(placed))
    assert await given.only(products) == {**NEW_TEA, "position": 3}


CATALOG = (
    product_added(TEA, unit_price=money("18.00")),
    product_added(COFFEE, sku="COF-1", name="Café Crème", description="", unit_price=money("9.00")),
    stock_received(5, on_hand=5),
    product_discontinued(COFFEE),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {TEA, COFFEE}),
        ({"search": "CAFE cr"}, {COFFEE}),
        ({"search": "cafe tea"}, set()),
        *(({"search": wordless}, set()) for wordless in ("", " ", ".", "!!!", "^.*$ [(", "+", "\u0301")),
        *(({"search": symbol}, set()) for symbol in ("★", "😀", "C++", "c#")),
        ({"search": "Cafe\u0301"}, {COFFEE}),
        ({"search": "Caf\u00e9"}, {COFFEE}),
        ({"search": "cof-1, *cafe*"}, {COFFEE}),
        ({"categories": ["Beverages", "Other"]}, {TEA, COFFEE}),
        ({"categories": []}, set()),
        ({"price_from": Decimal("9.00"), "price_to": Decimal("17.99")}, {COFFEE}),
        ({"price_from": Decimal("9.01")}, {TEA}),
        ({"in_stock": True}, {TEA}),
        ({"in_stock": False}, {COFFEE}),
        ({"discontinued": False}, {TEA}),
        ({"search": "be", "discontinued": True, "in_stock": False}, {COFFEE}),
    ],
)
async def test_finds_products(given_to_search: Given, asked: dict[str, Any], found: set[Any]) -> None:
    given = given_to_search
    await given(product_listing, *CATALOG)
    filter = products_matching(**{name: value for name, value in asked.items() if name != "search"})
    listing = product_page(filter, ProductOrder.NAME, search=asked.get("search"))
    documents = await all_found(given.store, listing)
    assert {document["_id"] for document in documents} == {str(id) for id in found}


async def test_counts_categories_and_finds_the_price_range(given: Given) -> None:
    await given(product_listing, *CATALOG)
    [counted] = await given.store.aggregate(products, facets(products_matching()))
    assert counted["categories"] == [{"_id": "Beverages", "count": 2}]
    assert counted["range"] == [
        {"_id": None, "lowest": Decimal("9.00"), "highest": Decimal("18.00"), "in_stock": 1}
    ]


def test_lists_products_in_an_order() -> None:
    assert product_page({}, ProductOrder.PRICE).order == ["price.amount"]
    assert product_page({}, ProductOrder.BEST_SELLING, descending=True).order == ["-units_sold"]
    assert product_page({}, ProductOrder.RELEVANCE).order == ["relevance", "sort_name"]
