"""Mutations: each is accepted with a receipt, or refused with data that a client can act on."""

import asyncio
import base64
from typing import Any
from uuid import uuid4

import pytest

from schema.circle.ids import global_id
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

ADDRESS = {"street": "Main St 1", "city": "Bern", "country": "CH", "region": "BE", "postalCode": "3000"}


def refusals(payload: dict[str, Any], entity: str | None = None) -> list[tuple[str, str, list[str]]]:
    """Type, code and path of each refusal, of a command that changed nothing."""
    assert payload["receipt"]["events"] == []
    assert entity is None or payload[entity] is None
    assert all(error["message"].endswith(".") for error in payload["errors"])
    return [(error["__typename"], error["code"], error["path"]) for error in payload["errors"]]


def happened(payload: dict[str, Any]) -> list[str]:
    """The events of an accepted command."""
    assert payload["errors"] == []
    return [event["type"] for event in payload["receipt"]["events"]]


async def test_a_product_is_added_described_priced_and_discontinued(client: Client) -> None:
    shown = """product { id sku name category description packaging discontinued version
        price { amount currencyCode } onHand available inStock unitsSold }"""
    added = await client.mutate(
        "addProduct", shown, sku=" mut-1 ", name="Pear", category="Fruit", unitPrice={"amount": "1.5"}
    )
    assert happened(added) == ["ProductAdded"]
    product = added["product"]
    assert product["sku"] == "MUT-1"
    assert product["price"] == {"amount": "1.50", "currencyCode": "USD"}
    assert (product["version"], product["onHand"], product["inStock"]) == (1, 0, False)
    id = product["id"]
    updated = await client.mutate("updateProduct", shown, productId=id, packaging="12 boxes")
    assert happened(updated) == ["ProductUpdated"]
    assert updated["product"] == product | {"packaging": "12 boxes", "version": 2}
    priced = await client.mutate("changePrice", shown, productId=id, unitPrice={"amount": 2})
    assert happened(priced) == ["PriceChanged"]
    assert priced["product"]["price"]["amount"] == "2.00"
    gone = await client.mutate("discontinueProduct", shown, productId=id, expectedVersion=3)
    assert happened(gone) == ["ProductDiscontinued"]
    assert gone["product"]["discontinued"] is True
    again = await client.mutate("discontinueProduct", shown, productId=id)
    assert happened(again) == []
    assert again["product"] == gone["product"]


async def test_stock_is_received_and_adjusted(client: Client, shop: Shop) -> None:
    product, shown = await shop.product(), "product { onHand available stockVersion }"
    received = await client.mutate("receiveStock", shown, productId=product, quantity=5)
    assert happened(received) == ["StockReceived"]
    adjusted = await client.mutate(
        "adjustStock", shown, productId=product, change=-2, reason="Broken", expectedVersion=1
    )
    assert happened(adjusted) == ["StockAdjusted"]
    assert adjusted["product"] == {"onHand": 3, "available": 3, "stockVersion": 2}


async def test_a_customer_is_registered_updated_and_closed(client: Client) -> None:
    shown = """customer { id name company email phone closed version
        address { recipient street city region postalCode country } }"""
    registered = await client.mutate(
        "registerCustomer", shown, name="Ann", email="Ann@mut.example", phone="1", address=ADDRESS
    )
    assert happened(registered) == ["CustomerRegistered"]
    customer = registered["customer"]
    assert customer["address"] == {**ADDRESS, "recipient": None}
    updated = await client.mutate("updateCustomer", shown, customerId=customer["id"], company="Co")
    assert updated["customer"] == customer | {"company": "Co", "version": 2}
    closed = await client.mutate("closeCustomer", shown, customerId=customer["id"])
    assert happened(closed) == ["CustomerClosed"]
    assert closed["customer"] == {
        **dict.fromkeys(("name", "company", "email", "phone", "address")),
        "id": customer["id"],
        "closed": True,
        "version": 3,
    }


async def test_what_is_left_out_stays_and_null_removes(client: Client, shop: Shop) -> None:
    customer = await shop.customer(company="Co", phone="1", address=ADDRESS)
    shown = "customer { name company phone address { city } }"
    kept = await client.mutate("updateCustomer", shown, customerId=customer, name="Eve")
    assert kept["customer"] == {"name": "Eve", "company": "Co", "phone": "1", "address": {"city": "Bern"}}
    removed = await client.mutate(
        "updateCustomer", shown, customerId=customer, company=None, phone="", address=None
    )
    assert removed["customer"] == {"name": "Eve", "company": None, "phone": None, "address": None}
    nameless = await client.mutate("updateCustomer", shown, customerId=customer, name=None)
    assert refusals(nameless, "customer") == [("InvalidInput", "INVALID_INPUT", ["input", "name"])]
    unchanged = await client.mutate("updateCustomer", shown, customerId=customer, name="Eve")
    assert happened(unchanged) == []


async def test_an_order_is_placed_paid_and_shipped(client: Client, shop: Shop) -> None:
    product, customer = await shop.product(stock=9, price="3.33"), await shop.customer(address=ADDRESS)
    shown = "order { id status version total { amount } shipTo { city } lines { discount total { amount } } }"
    placed = await client.mutate(
        "placeOrder",
        shown,
        customerId=customer,
        lines=[{"productId": product, "quantity": 3, "discount": "0.15"}],
        shippingFee={"amount": "4"},
        placedAt="1997-05-01T00:00:00.000+02:00",
    )
    assert sorted(happened(placed)) == ["OrderPlaced", "StockReserved"]
    order = placed["order"]
    assert order["lines"] == [{"discount": "0.15", "total": {"amount": "8.49"}}]
    assert (order["total"]["amount"], order["shipTo"]["city"]) == ("12.49", "Bern")
    paid = await client.mutate("payOrder", shown, orderId=order["id"], expectedVersion=1)
    assert (happened(paid), paid["order"]["status"]) == (["OrderPaid"], "PAID")
    shipped = await client.mutate("shipOrder", shown, orderId=order["id"])
    assert sorted(happened(shipped)) == ["OrderShipped", "StockShipped"]
    for step, requested in (("payOrder", "PAID"), ("shipOrder", "SHIPPED"), ("cancelOrder", "CANCELLED")):
        late = await client.mutate(step, shown, orderId=order["id"])
        assert refusals(late, "order") == [("IllegalTransition", "ILLEGAL_TRANSITION", ["input", "orderId"])]
        [error] = late["errors"]
        assert (error["status"], error["requestedStatus"]) == ("SHIPPED", requested)


async def test_a_cancelled_order_gives_its_stock_back(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=2)
    order = await shop.order(product=product, quantity=2)
    early = await client.mutate("shipOrder", "", orderId=order)
    assert refusals(early) == [("IllegalTransition", "ILLEGAL_TRANSITION", ["input", "orderId"])]
    shown = "order { status cancelReason }"
    cancelled = await client.mutate("cancelOrder", shown, orderId=order, reason="Changed their mind")
    assert cancelled["order"] == {"status": "CANCELLED", "cancelReason": "Changed their mind"}
    assert sorted(happened(cancelled)) == ["OrderCancelled", "StockReleased"]
    await shop.order(product=product, quantity=2)


async def test_all_that_is_short_is_named_and_nothing_is_reserved(client: Client, shop: Shop) -> None:
    scarce, enough, none = await shop.product(stock=3), await shop.product(stock=9), await shop.product()
    lines = [
        {"productId": scarce, "quantity": 2},
        {"productId": enough, "quantity": 9},
        {"productId": scarce, "quantity": 2},
        {"productId": none, "quantity": 1},
    ]
    placed = await client.mutate("placeOrder", "order { id }", customerId=await shop.customer(), lines=lines)
    assert refusals(placed, "order") == [
        ("OutOfStock", "OUT_OF_STOCK", ["input", "lines", "2", "quantity"]),
        ("OutOfStock", "OUT_OF_STOCK", ["input", "lines", "3", "quantity"]),
    ]
    short = [(error["productId"], error["requested"], error["available"]) for error in placed["errors"]]
    assert short == [(scarce, 4, 3), (none, 1, 0)]
    await shop.order(product=enough, quantity=9)


async def test_every_reason_against_an_order_is_told_at_once(client: Client, shop: Shop) -> None:
    gone, customer = await shop.product(stock=1), await shop.customer()
    await client.mutate("discontinueProduct", "", productId=gone)
    await client.mutate("closeCustomer", "", customerId=customer)
    unknown = global_id("Product", uuid4())
    lines = [{"productId": unknown, "quantity": 1}, {"productId": gone, "quantity": 1}]
    placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines)
    assert refusals(placed) == [
        ("CustomerIsClosed", "CUSTOMER_CLOSED", ["input", "customerId"]),
        ("NotFound", "NOT_FOUND", ["input", "lines", "0", "productId"]),
        ("ProductIsDiscontinued", "PRODUCT_DISCONTINUED", ["input", "lines", "1", "productId"]),
    ]
    lines = [
        {"productId": gone, "quantity": 0, "discount": "1.01"},
        {"productId": gone, "quantity": 1, "discount": "0.00001"},
    ]
    wrong = await client.mutate(
        "placeOrder",
        "",
        customerId=customer,
        lines=lines,
        shippingFee={"amount": "-1"},
        shipTo={"street": "", "city": "x" * 201, "country": "CH", "postalCode": "1" * 31},
        placedAt="9999-01-01T00:00:00.000Z",
    )
    assert [path for *_, path in refusals(wrong)] == [
        ["input", "lines", "0", "quantity"],
        ["input", "lines", "0", "discount"],
        ["input", "lines", "1", "discount"],
        ["input", "shippingFee"],
        ["input", "shipTo", "street"],
        ["input", "shipTo", "city"],
        ["input", "shipTo", "postalCode"],
        ["input", "placedAt"],
    ]


async def test_refuses_duplicates_of_sku_and_email(client: Client, shop: Shop) -> None:
    first = await shop.product(sku="DUP-1")
    copy = await client.mutate(
        "addProduct", "product { id }", sku="dup-1", name="N", category="C", unitPrice={"amount": "1"}
    )
    assert refusals(copy, "product") == [("DuplicateSku", "DUPLICATE_SKU", ["input", "sku"])]
    assert (copy["errors"][0]["sku"], copy["errors"][0]["productId"]) == ("DUP-1", first)

    holder, other = await shop.customer(email="dup@mut.example"), await shop.customer()
    again = await client.mutate("registerCustomer", "customer { id }", name="B", email="DUP@mut.example")
    taken = await client.mutate("updateCustomer", "", customerId=other, email="Dup@mut.example")
    for payload in (again, taken):
        assert refusals(payload) == [("DuplicateEmail", "DUPLICATE_EMAIL", ["input", "email"])]
    same = await client.mutate("updateCustomer", "", customerId=holder, email="dup@mut.example")
    assert happened(same) == []


async def test_a_closed_customer_and_a_discontinued_product_can_not_be_changed(
    client: Client, shop: Shop
) -> None:
    customer, product = await shop.customer(), await shop.product()
    await client.mutate("closeCustomer", "", customerId=customer)
    await client.mutate("discontinueProduct", "", productId=product)
    renamed = await client.mutate("updateCustomer", "", customerId=customer, name="X")
    assert refusals(renamed) == [("CustomerIsClosed", "CUSTOMER_CLOSED", ["input", "customerId"])]
    assert renamed["errors"][0]["message"].startswith("This customer is closed, ")
    priced = await client.mutate("changePrice", "", productId=product, unitPrice={"amount": "5"})
    assert refusals(priced) == [("ProductIsDiscontinued", "PRODUCT_DISCONTINUED", ["input", "productId"])]


async def test_open_orders_of_a_closed_customer_are_paid_and_shipped_without_their_address(
    client: Client, shop: Shop
) -> None:
    customer, product = await shop.customer(), await shop.product(stock=2)
    shown = "order { status shipTo { city } }"
    placed = await client.mutate(
        "placeOrder",
        "order { id shipTo { city } }",
        customerId=customer,
        lines=[{"productId": product, "quantity": 1}],
        shipTo={"street": "1 Main St", "city": "Bern", "country": "CH"},
    )
    order = placed["order"]["id"]
    assert placed["order"]["shipTo"] == {"city": "Bern"}
    assert (await client.mutate("closeCustomer", "", customerId=customer))["errors"] == []
    for mutation, status in (("payOrder", "PAID"), ("shipOrder", "SHIPPED")):
        done = await client.mutate(mutation, shown, orderId=order)
        assert (done["errors"], done["order"]) == ([], {"status": status, "shipTo": None})


async def test_refuses_stock_below_what_is_reserved_and_above_what_fits(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=3)
    await shop.order(product=product, quantity=2)
    low = await client.mutate("adjustStock", "", productId=product, change=-2, reason="Lost")
    assert refusals(low) == [("StockTooLow", "STOCK_TOO_LOW", ["input", "change"])]
    for change, reason, path in ((0, "x", "change"), (1, " ", "reason"), (-1_000_001, "x", "change")):
        bad = await client.mutate("adjustStock", "", productId=product, change=change, reason=reason)
        assert refusals(bad) == [("InvalidInput", "INVALID_INPUT", ["input", path])]


async def test_another_version_is_a_conflict_that_tells_the_current_one(client: Client, shop: Shop) -> None:
    product, customer, order = await shop.product(), await shop.customer(), await shop.order()
    changes: list[tuple[str, dict[str, Any], int]] = [
        ("updateProduct", {"productId": product, "name": "N"}, 1),
        ("changePrice", {"productId": product, "unitPrice": {"amount": "7"}}, 1),
        ("discontinueProduct", {"productId": product}, 1),
        ("receiveStock", {"productId": product, "quantity": 1}, 0),
        ("adjustStock", {"productId": product, "change": 1, "reason": "r"}, 0),
        ("updateCustomer", {"customerId": customer, "name": "N"}, 1),
        ("closeCustomer", {"customerId": customer}, 1),
        ("forgetCustomer", {"customerId": customer, "despiteOpenOrders": True}, 1),
        ("payOrder", {"orderId": order}, 1),
        ("shipOrder", {"orderId": order}, 1),
        ("cancelOrder", {"orderId": order}, 1),
    ]
    for name, input, version in changes:
        refused = await client.mutate(name, "", **input, expectedVersion=7)
        assert refusals(refused) == [("VersionConflict", "VERSION_CONFLICT", ["input", "expectedVersion"])]
        assert refused["errors"][0]["currentVersion"] == version, name


IDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "updateProduct": ("productId", "Product", {}),
    "changePrice": ("productId", "Product", {"unitPrice": {"amount": "1"}}),
    "discontinueProduct": ("productId", "Product", {}),
    "receiveStock": ("productId", "Product", {"quantity": 1}),
    "adjustStock": ("productId", "Product", {"change": 1, "reason": "r"}),
    "updateCustomer": ("customerId", "Customer", {}),
    "closeCustomer": ("customerId", "Customer", {}),
    "forgetCustomer": ("customerId", "Customer", {}),
    "payOrder": ("orderId", "Order", {}),
    "shipOrder": ("orderId", "Order", {}),
    "cancelOrder": ("orderId", "Order", {}),
}


@pytest.mark.parametrize("name", IDS)
async def test_an_unknown_foreign_or_garbled_id_is_a_refusal(client: Client, name: str) -> None:
    field, kind, rest = IDS[name]
    unknown = global_id(kind, uuid4())
    foreign = global_id("Activity", uuid4())
    garbled = ["", "x", "é", "A" * 10_000, f"{kind}:1", base64.b64encode(b"\xff\xfe").decode()]
    garbled += [global_id(kind, "1"), str(uuid4()), unknown + "\n", global_id(kind, "\x00")]
    payloads = await asyncio.gather(
        *(client.mutate(name, "", **{field: id}, **rest) for id in (unknown, foreign, *garbled))
    )
    found = [refusals(payload) for payload in payloads]
    assert found[0] == [("NotFound", "NOT_FOUND", ["input", field])]
    assert found[1:] == [[("InvalidInput", "INVALID_INPUT", ["input", field])]] * (1 + len(garbled))


async def test_a_bad_id_in_a_line_is_a_refusal_at_its_place(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product(stock=1)
    lines = [{"productId": product, "quantity": 1}, {"productId": customer, "quantity": 1}]
    placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines)
    assert refusals(placed) == [("InvalidInput", "INVALID_INPUT", ["input", "lines", "1", "productId"])]
    assert "Customer" in placed["errors"][0]["message"]
    unknown = await client.mutate(
        "placeOrder", "", customerId=global_id("Customer", uuid4()), lines=lines[:1]
    )
    assert refusals(unknown) == [("NotFound", "NOT_FOUND", ["input", "customerId"])]


async def test_a_repeated_command_takes_effect_once_and_gets_the_first_receipt(
    client: Client, shop: Shop
) -> None:
    product, id = await shop.product(), str(uuid4())
    shown, input = "product { onHand }", {"productId": product, "quantity": 4, "commandId": id}
    first = await client.mutate("receiveStock", shown, **input)
    assert first["receipt"]["commandId"] == id
    assert await client.mutate("receiveStock", shown, **input) == first
    at_once = await asyncio.gather(*(client.mutate("receiveStock", shown, **input) for _ in range(5)))
    assert at_once == [first] * 5
    for other in (
        client.mutate("receiveStock", shown, **{**input, "quantity": 5}),
        client.mutate("discontinueProduct", shown, productId=product, commandId=id),
    ):
        reused = await other
        assert refusals(reused, "product") == [
            ("CommandIdReused", "COMMAND_ID_REUSED", ["input", "commandId"])
        ]
        assert reused["receipt"]["commandId"] == id


async def test_a_refused_command_may_be_sent_again_with_the_same_id(client: Client, shop: Shop) -> None:
    product, customer, id = await shop.product(), await shop.customer(), str(uuid4())
    order = {"customerId": customer, "lines": [{"productId": product, "quantity": 1}], "commandId": id}
    assert [code for _, code, _ in refusals(await client.mutate("placeOrder", "", **order))] == [
        "OUT_OF_STOCK"
    ]
    await client.mutate("receiveStock", "", productId=product, quantity=1)
    placed = await client.mutate("placeOrder", "order { status }", **order)
    assert placed["order"] == {"status": "PLACED"}
    assert placed["receipt"]["commandId"] == id


async def test_refused_commands_leave_no_event_behind(service: Service, shop: Shop) -> None:
    product, customer = await shop.product(), await shop.customer()
    before = await service.circle.log.head()
    mutate = service.client.mutate
    await mutate("placeOrder", "", customerId=customer, lines=[{"productId": product, "quantity": 1}])
    await mutate("addProduct", "", sku="?", name="", category="", unitPrice={"amount": "-1"})
    await mutate("changePrice", "", productId=product, unitPrice={"amount": "1"}, expectedVersion=9)
    await mutate("shipOrder", "", orderId=global_id("Order", uuid4()))
    assert await service.circle.log.head() == before


async def test_several_mutations_in_one_operation_run_one_after_another(client: Client, shop: Shop) -> None:
    order = await shop.order()
    shown = "{ order { status } receipt { token } errors { code } }"
    steps = " ".join(
        f"{name}: {name}Order(input: {{orderId: $id}}) {shown}" for name in ("pay", "ship", "cancel")
    )
    answer = await client.send(f"mutation ($id: ID!) {{ {steps} }}", {"id": order})
    done = answer.data
    assert [done[name]["order"] and done[name]["order"]["status"] for name in done] == [
        "PAID",
        "SHIPPED",
        None,
    ]
    assert [error["code"] for error in done["cancel"]["errors"]] == ["ILLEGAL_TRANSITION"]
    assert answer.token == done["ship"]["receipt"]["token"]
