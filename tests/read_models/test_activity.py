from typing import Any
from uuid import UUID

import pytest

from app.cqrs.log.events import SplitEvent, UnknownEvent
from app.cqrs.messages import Event
from app.cqrs.reading.pages import PageArguments
from app.read_models.activity import activity, activity_matching, entries
from tests.pages import read_page
from tests.read_models.conftest import Given, project
from tests.read_models.shop import (
    DETAILS,
    ORDER,
    TEA,
    customer_closed,
    customer_registered,
    customer_updated,
    line,
    moment,
    order_cancelled,
    order_paid,
    order_placed,
    order_shipped,
    price_changed,
    product_added,
    product_discontinued,
    product_updated,
    stock_adjusted,
    stock_received,
    stock_released,
    stock_reserved,
    stock_shipped,
)

PLACED = order_placed()


async def test_an_entry_says_who_did_what_when_and_by_which_command(given: Given) -> None:
    await given(activity, PLACED)
    assert await given.only(entries) == {
        "_id": str(UUID(int=1001)),
        "position": 1,
        "event_id": str(UUID(int=1001)),
        "type": "OrderPlaced",
        "subject_kind": "order",
        "subject_id": str(ORDER),
        "stream": f"order-{ORDER}",
        "stream_version": 1,
        "at": moment(1),
        "actor": "clerk",
        "actor_person": None,
        "command_id": str(UUID(int=2001)),
        "correlation_id": str(UUID(int=3001)),
        "causation_id": str(UUID(int=2001)),
        "summary": "Order placed: 2 lines, 54.90 USD",
    }


@pytest.mark.parametrize(
    ("event", "summary"),
    [
        (product_added(), "Product added: TEA-1 at 18.00 USD"),
        (product_updated(), "Product updated: TEA-2"),
        (price_changed("19.50"), "Price changed: from 18.00 USD to 19.50 USD"),
        (product_discontinued(), "Product discontinued"),
        (stock_received(24, on_hand=39), "Stock received: 24 units, 39 on hand"),
        (stock_adjusted(-3, on_hand=36), "Stock adjusted: -3 on hand, now 36"),
        (stock_reserved(1, on_hand=36, reserved=5), "Stock reserved: 1 unit, 5 of 36 reserved"),
        (stock_released(2, on_hand=36, reserved=3), "Stock released: 2 units, 3 of 36 reserved"),
        (stock_shipped(3, on_hand=33, reserved=0), "Stock shipped: 3 units, 33 on hand"),
        (customer_registered(), "Customer registered"),
        (customer_updated(name="Ada King"), "Customer updated"),
        (customer_closed(), "Customer closed"),
        (order_placed(lines=[line()]), "Order placed: 1 line, 36.90 USD"),
        (order_paid(PLACED), "Order paid"),
        (order_shipped(PLACED), "Order shipped"),
        (order_cancelled(PLACED), "Order cancelled: 2 lines, 54.90 USD"),
        (UnknownEvent(data='{"name":"Ada Lovelace"}'), "Unknown event"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_sums_an_event_up_without_naming_persons(given: Given, event: Event, summary: str) -> None:
    await given(activity, event)
    entry = await given.only(entries)
    assert entry["summary"] == summary
    assert not [value for value in entry.values() if DETAILS.name in str(value)]


async def test_each_part_of_an_event_that_was_split_is_an_entry(given: Given) -> None:
    [whole] = given.history.record(SplitEvent(events=(order_paid(PLACED), order_shipped(PLACED))))
    for _ in range(2):  # A rebuild makes the same entries.
        await given.store.clear(activity)
        await given.store.prepare(activity)
        await project(given.store, activity, [*whole.parts])
        summaries = [entry["summary"] for entry in await given.all(entries)]
        assert sorted(summaries) == ["Order paid", "Order shipped"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"streams": [f"product-{TEA}"]}, [3, 1]),
        ({"streams": [f"stock-{TEA}", f"product-{TEA}"]}, [5, 3, 1]),
        ({"streams": []}, []),
        ({"command_id": str(UUID(int=2002))}, [2]),
        ({"actor": "clerk"}, [5, 4, 3, 2, 1]),
        ({"actor": "nobody"}, []),
        ({"event_type": "OrderPlaced"}, [2]),
        ({"at_from": moment(2), "at_to": moment(4)}, [3, 2]),
        ({"at_from": moment(2), "at_to": moment(4), "streams": [f"product-{TEA}"]}, [3]),
    ],
)
async def test_finds_what_happened_newest_first(
    given: Given, asked: dict[str, Any], found: list[int]
) -> None:
    await given(
        activity,
        product_added(),
        PLACED,
        price_changed("19.50"),
        order_paid(PLACED),
        stock_received(1, on_hand=1),
    )
    page = await read_page(given.store, activity_matching(**asked), PageArguments())
    assert [document["position"] for document in page.documents] == found
