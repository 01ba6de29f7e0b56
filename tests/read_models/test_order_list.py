from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.read_models.order_list import (
    OrderOrder,
    order_list,
    order_page,
    order_totals,
    orders_matching,
    rows,
)
from tests.read_models.conftest import Given
from tests.read_models.shop import (
    ADA,
    BOB,
    COFFEE,
    LATER_ORDER,
    OPENING,
    ORDER,
    TEA,
    customer_closed,
    customer_updated,
    line,
    moment,
    order_cancelled,
    order_paid,
    order_placed,
    order_shipped,
    usd,
)

PLACED = order_placed()
NEW_ROW = {
    "_id": str(ORDER),
    "position": 1,
    "version": 1,
    "customer_id": str(ADA),
    "customer_name": "Ada Lovelace",
    "status": "PLACED",
    "placed_at": OPENING,
    "product_ids": [str(TEA), str(COFFEE)],
    "line_count": 2,
    "units": 3,
    "shipping_fee": usd("4.50"),
    "total": usd("54.90"),
}


async def test_a_new_order_is_a_row(given: Given) -> None:
    await given(order_list, PLACED)
    assert await given.only(rows) == NEW_ROW


async def test_a_paid_order_is_shown_as_paid(given: Given) -> None:
    await given(order_list, PLACED, order_paid(PLACED))
    assert await given.only(rows) == {**NEW_ROW, "position": 2, "version": 2, "status": "PAID"}


async def test_a_shipped_order_is_shown_as_shipped(given: Given) -> None:
    await given(order_list, PLACED, order_paid(PLACED), order_shipped(PLACED))
    assert await given.only(rows) == {**NEW_ROW, "position": 3, "version": 3, "status": "SHIPPED"}


async def test_a_cancelled_order_keeps_its_row(given: Given) -> None:
    await given(order_list, PLACED, order_cancelled(PLACED))
    assert await given.only(rows) == {**NEW_ROW, "position": 2, "version": 2, "status": "CANCELLED"}


async def test_rows_show_the_customers_name_of_today(given: Given) -> None:
    await given(order_list, PLACED, customer_updated(name="Ada King"))
    assert await given.only(rows) == {**NEW_ROW, "position": 2, "customer_name": "Ada King"}


async def test_a_new_telephone_number_is_no_change_of_a_row(given: Given) -> None:
    await given(order_list, PLACED, customer_updated(name="Ada Lovelace", phone="+44 1"))
    assert await given.only(rows) == NEW_ROW


async def test_a_closed_customers_name_leaves_the_rows(given: Given) -> None:
    await given(order_list, PLACED, customer_closed())
    assert await given.only(rows) == {**NEW_ROW, "position": 2, "customer_name": None}


async def test_a_product_on_two_lines_is_named_once(given: Given) -> None:
    await given(order_list, order_placed(lines=[line(), line(COFFEE), line()]))
    assert (await given.only(rows))["product_ids"] == [str(TEA), str(COFFEE)]


CALLED_OFF = order_placed(LATER_ORDER, customer_id=BOB, lines=[line(total="100.00")], placed_at=moment(60))
ORDERS = (PLACED, order_paid(PLACED), CALLED_OFF, order_cancelled(CALLED_OFF))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {ORDER, LATER_ORDER}),
        ({"status": ["PAID", "SHIPPED"]}, {ORDER}),
        ({"status": []}, set()),
        ({"customer_id": str(BOB)}, {LATER_ORDER}),
        ({"product_id": str(TEA)}, {ORDER, LATER_ORDER}),
        ({"product_id": str(COFFEE)}, {ORDER}),
        ({"product_id": str(COFFEE), "status": ["PLACED", "CANCELLED"]}, set()),
        ({"placed_from": OPENING, "placed_to": moment(60)}, {ORDER}),
        ({"placed_from": moment(60)}, {LATER_ORDER}),
        ({"total_from": Decimal("54.9"), "total_to": Decimal("54.90")}, {ORDER}),
        ({"total_from": Decimal("54.91")}, {LATER_ORDER}),
        ({"status": ["PAID"], "customer_id": str(BOB)}, set()),
    ],
)
async def test_finds_orders(given: Given, asked: dict[str, Any], found: set[UUID]) -> None:
    await given(order_list, *ORDERS)
    documents = await given.store.find(rows, orders_matching(**asked))
    assert {document["_id"] for document in documents} == {str(id) for id in found}


@pytest.mark.parametrize(
    ("asked", "totals"),
    [
        ({}, (2, 5, "150.40", "9.00")),
        ({"status": ["PLACED", "PAID", "SHIPPED"]}, (1, 3, "50.40", "4.50")),
        ({"status": ["SHIPPED"]}, (0, 0, "0.00", "0.00")),
    ],
)
async def test_sums_up_what_the_filter_selects(
    given: Given, asked: dict[str, Any], totals: tuple[int, int, str, str]
) -> None:
    await given(order_list, *ORDERS)
    orders, units, revenue, fees = totals
    total = str(Decimal(revenue) + Decimal(fees))
    assert await given.store.aggregate(rows, order_totals(orders_matching(**asked))) == [
        {
            "orders": orders,
            "units": units,
            "revenue": usd(revenue),
            "shipping_fees": usd(fees),
            "total": usd(total),
        }
    ]


def test_lists_orders_in_an_order() -> None:
    assert order_page({}, OrderOrder.PLACED_AT, descending=True).order == ["-placed_at"]
    assert order_page({}, OrderOrder.TOTAL).order == ["total.amount"]
