from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.cqrs.documents.read_model import Document
from app.cqrs.messages import Event
from app.cqrs.reading.pages import PageArguments
from app.read_models.order_details import OrderOrder, order_details, orders, orders_of_customer
from app.values import PostalAddress
from tests.pages import read_page
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
FIRST_STEP = {"status": "PLACED", "at": OPENING, "actor": "clerk", "person": None}
NEW_ORDER: Document = {
    "_id": str(ORDER),
    "position": 1,
    "version": 1,
    "customer": {"id": str(ADA), "name": "Ada Lovelace", "company": "Analytical Engines"},
    "ship_to": {
        "street": "12 St James's Square",
        "city": "London",
        "country": "UK",
        "region": None,
        "postal_code": None,
        "recipient": None,
    },
    "lines": [
        {
            "product_id": str(TEA),
            "sku": "SKU-1",
            "title": "Product 1",
            "category": "Beverages",
            "packaging": "20 bags",
            "unit_price": usd("18.00"),
            "quantity": 2,
            "discount": Decimal("0.1"),
            "total": usd("32.40"),
        },
        {
            "product_id": str(COFFEE),
            "sku": "SKU-2",
            "title": "Product 2",
            "category": "Coffee",
            "packaging": "20 bags",
            "unit_price": usd("18.00"),
            "quantity": 1,
            "discount": Decimal(0),
            "total": usd("18.00"),
        },
    ],
    "units": 3,
    "subtotal": usd("50.40"),
    "shipping_fee": usd("4.50"),
    "total": usd("54.90"),
    "status": "PLACED",
    "placed_at": OPENING,
    "paid_at": None,
    "shipped_at": None,
    "cancelled_at": None,
    "cancel_reason": None,
    "timeline": [FIRST_STEP],
}


def step(status: str, position: int) -> dict[str, object]:
    return {"status": status, "at": moment(position), "actor": "clerk", "person": None}


async def test_a_new_order_shows_all_that_was_ordered(given: Given) -> None:
    await given(order_details, PLACED)
    assert await given.only(orders) == NEW_ORDER


async def test_a_paid_order_says_when(given: Given) -> None:
    await given(order_details, PLACED, order_paid(PLACED))
    assert await given.only(orders) == {
        **NEW_ORDER,
        "position": 2,
        "version": 2,
        "status": "PAID",
        "paid_at": moment(2),
        "timeline": [FIRST_STEP, step("PAID", 2)],
    }


async def test_a_shipped_order_has_its_whole_timeline(given: Given) -> None:
    await given(order_details, PLACED, order_paid(PLACED), order_shipped(PLACED))
    assert await given.only(orders) == {
        **NEW_ORDER,
        "position": 3,
        "version": 3,
        "status": "SHIPPED",
        "paid_at": moment(2),
        "shipped_at": moment(3),
        "timeline": [FIRST_STEP, step("PAID", 2), step("SHIPPED", 3)],
    }


async def test_a_cancelled_order_says_why_and_keeps_its_lines(given: Given) -> None:
    await given(order_details, PLACED, order_cancelled(PLACED))
    assert await given.only(orders) == {
        **NEW_ORDER,
        "position": 2,
        "version": 2,
        "status": "CANCELLED",
        "cancelled_at": moment(2),
        "cancel_reason": "changed my mind",
        "timeline": [FIRST_STEP, step("CANCELLED", 2)],
    }


async def test_shows_the_customers_name_of_today_and_the_address_of_then(given: Given) -> None:
    moved = customer_updated(name="Ada King", address=PostalAddress(street="1", city="Ockham", country="UK"))
    await given(order_details, PLACED, moved)
    assert await given.only(orders) == {
        **NEW_ORDER,
        "position": 2,
        "customer": {"id": str(ADA), "name": "Ada King", "company": None},
    }


async def test_a_closed_customer_leaves_their_orders(given: Given) -> None:
    await given(order_details, PLACED, customer_closed())
    assert await given.only(orders) == {
        **NEW_ORDER,
        "position": 2,
        "customer": {"id": str(ADA), "name": None, "company": None},
        "ship_to": None,
    }


async def test_a_new_telephone_number_is_no_change_of_an_order(given: Given) -> None:
    reached = customer_updated(name="Ada Lovelace", company="Analytical Engines", phone="+44 1")
    renamed = customer_updated(name="Ada Lovelace", company="Engines of Analysis")
    notices = await given(order_details, PLACED, reached, renamed)
    assert [(notice.event_type, notice.position) for notice in notices] == [
        ("OrderPlaced", 1),
        ("CustomerUpdated", 3),
    ]


async def test_another_customers_orders_stay_as_they_are(given: Given) -> None:
    others = (customer_closed(BOB), customer_updated(BOB, name="Robert"))
    assert not (await given(order_details, PLACED, *others))[1:]
    assert await given.only(orders) == NEW_ORDER


async def test_tells_those_who_follow_the_customer_of_every_change(given: Given) -> None:
    events: list[Event] = [PLACED, order_paid(PLACED), customer_updated(name="Ada King"), customer_closed()]
    notices = await given(order_details, *events)
    assert [(notice.position, notice.about) for notice in notices] == [
        (position, str(ADA)) for position in (1, 2, 3, 4)
    ]
    assert notices[1].fields == ("paid_at", "status", "timeline", "version")
    assert notices[3].fields == ("customer", "ship_to")


async def test_shows_the_times_that_were_stated(given: Given) -> None:
    paid, shipped = moment(-90), moment(-60)
    await given(order_details, PLACED, order_paid(PLACED, paid), order_shipped(PLACED, shipped))
    document = await given.only(orders)
    assert (document["paid_at"], document["shipped_at"]) == (paid, shipped)
    assert [step["at"] for step in document["timeline"]] == [OPENING, paid, shipped]


async def test_lists_a_customers_orders_newest_first(given: Given) -> None:
    later = order_placed(LATER_ORDER, placed_at=moment(9))
    of_bob = order_placed(BOB, customer_id=BOB)
    await given(order_details, later, of_bob, PLACED)
    page = await read_page(given.store, orders_of_customer(str(ADA)), PageArguments())
    assert [document["_id"] for document in page.documents] == [str(LATER_ORDER), str(ORDER)]


CHEAP = order_placed(LATER_ORDER, lines=[line(total="10.00")], placed_at=moment(60))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [LATER_ORDER, ORDER]),
        ({"descending": False}, [ORDER, LATER_ORDER]),
        ({"order": OrderOrder.TOTAL}, [ORDER, LATER_ORDER]),
        ({"order": OrderOrder.TOTAL, "descending": False}, [LATER_ORDER, ORDER]),
        ({"status": ["PAID", "SHIPPED"]}, [LATER_ORDER]),
        ({"status": []}, []),
        ({"product_id": str(TEA)}, [LATER_ORDER, ORDER]),
        ({"product_id": str(COFFEE)}, [ORDER]),
        ({"placed_from": OPENING, "placed_to": moment(60)}, [ORDER]),
        ({"total_from": Decimal("14.50"), "total_to": Decimal(50)}, [LATER_ORDER]),
        ({"status": ["PAID"], "product_id": str(COFFEE)}, []),
    ],
)
async def test_finds_and_sorts_a_customers_orders(
    given: Given, asked: dict[str, Any], found: list[UUID]
) -> None:
    await given(order_details, PLACED, CHEAP, order_placed(BOB, customer_id=BOB), order_paid(CHEAP))
    page = await read_page(given.store, orders_of_customer(str(ADA), **asked), PageArguments())
    assert [document["_id"] for document in page.documents] == [str(id) for id in found]
