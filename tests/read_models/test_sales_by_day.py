from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.cqrs.documents.days import Days
from app.cqrs.reading.pages import PageArguments
from app.read_models.order_list import order_list
from app.read_models.sales_by_day import (
    BestSellerOrder,
    CustomerSalesOrder,
    best_sellers,
    category_days,
    category_totals,
    customer_days,
    customer_totals,
    day_totals,
    days,
    days_between,
    month_totals,
    product_days,
    sales_by_day,
)
from tests.pages import read_page
from tests.read_models.conftest import Given
from tests.read_models.shop import (
    ADA,
    BOB,
    COFFEE,
    LATER_ORDER,
    TEA,
    line,
    order_cancelled,
    order_paid,
    order_placed,
    order_shipped,
    usd,
)

DAY = "2026-01-31"
PLACED = order_placed(lines=[line(), line(quantity=1, total="18.00"), line(COFFEE, total="40.00")])
NEW_DAY = {
    "_id": DAY,
    "position": 1,
    "day": DAY,
    "orders": 1,
    "units": 5,
    "revenue": usd("90.40"),
    "shipping_fees": usd("4.50"),
    "cancelled": 0,
    "shipped": 0,
}
BEVERAGES = {
    "_id": f"{DAY}|Beverages",
    "position": 1,
    "day": DAY,
    "category": "Beverages",
    "units": 5,
    "revenue": usd("90.40"),
}
TEA_SOLD = {
    "_id": f"{DAY}|{TEA}",
    "position": 1,
    "day": DAY,
    "product_id": str(TEA),
    "sku": "SKU-1",
    "title": "Product 1",
    "category": "Beverages",
    "units": 3,
    "revenue": usd("50.40"),
}
COFFEE_SOLD = {
    **TEA_SOLD,
    "_id": f"{DAY}|{COFFEE}",
    "product_id": str(COFFEE),
    "sku": "SKU-2",
    "title": "Product 2",
    "units": 2,
    "revenue": usd("40.00"),
}
TO_ADA = {
    "_id": f"{DAY}|{ADA}",
    "position": 1,
    "day": DAY,
    "customer_id": str(ADA),
    "orders": 1,
    "units": 5,
    "revenue": usd("90.40"),
    "shipping_fees": usd("4.50"),
}


async def test_an_order_counts_on_the_day_it_was_placed(given: Given) -> None:
    notices = await given(sales_by_day, PLACED)
    assert await given.only(days) == NEW_DAY
    assert await given.only(category_days) == BEVERAGES
    assert await given.all(product_days) == [TEA_SOLD, COFFEE_SOLD]
    assert await given.only(customer_days) == TO_ADA
    assert len(notices) == 5


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", DAY), ("Asia/Tokyo", "2026-02-01"), ("America/New_York", DAY)]
)
async def test_days_are_those_of_the_shops_time_zone(given: Given, zone: str, day: str) -> None:
    model = sales_by_day.in_days(Days(zone))
    in_tokyo = order_placed(placed_at=datetime(2026, 2, 1, 8, 59, tzinfo=timezone(timedelta(hours=9))))
    await given(model, in_tokyo, order_paid(in_tokyo), order_shipped(in_tokyo))
    own = next(each for each in model.collections if each.name == days.name)
    assert [(each["day"], each["shipped"]) for each in await given.all(own)] == [(day, 1)]
    assert await given.all(days) == (await given.all(own) if zone == "UTC" else [])


def test_another_time_zone_has_documents_of_its_own() -> None:
    assert sales_by_day.in_days(Days()) is sales_by_day
    assert order_list.in_days(Days("Asia/Tokyo")) is order_list
    keys = {sales_by_day.in_days(Days(zone)).key for zone in ("UTC", "Asia/Tokyo", "Europe/Berlin")}
    assert len(keys) == 3
    assert sales_by_day.in_days(Days("Asia/Tokyo")).key in keys


async def test_orders_of_a_day_add_up(given: Given) -> None:
    await given(sales_by_day, PLACED, order_placed(LATER_ORDER, lines=[line(COFFEE, total="1.10")]))
    assert await given.only(days) == {
        **NEW_DAY,
        "position": 2,
        "orders": 2,
        "units": 7,
        "revenue": usd("91.50"),
        "shipping_fees": usd("9.00"),
    }
    assert await given.only(category_days) == {
        **BEVERAGES,
        "position": 2,
        "units": 7,
        "revenue": usd("91.50"),
    }
    sold_again = {**COFFEE_SOLD, "position": 2, "units": 4, "revenue": usd("41.10")}
    assert await given.all(product_days) == [TEA_SOLD, sold_again]


async def test_a_cancelled_order_is_taken_back_from_its_day(given: Given) -> None:
    await given(sales_by_day, PLACED, order_cancelled(PLACED))
    nothing = {"position": 2, "units": 0, "revenue": usd("0.00")}
    assert await given.only(days) == {
        **NEW_DAY,
        **nothing,
        "orders": 0,
        "shipping_fees": usd("0.00"),
        "cancelled": 1,
    }
    assert await given.only(category_days) == {**BEVERAGES, **nothing}
    assert await given.all(product_days) == [{**TEA_SOLD, **nothing}, {**COFFEE_SOLD, **nothing}]
    assert await given.only(customer_days) == {
        **TO_ADA,
        **nothing,
        "orders": 0,
        "shipping_fees": usd("0.00"),
    }


async def test_a_shipped_order_counts_on_the_day_it_was_placed(given: Given) -> None:
    await given(sales_by_day, PLACED, order_paid(PLACED), order_shipped(PLACED))
    assert await given.only(days) == {**NEW_DAY, "position": 3, "shipped": 1}


@pytest.fixture
async def three_days(given: Given) -> Given:
    """Tea for 1.00, and coffee for 10.00 in a category of its own."""
    sold = {1: (9, 1), 2: (1, 1), 3: (0, 5)}
    placed = [
        order_placed(
            UUID(int=100 + day),
            lines=[
                *([line(quantity=tea, total=f"{tea}.00")] if tea else []),
                line(COFFEE, quantity=coffee, total=f"{coffee}0.00", category="Coffee"),
            ],
            shipping_fee="1.00",
            placed_at=datetime(2026, 3, day, tzinfo=UTC),
        )
        for day, (tea, coffee) in sold.items()
    ]
    await given(sales_by_day, *placed, order_cancelled(placed[2]))
    return given


MARCH_1, MARCH_2, MARCH_3 = (date(2026, 3, day) for day in (1, 2, 3))


@pytest.mark.parametrize(
    ("first", "last", "descending", "found"),
    [
        (None, None, False, [1, 2, 3]),
        (None, None, True, [3, 2, 1]),
        (MARCH_2, None, False, [2, 3]),
        (None, MARCH_2, False, [1, 2]),
        (MARCH_2, MARCH_2, False, [2]),
        (MARCH_3, MARCH_1, False, []),
    ],
)
async def test_lists_the_days_of_a_range(
    three_days: Given, first: date | None, last: date | None, descending: bool, found: list[int]
) -> None:
    listing = days_between(first, last, descending=descending)
    page = await read_page(three_days.store, listing, PageArguments())
    assert [document["day"] for document in page.documents] == [f"2026-03-0{day}" for day in found]


async def test_sums_up_the_days_of_a_range(three_days: Given) -> None:
    assert await three_days.store.aggregate(days, day_totals()) == [
        {
            "orders": 2,
            "units": 12,
            "revenue": usd("30.00"),
            "shipping_fees": usd("2.00"),
            "cancelled": 1,
            "shipped": 0,
        }
    ]


async def test_sums_up_nothing_to_zero(three_days: Given) -> None:
    assert await three_days.store.aggregate(days, day_totals(date(2030, 1, 1))) == [
        {
            "orders": 0,
            "units": 0,
            "revenue": usd("0.00"),
            "shipping_fees": usd("0.00"),
            "cancelled": 0,
            "shipped": 0,
        }
    ]


async def test_sums_up_by_category_the_highest_revenue_first(three_days: Given) -> None:
    assert await three_days.store.aggregate(category_days, category_totals()) == [
        {"category": "Coffee", "units": 2, "revenue": usd("20.00")},
        {"category": "Beverages", "units": 10, "revenue": usd("10.00")},
    ]
    assert await three_days.store.aggregate(category_days, category_totals(MARCH_3)) == []


@pytest.mark.parametrize(
    ("by", "first", "limit", "found"),
    [
        (BestSellerOrder.UNITS, None, 10, [(TEA, 10, "10.00"), (COFFEE, 2, "20.00")]),
        (BestSellerOrder.REVENUE, None, 10, [(COFFEE, 2, "20.00"), (TEA, 10, "10.00")]),
        (BestSellerOrder.UNITS, None, 1, [(TEA, 10, "10.00")]),
        (BestSellerOrder.UNITS, MARCH_3, 10, []),
    ],
)
async def test_finds_the_best_sellers(
    three_days: Given,
    by: BestSellerOrder,
    first: date | None,
    limit: int,
    found: list[tuple[object, int, str]],
) -> None:
    sold = await three_days.store.aggregate(product_days, best_sellers(first, limit=limit, by=by))
    assert [(one["product_id"], one["units"], one["revenue"]) for one in sold] == [
        (str(product), units, usd(revenue)) for product, units, revenue in found
    ]
    names = {"product_id", "sku", "title", "category", "units", "revenue"}
    assert all(set(one) == names for one in sold)


async def test_sums_up_by_month_the_newest_first(three_days: Given) -> None:
    await three_days(sales_by_day, order_placed(LATER_ORDER, placed_at=datetime(2025, 12, 31, tzinfo=UTC)))

    async def months(*within: date, limit: int = 10) -> list[tuple[object, ...]]:
        found = await three_days.store.aggregate(days, month_totals(*within, limit=limit))
        return [(each["month"], each["orders"], each["revenue"], each["cancelled"]) for each in found]

    march, december = ("2026-03-01", 2, usd("30.00"), 1), ("2025-12-01", 1, usd("50.40"), 0)
    assert await months() == [march, december]
    assert await months(limit=1) == [march]
    assert await months(date(2025, 1, 1), MARCH_1) == [("2026-03-01", 1, usd("19.00"), 0), december]
    assert await months(date(2027, 1, 1)) == []


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (CustomerSalesOrder.REVENUE, [(BOB, 1, 1, "99.00"), (ADA, 2, 12, "30.00")]),
        (CustomerSalesOrder.ORDERS, [(ADA, 2, 12, "30.00"), (BOB, 1, 1, "99.00")]),
        (CustomerSalesOrder.UNITS, [(ADA, 2, 12, "30.00"), (BOB, 1, 1, "99.00")]),
    ],
)
async def test_finds_the_customers_who_bought_most(
    three_days: Given, by: CustomerSalesOrder, found: list[tuple[UUID, int, int, str]]
) -> None:
    of_bob = order_placed(
        LATER_ORDER,
        customer_id=BOB,
        lines=[line(quantity=1, total="99.00")],
        placed_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    await three_days(sales_by_day, of_bob)
    best = await three_days.store.aggregate(customer_days, customer_totals(limit=5, by=by))
    assert [(each["customer_id"], each["orders"], each["units"], each["revenue"]) for each in best] == [
        (str(customer), orders, units, usd(revenue)) for customer, orders, units, revenue in found
    ]
    assert best[0]["shipping_fees"] in (usd("2.00"), usd("4.50"))
    assert len(await three_days.store.aggregate(customer_days, customer_totals(limit=1, by=by))) == 1
    assert await three_days.store.aggregate(customer_days, customer_totals(MARCH_3, limit=5)) == []
