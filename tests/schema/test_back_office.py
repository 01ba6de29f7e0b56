"""The back office's queries: orders, customers, sales and the audit trail."""

from typing import Any
from uuid import uuid4

import pytest

from schema.circle.ids import global_id
from tests.schema.client import Client
from tests.schema.shop import Shop


@pytest.fixture
async def history(client: Client, shop: Shop) -> dict[str, str]:
    """A customer with three orders of long ago: one shipped, one paid, one cancelled."""
    customer, category = await shop.customer(name=f"Old {uuid4()}"), f"Antiques {uuid4()}"
    vase = await shop.product(name="Vase", price="10.00", stock=100, category=category)
    lamp = await shop.product(name="Lamp", price="40.00", stock=100, category=category)
    known = {"customer": customer, "category": category, "vase": vase, "lamp": lamp}
    for name, day, lines in (
        ("shipped", "1950-03-01T23:30:00.000-01:00", [(vase, 2), (lamp, 1)]),
        ("paid", "1950-03-01T12:00:00.000Z", [(vase, 3)]),
        ("cancelled", "1950-03-03T12:00:00.000Z", [(lamp, 9)]),
    ):
        placed = await client.mutate(
            "placeOrder",
            "order { id }",
            customerId=customer,
            lines=[{"productId": product, "quantity": quantity} for product, quantity in lines],
            shippingFee={"amount": "5"},
            placedAt=day,
        )
        known[name] = placed["order"]["id"]
    for step, name in (("pay", "shipped"), ("ship", "shipped"), ("pay", "paid"), ("cancel", "cancelled")):
        done = await client.mutate(f"{step}Order", "", orderId=known[name])
        assert done["errors"] == []
        known["token"] = done["receipt"]["token"]
    return known


async def test_orders_are_filtered_sorted_and_summed_up(client: Client, history: dict[str, str]) -> None:
    query = """query ($filter: OrderFilter, $orderBy: OrderSort, $atLeast: [ConsistencyToken!]) {
        orders(filter: $filter, orderBy: $orderBy, atLeast: $atLeast) {
            nodes { orderId status customerId customerName lineCount units total { amount } }
            totals { orders units revenue { amount } shippingFees { amount } } totalCount } }"""
    keys = {history[name]: name for name in ("shipped", "paid", "cancelled")}

    async def found(order: dict[str, str] | None = None, **asked: Any) -> tuple[list[str], Any]:
        variables = {
            "filter": {"customerId": history["customer"], **asked},
            "orderBy": order,
            "atLeast": [history["token"]],
        }
        connection = (await client.send(query, variables)).data["orders"]
        assert connection["totalCount"] == connection["totals"]["orders"] == len(connection["nodes"])
        return [keys[node["orderId"]] for node in connection["nodes"]], connection

    everything, whole = await found()
    assert everything == ["cancelled", "shipped", "paid"]
    assert whole["totals"]["revenue"]["amount"] == "450.00"
    assert whole["totals"]["shippingFees"]["amount"] == "15.00"
    assert whole["totals"]["units"] == "15"
    assert whole["nodes"][1]["total"]["amount"] == "65.00"
    for asked, expected in (
        ({"status": ["SHIPPED", "PAID"]}, ["shipped", "paid"]),
        ({"status": []}, []),
        ({"productId": history["lamp"]}, ["cancelled", "shipped"]),
        ({"productId": history["lamp"], "status": ["SHIPPED", "PAID"]}, ["shipped"]),
        ({"placedFrom": "1950-03-02T00:30:00.000Z"}, ["cancelled", "shipped"]),
        ({"placedTo": "1950-03-02T00:30:00.000Z"}, ["paid"]),
        ({"totalFrom": "35", "totalTo": "65.00"}, ["shipped", "paid"]),
        ({"totalFrom": "365.01"}, []),
        ({"status": ["CANCELLED"], "totalFrom": "65.01"}, ["cancelled"]),
    ):
        assert (await found(**asked))[0] == expected, asked
    for field, rising in (
        ("TOTAL", ["paid", "shipped", "cancelled"]),
        ("PLACED_AT", ["paid", "shipped", "cancelled"]),
    ):
        assert (await found({"field": field}))[0] == rising
        assert (await found({"field": field, "direction": "DESC"}))[0] == rising[::-1]


async def test_a_customer_shows_their_figures_and_orders(client: Client, history: dict[str, str]) -> None:
    query = """query ($id: ID!, $first: Int, $after: String) { customer(id: $id) {
        orderCount lifetimeSpend { amount } lastOrder { orderId placedAt }
        orders(first: $first, after: $after) {
            nodes { id lines { title } timeline { status } } pageInfo { endCursor } } } }"""
    customer = (await client.send(query, {"id": history["customer"]}, token=history["token"])).data[
        "customer"
    ]
    assert (customer["orderCount"], customer["lifetimeSpend"]["amount"]) == (2, "100.00")
    assert customer["lastOrder"]["orderId"] == history["cancelled"]
    assert [node["id"] for node in customer["orders"]["nodes"]] == [
        history[name] for name in ("cancelled", "shipped", "paid")
    ]
    steps = [step["status"] for step in customer["orders"]["nodes"][1]["timeline"]]
    assert steps == ["PLACED", "PAID", "SHIPPED"]
    page: dict[str, Any] = {"id": history["customer"], "first": 2}
    start = (await client.send(query, page)).data["customer"]["orders"]
    rest = (await client.send(query, page | {"after": start["pageInfo"]["endCursor"]})).data["customer"][
        "orders"
    ]
    assert [node["id"] for node in rest["nodes"]] == [history["paid"]]


async def test_a_customers_orders_are_filtered_and_sorted(client: Client, history: dict[str, str]) -> None:
    query = """query ($id: ID!, $filter: CustomerOrderFilter, $orderBy: OrderSort, $after: String) {
        customer(id: $id) { orders(filter: $filter, orderBy: $orderBy, first: 2, after: $after) {
            nodes { id } totalCount pageInfo { endCursor } } } }"""
    keys = {history[name]: name for name in ("shipped", "paid", "cancelled")}

    async def found(**asked: Any) -> Any:
        variables = {"id": history["customer"], **asked}
        customer = (await client.send(query, variables, token=history["token"])).data["customer"]
        orders = customer["orders"]
        return [keys[each["id"]] for each in orders["nodes"]], orders["totalCount"], orders["pageInfo"]

    for asked, expected in (
        ({"status": ["SHIPPED", "PAID"]}, ["shipped", "paid"]),
        ({"productId": history["lamp"]}, ["cancelled", "shipped"]),
        ({"placedTo": "1950-03-02T00:30:00.000Z"}, ["paid"]),
        ({"totalFrom": "35.01", "status": None}, ["cancelled", "shipped"]),
        ({"status": []}, []),
    ):
        assert (await found(filter=asked))[:2] == (expected, len(expected)), asked
    by_total = {"field": "TOTAL"}
    first, count, page = await found(orderBy=by_total)
    assert (first, count) == (["paid", "shipped"], 3)
    assert (await found(orderBy=by_total, after=page["endCursor"]))[0] == ["cancelled"]
    other_order = {"id": history["customer"], "after": page["endCursor"]}
    assert (await client.send(query, other_order)).codes == ["BAD_PAGE"]
    for wrong, code in (
        ({"productId": history["customer"]}, "BAD_ID"),
        ({"totalFrom": "2", "totalTo": "1"}, "BAD_USER_INPUT"),
    ):
        answer = await client.send(query, {"id": history["customer"], "filter": wrong})
        assert answer.codes == [code], answer.body


async def test_an_orders_history_is_imported_whole(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product(stock=2)
    steps = {
        "placed": "1950-05-01T08:00:00.000Z",
        "paid": "1950-05-02T08:00:00.123Z",
        "shipped": "1950-05-03T08:00:00.000Z",
    }
    placed = await client.mutate(
        "placeOrder",
        "order { id }",
        customerId=customer,
        lines=[{"productId": product, "quantity": 1}],
        placedAt=steps["placed"],
    )
    order = placed["order"]["id"]
    too_early = await client.mutate("payOrder", "", orderId=order, paidAt="1950-05-01T07:59:59.999Z")
    [error] = too_early["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "paidAt"])
    assert "must not be before 1950-05-01T08:00:00.000Z, when the order was placed" in error["message"]
    await client.mutate("payOrder", "", orderId=order, paidAt=steps["paid"])
    shown = "order { placedAt paidAt shippedAt timeline { at status } }"
    shipped = (await client.mutate("shipOrder", shown, orderId=order, shippedAt=steps["shipped"]))["order"]
    assert [shipped[f"{name}At"] for name in steps] == [*steps.values()]
    assert [step["at"] for step in shipped["timeline"]] == [*steps.values()]
    other = await shop.order(customer=customer, product=product)
    cancelled = await client.mutate("cancelOrder", "", orderId=other, cancelledAt="1950-05-04T08:00:00.000Z")
    assert cancelled["errors"][0]["path"] == ["input", "cancelledAt"]


async def test_customers_are_found_and_sorted(client: Client, history: dict[str, str], shop: Shop) -> None:
    query = """query ($filter: CustomerFilter, $orderBy: CustomerSort) {
        customers(filter: $filter, orderBy: $orderBy) { totalCount nodes { id name } } }"""
    company = f"Firm {uuid4()}"
    first, second = [await shop.customer(name=name, company=company) for name in ("Zoë", "Ähnlich")]
    assert (await client.mutate("updateCustomer", "customer { id }", customerId=first, phone="1"))["customer"]

    async def found(order: str, direction: str) -> list[str]:
        variables = {"filter": {"search": company}, "orderBy": {"field": order, "direction": direction}}
        return [node["name"] for node in (await client.send(query, variables)).data["customers"]["nodes"]]

    for field in ("NAME", "REGISTERED_AT", "LIFETIME_SPEND", "ORDERS"):
        assert sorted(await found(field, "ASC")) == sorted(await found(field, "DESC")) == ["Zoë", "Ähnlich"]
    assert await found("NAME", "ASC") == ["Ähnlich", "Zoë"]
    assert await found("REGISTERED_AT", "DESC") == ["Ähnlich", "Zoë"]
    await client.mutate("closeCustomer", "customer { id }", customerId=second)
    open_ones = {"filter": {"search": company, "closed": False}}
    assert [node["id"] for node in (await client.send(query, open_ones)).data["customers"]["nodes"]] == [
        first
    ]
    assert (await client.send(query, {"filter": {"search": company, "closed": True}})).data["customers"] == {
        "totalCount": 0,
        "nodes": [],
    }


async def test_sales_are_summed_by_day_month_category_customer_and_product(
    client: Client, shop: Shop
) -> None:
    category, customer = f"Sold {uuid4()}", await shop.customer()
    cheap = await shop.product(name="Cheap", price="1.00", stock=50, category=category)
    dear = await shop.product(name="Dear", price="100.00", stock=50, category=category)
    for day, product, quantity in (("01", cheap, 5), ("02", dear, 1), ("04", cheap, 2)):
        placed = await client.mutate(
            "placeOrder",
            "order { id }",
            customerId=customer,
            lines=[{"productId": product, "quantity": quantity}],
            shippingFee={"amount": "1"},
            placedAt=f"1931-07-{day}T12:00:00.000Z",
        )
    await client.mutate("cancelOrder", "order { id }", orderId=placed["order"]["id"])
    query = """query ($first: Date, $last: Date, $by: BestSellerOrder!) {
        sales(firstDay: $first, lastDay: $last) {
        total { orders units revenue { amount } shippingFees { amount } cancelled shipped }
        byDay { nodes { day orders cancelled } totalCount }
        byMonth(first: 2) { month orders cancelled revenue { amount } }
        byCustomer(first: 1) { customerId customer { name } orders units revenue { amount } }
        byCategory { category units revenue { amount } }
        bestSellers(by: $by, first: 1) { title sku productId units } } }"""
    july = {"first": "1931-07-01", "last": "1931-07-31"}
    sales = (await client.send(query, {**july, "by": "UNITS"})).data["sales"]
    assert sales["total"] == {
        "orders": 2,
        "units": "6",
        "revenue": {"amount": "105.00"},
        "shippingFees": {"amount": "2.00"},
        "cancelled": 1,
        "shipped": 0,
    }
    assert sales["byDay"]["nodes"] == [
        {"day": "1931-07-01", "orders": 1, "cancelled": 0},
        {"day": "1931-07-02", "orders": 1, "cancelled": 0},
        {"day": "1931-07-04", "orders": 0, "cancelled": 1},
    ]
    assert sales["byMonth"] == [
        {"month": "1931-07-01", "orders": 2, "cancelled": 1, "revenue": {"amount": "105.00"}}
    ]
    assert sales["byCustomer"] == [
        {
            "customerId": customer,
            "customer": {"name": "Ada"},
            "orders": 2,
            "units": "6",
            "revenue": {"amount": "105.00"},
        }
    ]
    assert sales["byCategory"] == [{"category": category, "units": "6", "revenue": {"amount": "105.00"}}]
    assert [each["productId"] for each in sales["bestSellers"]] == [cheap]
    by_revenue = (await client.send(query, {**july, "by": "REVENUE"})).data["sales"]
    assert [each["title"] for each in by_revenue["bestSellers"]] == ["Dear"]
    one_day = {"first": "1931-07-02", "last": "1931-07-02", "by": "UNITS"}
    assert (await client.send(query, one_day)).data["sales"]["total"]["revenue"]["amount"] == "100.00"
    never = (await client.send(query, {"first": "1931-07-31", "last": "1931-07-31", "by": "UNITS"})).data[
        "sales"
    ]
    assert (never["total"]["orders"], never["total"]["revenue"]["amount"], never["byDay"]["nodes"]) == (
        0,
        "0.00",
        [],
    )


async def test_the_activity_is_found_by_whom_what_which_and_when(client: Client, shop: Shop) -> None:
    query = """query ($filter: ActivityFilter, $atLeast: [ConsistencyToken!]) {
        activity(filter: $filter, atLeast: $atLeast) {
            nodes { id type subject actor at commandId stream streamVersion summary position } } }"""
    product = await shop.product(stock=1, name="Tracked")
    order = await shop.order(product=product)
    paid = await client.mutate("payOrder", "", orderId=order)

    async def found(**filter: Any) -> list[dict[str, Any]]:
        variables = {"filter": filter, "atLeast": [paid["receipt"]["token"]]}
        nodes: list[dict[str, Any]] = (await client.send(query, variables)).data["activity"]["nodes"]
        return nodes

    steps = await found(subject=order)
    assert [step["type"] for step in steps] == ["OrderPaid", "OrderPlaced"]
    assert {step["subject"] for step in steps} == {order}
    by_command = await found(commandId=paid["receipt"]["commandId"])
    assert by_command == steps[:1]
    assert [step["type"] for step in await found(stream=steps[0]["stream"], type="OrderPlaced")] == [
        "OrderPlaced"
    ]
    assert await found(subject=order, actor="nobody") == []
    assert await found(subject=order, actor=steps[0]["actor"]) == steps
    assert await found(subject=order, atFrom=steps[0]["at"]) == steps[:1]
    assert await found(subject=order, atTo=steps[0]["at"]) == steps[1:]
    assert [step["type"] for step in await found(subject=product)] == [
        *("StockReserved", "StockReceived", "ProductAdded")
    ]
    bad = await client.send(query, {"filter": {"subject": steps[0]["id"]}})
    assert bad.codes == ["BAD_ID"]


async def test_every_node_can_be_read_again_by_its_id(client: Client, history: dict[str, str]) -> None:
    query = """query ($c: ID!) {
        products(first: 1) { nodes { __typename id } } customers(first: 1) { nodes { __typename id } }
        orders(first: 1) { nodes { __typename id } } activity(first: 1) { nodes { __typename id } }
        customer(id: $c) { orders(first: 1) { nodes { __typename id } } } }"""
    data = (await client.send(query, {"c": history["customer"]}, token=history["token"])).data
    lists = [data[name] for name in ("products", "customers", "orders", "activity")]
    nodes = [each["nodes"][0] for each in (*lists, data["customer"]["orders"])]
    assert {node["__typename"] for node in nodes} == {
        "Product",
        "Customer",
        "OrderSummary",
        "Activity",
        "Order",
    }
    for node in nodes:
        again = await client.send("query ($id: ID!) { node(id: $id) { __typename id } }", {"id": node["id"]})
        assert again.data["node"] == node
    ids = [nodes[0]["id"], global_id("Order", uuid4()), nodes[1]["id"], nodes[0]["id"]]
    several = await client.send("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert [each and each["id"] for each in several.data["nodes"]] == [ids[0], None, ids[2], ids[0]]
