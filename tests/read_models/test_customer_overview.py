from typing import Any
from uuid import UUID

import pytest

from app.cqrs.searching.entries import NOT_FOUND, search_entries
from app.cqrs.searching.matches import matches
from app.cqrs.viewers import Scope, Sight
from app.domain.customers.events import CustomerDetails
from app.read_models.customer_overview import (
    CustomerOrder,
    customer_overview,
    customer_page,
    customers,
    customers_matching,
)
from tests.read_models.conftest import Given
from tests.read_models.searching import all_found, page
from tests.read_models.shop import (
    ADA,
    BOB,
    LATER_ORDER,
    OPENING,
    ORDER,
    customer_closed,
    customer_registered,
    customer_updated,
    moment,
    order_cancelled,
    order_placed,
    usd,
)

NEW_CUSTOMER = {
    "_id": str(ADA),
    "position": 1,
    "version": 1,
    "name": "Ada Lovelace",
    "company": "Analytical Engines",
    "email": "ada@engines.example",
    "email_key": "ada@engines.example",
    "phone": "+44 20 1843",
    "address": {
        "street": "12 St James's Square",
        "city": "London",
        "country": "UK",
        "region": None,
        "postal_code": None,
        "recipient": None,
    },
    "sort_name": "ada lovelace",
    **search_entries(
        codes=["ada@engines.example"],
        title=["Ada Lovelace", "Analytical Engines"],
        others=["London", "UK"],
        numbers=["+44 20 1843"],
    ),
    "closed": False,
    "registered_at": moment(1),
    "order_count": 0,
    "lifetime_spend": usd("0.00"),
    "last_order": None,
}
PLACED = order_placed(placed_at=moment(-60))
AFTER_ORDER = {
    **NEW_CUSTOMER,
    "position": 2,
    "order_count": 1,
    "lifetime_spend": usd("54.90"),
    "last_order": {"placed_at": moment(-60), "id": str(ORDER)},
}


@pytest.fixture
def given(given_to_search: Given) -> Given:
    return given_to_search


async def test_a_new_customer_has_not_ordered(given: Given) -> None:
    await given(customer_overview, customer_registered())
    assert await given.only(customers) == NEW_CUSTOMER


async def test_an_updated_customer_is_found_by_their_new_name(given: Given) -> None:
    await given(customer_overview, customer_registered(), customer_updated(name="Éva King"))
    assert await given.only(customers) == {
        **NEW_CUSTOMER,
        "position": 2,
        "version": 2,
        **dict.fromkeys(("company", "email", "email_key", "phone", "address")),
        "name": "Éva King",
        "sort_name": "eva king",
        **search_entries(title=["Éva King"]),
    }


async def test_a_closed_customer_leaves_only_figures(given: Given) -> None:
    await given(customer_overview, customer_registered(), PLACED, customer_closed())
    assert await given.only(customers) == {
        **AFTER_ORDER,
        "position": 3,
        "version": 2,
        **dict.fromkeys(("name", "company", "email", "email_key", "phone", "address")),
        "sort_name": "",
        **NOT_FOUND,
        "closed": True,
    }


async def test_an_order_counts_with_its_shipping_fee(given: Given) -> None:
    await given(customer_overview, customer_registered(), PLACED)
    assert await given.only(customers) == AFTER_ORDER


async def test_the_last_order_is_the_latest_placed_in_whatever_order_history_comes(given: Given) -> None:
    earlier = order_placed(LATER_ORDER, placed_at=OPENING.replace(year=1996))
    await given(customer_overview, customer_registered(), PLACED, earlier)
    assert await given.only(customers) == {
        **AFTER_ORDER,
        "position": 3,
        "order_count": 2,
        "lifetime_spend": usd("109.80"),
    }


async def test_of_orders_placed_at_the_same_moment_one_is_last(given: Given) -> None:
    twin = order_placed(LATER_ORDER, placed_at=moment(-60))
    await given(customer_overview, customer_registered(), twin, PLACED)
    assert (await given.only(customers))["last_order"] == {
        "placed_at": moment(-60),
        "id": str(LATER_ORDER),
    }


async def test_a_cancelled_order_no_longer_counts(given: Given) -> None:
    await given(customer_overview, customer_registered(), PLACED, order_cancelled(PLACED))
    assert await given.only(customers) == {
        **AFTER_ORDER,
        "position": 3,
        "order_count": 0,
        "lifetime_spend": usd("0.00"),
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {ADA, BOB}),
        ({"search": "LOVE ana"}, {ADA}),
        ({"search": "engines.ex"}, {ADA}),
        ({"search": "bób"}, set()),
        *(({"search": place}, {ADA}) for place in ("london", "UK", "Ada Lodnon", "lond love")),
        *(
            ({"search": phone}, {ADA})
            for phone in ("+44 20 1843", "(020) 1843", "201843", "1843", "0 20 1843")
        ),
        *(({"search": other}, set()) for other in ("20 1844", "843", "+44 20 18430", "st james", "paris")),
        ({"closed": True}, {BOB}),
        ({"search": "ada", "closed": True}, set()),
    ],
)
async def test_finds_customers(given: Given, asked: dict[str, Any], found: set[UUID]) -> None:
    bob = customer_registered(BOB, CustomerDetails(name="Bob"))
    await given(customer_overview, customer_registered(), bob, customer_closed(BOB))
    filter = customers_matching(closed=asked.get("closed"))
    documents = await all_found(
        given.store, customer_page(filter, CustomerOrder.NAME, search=asked.get("search"))
    )
    assert {document["_id"] for document in documents} == {str(id) for id in found}


def test_lists_customers_in_an_order() -> None:
    assert customer_page({}, CustomerOrder.NAME).order == ["sort_name"]
    assert customer_page({}, CustomerOrder.ORDERS, descending=True).order == ["-order_count"]
    assert customer_page({}, CustomerOrder.RELEVANCE).order == ["relevance", "sort_name"]


@pytest.mark.parametrize(
    ("search", "where"),
    [
        ("ada london", [("name", ["ada"]), ("email", ["ada"]), ("address", ["london"])]),
        ("20 1843", [("phone", ["1843", "20"])]),
        ("201843", [("phone", ["201843"])]),
    ],
)
async def test_says_where_a_customer_was_found(
    given: Given, search: str, where: list[tuple[str, list[str]]]
) -> None:
    await given(customer_overview, customer_registered())
    found = await page(given.store, customer_page({}, CustomerOrder.RELEVANCE, search=search))
    assert found.listing.search
    assert [list(matches(found.listing.search, each)) for each in found.documents] == [where]


async def test_customers_find_nobody_but_themselves_even_by_a_misspelt_word(given: Given) -> None:
    bob = customer_registered(BOB, CustomerDetails(name="Bob Lovelace", company="Kettles"))
    await given(customer_overview, customer_registered(), bob)
    theirs = Scope(Sight.CUSTOMER, str(ADA))
    for search, seen in {"lovelace": [ADA], "lovelaec": [ADA], "kettles": [], "ketles": []}.items():
        listing = customer_page({}, CustomerOrder.RELEVANCE, search=search)
        found = await page(given.store, listing, theirs)
        assert [each["_id"] for each in found.documents] == [str(id) for id in seen], search
        assert not (await page(given.store, listing, Scope(Sight.ANONYMOUS))).documents
