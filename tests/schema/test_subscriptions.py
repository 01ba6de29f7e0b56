"""Subscriptions: the document now, then each new state, with a cursor to go on from."""

import asyncio
import json
from typing import Any

import pytest

from app.cqrs.live.notices import Notices
from tests.inprocess import Service
from tests.schema.client import Client, Stream
from tests.schema.shop import Shop

ORDER = """subscription ($id: ID!, $after: ConsistencyToken) {
    orderUpdated(id: $id, after: $after) { cursor lagged order { status version } } }"""
PRODUCT = """subscription ($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) { cursor lagged product { onHand reserved } } }"""
CUSTOMER = """subscription ($id: ID!, $after: ConsistencyToken) {
    customerOrdersUpdated(customerId: $id, after: $after) { cursor order { id status } } }"""
ALL = """subscription ($models: [ReadModelName!], $after: ConsistencyToken) {
    readModelUpdates(readModels: $models, after: $after) { __typename
        ... on DocumentChanged { cursor readModel documentType nodeId documentId position eventType
            changedFields fields collection }
        ... on Heartbeat { cursor freshness { readModel state eventsBehind } }
        ... on Lagged { cursor count }
        ... on Reset { cursor } } }"""


async def test_an_order_is_sent_as_it_is_and_then_in_each_new_state(client: Client, shop: Shop) -> None:
    order = await shop.order()
    async with client.subscribe(ORDER, {"id": order}) as updates:
        assert (await updates.next())["order"] == {"status": "PLACED", "version": 1}
        await client.mutate("payOrder", "", orderId=order)
        assert (await updates.next())["order"] == {"status": "PAID", "version": 2}
        await client.mutate("shipOrder", "", orderId=order)
        assert (await updates.next())["order"] == {"status": "SHIPPED", "version": 3}


async def test_a_subscription_to_what_is_not_there_yet_waits_for_it(client: Client, shop: Shop) -> None:
    customer = await shop.customer()
    async with client.subscribe(CUSTOMER, {"id": customer}) as updates:
        first, second = await shop.order(customer=customer), await shop.order(customer=customer)
        assert [(await updates.next())["order"]["id"] for _ in range(2)] == [first, second]
        await client.mutate("cancelOrder", "", orderId=first)
        assert (await updates.next())["order"] == {"id": first, "status": "CANCELLED"}


async def test_a_subscription_resumes_after_its_cursor_without_gap_or_double(
    client: Client, shop: Shop
) -> None:
    order = await shop.order()
    async with client.subscribe(ORDER, {"id": order}) as updates:
        cursor = (await updates.next())["cursor"]
    await client.mutate("payOrder", "order { status }", orderId=order)
    async with client.subscribe(ORDER, {"id": order, "after": cursor}) as updates:
        resumed = await updates.next()
        assert resumed["order"] == {"status": "PAID", "version": 2}
    async with client.subscribe(ORDER, {"id": order, "after": resumed["cursor"]}) as updates:
        await client.mutate("shipOrder", "", orderId=order)
        assert (await updates.next())["order"] == {"status": "SHIPPED", "version": 3}


async def test_a_customers_orders_resume_within_one_event_that_changed_several(
    client: Client, shop: Shop
) -> None:
    customer = await shop.customer()
    orders = [await shop.order(customer=customer) for _ in range(3)]
    async with client.subscribe(CUSTOMER, {"id": customer}) as updates:
        await _orders(updates, 3)
        await client.mutate("updateCustomer", "", customerId=customer, name="Renamed")
        first = await updates.next()
    async with client.subscribe(CUSTOMER, {"id": customer, "after": first["cursor"]}) as updates:
        rest = await _orders(updates, 2)
    assert sorted([first["order"]["id"], *rest]) == sorted(orders)


async def test_updates_begin_with_a_heartbeat_and_tell_of_each_changed_document(
    client: Client, shop: Shop
) -> None:
    async with client.subscribe(ALL, {"models": ["CUSTOMER_OVERVIEW"]}) as updates:
        start = await updates.next()
        assert start["__typename"] == "Heartbeat"
        assert start["freshness"] == [{"readModel": "CUSTOMER_OVERVIEW", "state": "LIVE", "eventsBehind": 0}]
        await shop.customer(name="Grace")
        changed = await _change(updates)
    assert changed["readModel"] == "CUSTOMER_OVERVIEW"
    assert changed["eventType"] == "CustomerRegistered"
    assert "name" in changed["fields"]


async def test_a_change_leads_to_the_node_that_shows_the_document(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=2, price="3.00")
    customer = await shop.customer()
    async with client.subscribe(ALL, {"after": client.seen}) as updates:
        order = await shop.order(product=product, customer=customer)
        changes = [await _change(updates) for _ in range(11)]
    leads = {(change["documentType"], change["eventType"]): change["nodeId"] for change in changes}
    assert leads["Product", "OrderPlaced"] == leads["Product", "StockReserved"] == product
    assert leads["Customer", "OrderPlaced"] == customer
    assert leads["Order", "OrderPlaced"] == order
    for type_name in ("SalesDay", "CategorySales", "ProductSales", "CustomerSales"):
        assert leads[type_name, "OrderPlaced"] is None, "which is no node"
    nodes = [change for change in changes if change["nodeId"]]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    found = (await client.send(query, {"ids": [change["nodeId"] for change in nodes]})).data["nodes"]
    assert found == [{"__typename": each["documentType"], "id": each["nodeId"]} for each in nodes]
    changed = {change["documentType"]: change["changedFields"] for change in changes}
    of_day = ["orders", "units", "revenue", "shippingFees", "cancelled", "shipped", "day"]
    assert changed["SalesDay"] == of_day
    assert changed["Customer"] == ["orderCount", "lifetimeSpend", "lastOrder", "position"]


async def test_a_change_names_fields_of_the_schema_and_none_that_it_does_not_show(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()
    async with client.subscribe(ALL, {"models": ["PRODUCT_LISTING"], "after": client.seen}) as updates:
        await client.mutate("updateProduct", "", productId=product, packaging="12 jars")
        described = await _change(updates)
        await client.mutate("receiveStock", "", productId=product, quantity=3)
        received = await _change(updates)
    names = ["sku", "name", "category", "description", "packaging", "version", "position"]
    assert described["changedFields"] == names
    assert {"sort_name", "words"} < set(described["fields"]), "the released field still has the store's names"
    assert received["changedFields"] == [
        "onHand",
        "reserved",
        "available",
        "inStock",
        "stockVersion",
        "position",
    ]


async def test_updates_of_all_read_models_resume_without_gap_or_double(
    service: Service, client: Client, shop: Shop
) -> None:
    product, customer = await shop.product(stock=5), await shop.customer()
    head = await service.circle.log.head()
    for progress in service.circle.progress.values():  # so that both begin at the same place
        await progress.wait_for(head, seconds=20)
    async with client.subscribe(ALL) as whole, client.subscribe(ALL) as broken:
        await whole.next()
        cursor = (await broken.next())["cursor"]
        await shop.order(customer=customer, product=product)
        expected = [await _change(whole) for _ in range(10)]
        part = [await _change(broken) for _ in range(4)]
        cursor = part[-1]["cursor"]
    async with client.subscribe(ALL, {"after": cursor}) as resumed:
        part += [await _change(resumed) for _ in range(6)]
    assert _keys(part) == _keys(expected)
    assert len({json.dumps(key) for key in _keys(expected)}) == 10


async def test_a_receipts_token_starts_the_updates_right_after_the_command(
    client: Client, shop: Shop
) -> None:
    customer = await shop.customer()
    updated = await client.mutate("updateCustomer", "customer { id }", customerId=customer, name="One")
    await client.mutate("updateCustomer", "customer { id }", customerId=customer, name="Two")
    after = {"models": ["CUSTOMER_OVERVIEW"], "after": updated["receipt"]["token"]}
    async with client.subscribe(ALL, after) as updates:
        change = await _change(updates)
    assert int(change["position"]) == int(updated["receipt"]["events"][0]["position"]) + 1


async def test_a_cursor_from_before_the_service_started_is_a_reset(service: Service) -> None:
    """What was announced before this process began is not kept."""
    begun = service.circle.progress["activity"].position
    assert begun > 0
    notices = Notices()
    notices.begin("activity", begun)
    assert notices.since({"activity": (begun - 1, "")}) is None


async def test_the_current_document_and_the_updates_join_while_writes_go_on(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()

    async def deliver() -> None:
        for _ in range(40):
            await client.mutate("receiveStock", "", productId=product, quantity=1)

    delivering = asyncio.create_task(deliver())
    async with client.subscribe(PRODUCT, {"id": product}) as updates:
        seen = [-1]
        while seen[-1] < 40:
            item = await updates.next()
            seen.append(item["product"]["onHand"])
    await delivering
    assert seen == sorted(set(seen)), "every state is newer than the one before"


async def test_a_subscription_begins_with_what_its_connections_token_stands_for(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()
    for units in range(1, 11):
        received = await client.mutate("receiveStock", "", productId=product, quantity=1)
        token = received["receipt"]["token"]
        async with client.subscribe(PRODUCT, {"id": product}, token=token) as updates:
            assert (await updates.next())["product"]["onHand"] == units


async def test_every_item_says_how_fresh_it_is_and_not_how_fresh_the_first_one_was(
    client: Client, shop: Shop
) -> None:
    order = await shop.order()
    async with client.subscribe(ORDER, {"id": order}) as updates:
        await updates.next()
        paid = await client.mutate("payOrder", "", orderId=order)
        [fresh] = (await updates.message())["payload"]["extensions"]["freshness"]
    assert fresh["readModel"] == "ORDER_DETAILS"
    assert int(fresh["position"]) >= int(paid["receipt"]["events"][0]["position"])


async def test_a_bad_cursor_is_an_error_and_not_a_silence(client: Client, shop: Shop) -> None:
    order = await shop.order()
    async with client.subscribe(ORDER, {"id": order, "after": "nonsense"}) as updates:
        message = await updates.message()
    errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    assert errors[0]["extensions"]["code"] == "BAD_TOKEN"


async def _orders(updates: Stream, count: int) -> list[str]:
    return [(await updates.next())["order"]["id"] for _ in range(count)]


async def _change(updates: Stream) -> dict[str, Any]:
    while (item := await updates.next())["__typename"] == "Heartbeat":
        pass
    assert item["__typename"] == "DocumentChanged", item
    change: dict[str, Any] = item
    return change


def _keys(changes: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return sorted((change["readModel"], change["documentId"], change["position"]) for change in changes)


SETUP = {
    'subscription { orderUpdated(id: "x") { cursor } }': ("BAD_ID", "orderUpdated", 16),
    'subscription { mine: productUpdated(id: "x") { cursor } }': ("BAD_ID", "mine", 16),
    'subscription { ... on Subscription { readModelUpdates(after: "x") { __typename } } }': (
        "BAD_TOKEN",
        "readModelUpdates",
        38,
    ),
    'subscription { ...f } fragment f on Subscription { customerOrdersUpdated(customerId: "") { cursor } }': (
        "BAD_ID",
        "customerOrdersUpdated",
        52,
    ),
}


@pytest.mark.parametrize("query", SETUP)
async def test_what_keeps_a_subscription_from_starting_has_a_place(client: Client, query: str) -> None:
    code, key, column = SETUP[query]
    async with client.subscribe(query) as updates:
        message = await updates.message()
    [error] = message["payload"]["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, [key])
    assert error["locations"] == [{"line": 1, "column": column}]


async def test_what_is_wrong_with_a_subscriptions_variables_is_no_fault_of_a_field(client: Client) -> None:
    query = "subscription ($id: ID!) { orderUpdated(id: $id) { cursor } }"
    async with client.subscribe(query, {"id": None}) as updates:
        message = await updates.message()
    assert message["type"] == "error" or "data" not in message["payload"]
    [error] = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "path" not in error
