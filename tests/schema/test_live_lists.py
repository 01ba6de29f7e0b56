"""Lists that live: the page now, then what enters it, changes in it, moves and leaves."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import pytest

from app.cqrs.reading.reading import Reading
from tests.inprocess import Service
from tests.lists.kept import FOLLOW_ORDERS, FOLLOW_PRODUCTS, READ_ORDERS, READ_PRODUCTS, Kept
from tests.schema.client import Client, Stream
from tests.schema.shop import Shop

NEWEST = {"field": "PLACED_AT", "direction": "DESC"}


def ids(kept: Kept) -> list[str]:
    """The ids of the orders or products in the list."""
    return [edge["node"].get("orderId", edge["node"]["id"]) for edge in kept.edges]


def follow(client: Client, query: str, variables: dict[str, Any]) -> AbstractAsyncContextManager[Stream]:
    """Follow a list that shows all that was written before."""
    return client.subscribe(query, variables, token=client.seen)


async def take(updates: Stream, kept: Kept) -> dict[str, Any]:
    """Take over the next update, and return it."""
    update: dict[str, Any] = await updates.next()
    kept.take(update)
    return update


def changes(update: dict[str, Any]) -> list[tuple[str, int | None, int | None]]:
    return [(each["kind"], each["previousIndex"], each["index"]) for each in update["changes"]]


async def test_a_list_is_sent_as_it_is_and_then_as_it_changes(client: Client, shop: Shop) -> None:
    customer = await shop.customer()
    product = await shop.product(stock=10)
    first = await shop.order(customer=customer, product=product)
    variables = {"filter": {"customerId": customer}, "orderBy": NEWEST, "first": 2}
    kept = Kept()
    async with follow(client, FOLLOW_ORDERS, variables) as updates:
        update = await take(updates, kept)
        assert (ids(kept), update["changes"], update["hasNextPage"]) == ([first], [], False)

        second = await shop.order(customer=customer, product=product)
        assert changes(await take(updates, kept)) == [("ENTERED", None, 0)]
        assert ids(kept) == [second, first]

        await client.mutate("payOrder", "", orderId=first)
        update = await take(updates, kept)
        assert changes(update) == [("CHANGED", 1, 1)]
        assert kept.edges[1]["node"]["status"] == "PAID"

        third = await shop.order(customer=customer, product=product)
        update = await take(updates, kept)
        assert changes(update) == [("LEFT", 1, None), ("ENTERED", None, 0)]
        assert (ids(kept), update["hasNextPage"]) == ([third, second], True)

        answer = await client.send(READ_ORDERS, variables)
        assert kept.equals(answer.data["list"])


async def test_what_no_longer_fits_leaves_and_another_takes_its_place(client: Client, shop: Shop) -> None:
    customer = await shop.customer()
    product = await shop.product(stock=10)
    one, two, three = [await shop.order(customer=customer, product=product) for _ in range(3)]
    variables = {
        "filter": {"customerId": customer, "status": ["PLACED"]},
        "orderBy": {"field": "PLACED_AT"},
        "first": 2,
    }
    kept = Kept()
    async with follow(client, FOLLOW_ORDERS, variables) as updates:
        assert (await take(updates, kept))["hasNextPage"]
        assert ids(kept) == [one, two]
        await client.mutate("cancelOrder", "", orderId=one)
        update = await take(updates, kept)
        assert changes(update) == [("LEFT", 0, None), ("ENTERED", None, 1)]
        assert (ids(kept), update["hasNextPage"]) == ([two, three], False)


async def test_a_product_that_sells_best_moves_to_the_front(client: Client, shop: Shop) -> None:
    category, customer = f"Movers of {await shop.product()}", await shop.customer()
    one, two, three = [await shop.product(stock=50, category=category) for _ in range(3)]
    await shop.order(customer=customer, product=one, quantity=3)
    await shop.order(customer=customer, product=two, quantity=2)
    best = {"field": "BEST_SELLING", "direction": "DESC"}
    variables = {"filter": {"categories": [category]}, "orderBy": best}
    kept = Kept()
    async with follow(client, FOLLOW_PRODUCTS, variables) as updates:
        await take(updates, kept)
        assert ids(kept) == [one, two, three]
        await shop.order(customer=customer, product=three, quantity=9)
        while ids(kept) != [three, one, two]:
            update = await take(updates, kept)
    assert changes(update) == [("MOVED", 2, 0)]
    assert kept.edges[0]["node"]["unitsSold"] == "9"


async def test_a_change_that_can_not_concern_a_list_costs_it_nothing(
    service: Service, client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Any] = []
    read = Reading.get_many

    async def counted(self: Reading, collection: Any, ids: Any, *arguments: Any, **more: Any) -> Any:
        reads.append(ids)
        return await read(self, collection, ids, *arguments, **more)

    customer, other = await shop.customer(), await shop.customer()
    product = await shop.product(stock=10)
    order = await shop.order(customer=customer, product=product)
    kept = Kept()
    async with follow(client, FOLLOW_ORDERS, {"filter": {"customerId": customer}}) as updates:
        await take(updates, kept)
        monkeypatch.setattr(Reading, "get_many", counted)
        monkeypatch.delattr(Reading, "beginning")  # No list is read as a whole.
        strange = await shop.order(customer=other, product=product)
        await client.mutate("payOrder", "", orderId=strange)
        await client.mutate("updateCustomer", "", customerId=other, name="Another")
        await client.mutate("receiveStock", "", productId=product, quantity=1)
        assert reads == []
        await client.mutate("payOrder", "", orderId=order)
        assert changes(await take(updates, kept)) == [("CHANGED", 0, 0)]
    assert [len(each) for each in reads] == [1]


async def test_equal_lists_are_read_once_even_if_other_fields_are_selected(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, product = await shop.customer(), await shop.product(stock=10)
    variables = {"filter": {"customerId": customer}, "orderBy": NEWEST}
    narrow = """subscription ($filter: OrderFilter, $orderBy: OrderSort) {
        ordersUpdated(filter: $filter, orderBy: $orderBy) { changes { edge { node { orderId } } } } }"""
    reads = 0
    read = Reading.get_many

    async def counted(self: Reading, *arguments: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(self, *arguments, **more)

    async with (
        follow(client, FOLLOW_ORDERS, variables) as one,
        follow(client, FOLLOW_ORDERS, variables) as other,
        follow(client, narrow, variables) as unlike,
    ):
        for each in (one, other, unlike):
            await each.next()
        monkeypatch.setattr(Reading, "get_many", counted)
        order = await shop.order(customer=customer, product=product)
        updates = [await each.next() for each in (one, other, unlike)]
    assert updates[0] == updates[1]
    assert [each["changes"][0]["edge"]["node"]["orderId"] for each in updates] == [order] * 3
    assert reads == 1


async def test_a_list_resumes_with_what_was_missed_and_with_nothing_if_nothing_was(
    client: Client, shop: Shop
) -> None:
    customer, product = await shop.customer(), await shop.product(stock=10)
    order = await shop.order(customer=customer, product=product)
    variables: dict[str, Any] = {"filter": {"customerId": customer}, "orderBy": NEWEST}
    kept, staying = Kept(), Kept()
    async with follow(client, FOLLOW_ORDERS, variables) as others:
        await take(others, staying)
        async with follow(client, FOLLOW_ORDERS, variables) as updates:
            await take(updates, kept)
        await client.mutate("payOrder", "", orderId=order)
        newest = await shop.order(customer=customer, product=product)
        async with follow(client, FOLLOW_ORDERS, {**variables, "after": kept.cursor}) as updates:
            update = await take(updates, kept)
            assert changes(update) == [("ENTERED", None, 0), ("CHANGED", 0, 1)]
            assert kept.pages == 1, "the page was not sent again"
    await client.mutate("shipOrder", "", orderId=order)
    async with follow(client, FOLLOW_ORDERS, {**variables, "after": kept.cursor}) as updates:
        update = await take(updates, kept)
        assert update["edges"], "nobody has followed meanwhile: the whole list is sent"
        assert not update["reset"]
        assert ids(kept) == [newest, order]
    async with follow(client, FOLLOW_ORDERS, {**variables, "after": kept.cursor}) as updates:
        await client.mutate("payOrder", "", orderId=newest)
        assert changes(await take(updates, kept)) == [("CHANGED", 0, 0)]
        assert kept.pages == 2


async def test_a_list_after_a_receipts_token_shows_the_commands_effect(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product(stock=20)
    variables = {"filter": {"customerId": customer}, "first": 100}
    lines = [{"productId": product, "quantity": 1}]
    async with follow(client, FOLLOW_ORDERS, variables) as others:
        await others.next()
        for number in range(1, 11):
            placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines)
            after = {**variables, "after": placed["receipt"]["token"]}
            async with follow(client, FOLLOW_ORDERS, after) as updates:
                assert len((await updates.next())["edges"]) == number
            async with follow(client, FOLLOW_ORDERS, variables) as updates:
                assert len((await updates.next())["edges"]) == number


async def test_a_renamed_customer_changes_all_their_rows_in_one_update(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(name="Before"), await shop.product(stock=10)
    for _ in range(3):
        await shop.order(customer=customer, product=product)
    kept = Kept()
    async with follow(client, FOLLOW_ORDERS, {"filter": {"customerId": customer}}) as updates:
        await take(updates, kept)
        await client.mutate("updateCustomer", "", customerId=customer, name="After")
        update = await take(updates, kept)
    assert [kind for kind, _, _ in changes(update)] == ["CHANGED"] * 3
    assert {edge["node"]["customerName"] for edge in kept.edges} == {"After"}


async def test_a_list_is_kept_right_while_writes_go_on(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product(stock=100)
    variables = {"filter": {"customerId": customer}, "orderBy": NEWEST, "first": 10}
    kept = Kept()

    async def order_and_pay() -> None:
        for _ in range(10):
            order = await shop.order(customer=customer, product=product)
            await client.mutate("payOrder", "", orderId=order)

    async with follow(client, FOLLOW_ORDERS, variables) as updates:
        ordering = [asyncio.create_task(order_and_pay()) for _ in range(3)]
        await asyncio.gather(*ordering)
        fresh = (await client.send(READ_ORDERS, variables)).data["list"]
        while not kept.equals(fresh):
            await take(updates, kept)
    assert kept.states <= 1 + 60


async def test_the_order_of_products_by_price_is_kept(client: Client, shop: Shop) -> None:
    category = f"Priced {await shop.product()}"
    products = [await shop.product(category=category, price=f"{price}.00") for price in range(1, 6)]
    variables = {"filter": {"categories": [category]}, "orderBy": {"field": "PRICE"}, "first": 3}
    kept = Kept()
    async with follow(client, FOLLOW_PRODUCTS, variables) as updates:
        await take(updates, kept)
        assert ids(kept) == products[:3]
        await client.mutate("changePrice", "", productId=products[4], unitPrice={"amount": "1.50"})
        assert changes(await take(updates, kept)) == [("LEFT", 2, None), ("ENTERED", None, 1)]
        await client.mutate("changePrice", "", productId=products[0], unitPrice={"amount": "1.75"})
        assert changes(await take(updates, kept)) == [("MOVED", 0, 1)]
        fresh = await client.send(READ_PRODUCTS, variables)
    assert kept.equals(fresh.data["list"])


async def test_a_list_that_is_searched_tells_where_each_node_was_found(client: Client, shop: Shop) -> None:
    word = f"kettle{uuid4().hex}"
    await shop.product(name=word)
    variables = {"filter": {"search": word}}
    kept = Kept()
    async with follow(client, FOLLOW_PRODUCTS, variables) as updates:
        await take(updates, kept)
        await shop.product(description=f"For a {word}.")
        await take(updates, kept)
        fresh = await client.send(READ_PRODUCTS, variables)
    assert kept.equals(fresh.data["list"])
    assert [[each["field"] for each in edge["matches"]] for edge in kept.edges] == [["name"], ["description"]]


REFUSED = {
    "first: 101": ("BAD_PAGE", "first"),
    "first: -1": ("BAD_PAGE", "first"),
    'after: "nonsense"': ("BAD_TOKEN", "token"),
    'filter: { customerId: "x" }': ("BAD_ID", "id"),
}


@pytest.mark.parametrize("arguments", REFUSED)
async def test_what_can_not_be_followed_is_refused_with_what_to_do(client: Client, arguments: str) -> None:
    code, word = REFUSED[arguments]
    query = f"subscription {{ ordersUpdated({arguments}) {{ cursor }} }}"
    async with client.subscribe(query) as updates:
        message = await updates.message()
    [error] = message["payload"]["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["ordersUpdated"])
    assert word in error["message"]


async def test_an_empty_list_is_an_item_too(client: Client, shop: Shop) -> None:
    customer = await shop.customer()
    async with follow(client, FOLLOW_ORDERS, {"filter": {"customerId": customer}}) as updates:
        first = await updates.next()
    assert (first["edges"], first["hasNextPage"], first["lagged"], first["reset"]) == ([], False, 0, False)
