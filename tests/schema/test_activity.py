"""The audit trail as clients filter it: every condition holds of every entry that is shown."""

from typing import Any

import pytest

from tests.schema.client import Client
from tests.schema.shop import Shop

QUERY = """query ($filter: ActivityFilter, $first: Int, $after: String, $last: Int, $before: String) {
    activity(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        totalCount pageInfo { endCursor startCursor } nodes { type stream subject position } } }"""


async def entries(client: Client, filter: dict[str, Any], **page: Any) -> list[dict[str, Any]]:
    found = (await client.send(QUERY, {"filter": filter, "first": 100, **page})).data["activity"]
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def test_a_subject_finds_every_entry_whose_subject_it_is(client: Client, shop: Shop) -> None:
    product, other = await shop.product(stock=9), await shop.product(stock=9)
    customer = await shop.customer()
    orders = [await shop.order(customer=customer, product=product) for _ in range(3)]
    await client.mutate("cancelOrder", "", orderId=orders[0])
    await client.mutate("updateProduct", "", productId=product, name="Another")
    everything = await entries(client, {})
    for subject in (product, other, customer, *orders):
        found = await entries(client, {"subject": subject})
        assert found == [entry for entry in everything if entry["subject"] == subject]
    types = [entry["type"] for entry in await entries(client, {"subject": product})]
    added = ["ProductAdded", "StockReceived", *["StockReserved"] * 3, "StockReleased", "ProductUpdated"]
    assert types == added[::-1]


async def test_pages_of_a_subject_hold_each_of_its_entries_once(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=9)
    for name in "abcd":
        await client.mutate("updateProduct", "", productId=product, name=name)
        await client.mutate("receiveStock", "", productId=product, quantity=1)
    whole = await entries(client, {"subject": product})
    assert len(whole) == 10
    for size, end, cursor in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
        met: list[dict[str, Any]] = []
        page: dict[str, Any] = {"first": None, size: 3}
        while len(met) < len(whole):
            answer = (await client.send(QUERY, {"filter": {"subject": product}, **page})).data["activity"]
            assert answer["totalCount"] == 10
            assert answer["nodes"]
            met = [*met, *answer["nodes"]] if size == "first" else [*answer["nodes"], *met]
            page[end] = answer["pageInfo"][cursor]
        assert met == whole


async def test_all_conditions_hold_together(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=9)
    await client.mutate("receiveStock", "", productId=product, quantity=1)
    [*_, added] = await entries(client, {"subject": product})
    stock = (await entries(client, {"subject": product, "type": "StockReceived"}))[0]["stream"]
    for filter, types in (
        ({"stream": stock}, ["StockReceived"] * 2),
        ({"stream": added["stream"]}, ["ProductAdded"]),
        ({"stream": stock, "type": "ProductAdded"}, []),
        ({"type": "ProductAdded"}, ["ProductAdded"]),
        ({"type": ""}, []),
        ({"actor": ""}, []),
    ):
        found = await entries(client, {"subject": product, **filter})
        assert [entry["type"] for entry in found] == types, filter


async def test_a_stream_of_another_subject_is_refused_and_says_which_ones_are_not(
    client: Client, shop: Shop
) -> None:
    product, other = await shop.product(), await shop.product()
    [entry] = await entries(client, {"subject": other})
    for stream in (entry["stream"], "", "x" * 10_000):
        answer = await client.send(QUERY, {"filter": {"subject": product, "stream": stream}})
        assert answer.codes == ["BAD_USER_INPUT"]
        [error] = answer.body["errors"]
        assert error["path"] == ["activity"]
        assert "Leave out one of the two conditions." in error["message"]
        assert len(error["message"]) < 400
    assert await entries(client, {"stream": ""}) == []


@pytest.mark.parametrize("subject", ["", "bm9wZQ", "UHJvZHVjdDo3"])
async def test_what_is_no_subject_is_a_bad_id(client: Client, subject: str) -> None:
    answer = await client.send(QUERY, {"filter": {"subject": subject}})
    assert (answer.codes, answer.body["data"]) == (["BAD_ID"], {"activity": None})


async def test_the_row_of_an_order_is_no_subject(client: Client, shop: Shop) -> None:
    await shop.order()
    answer = await client.send("{ orders(first: 1) { nodes { id } } }")
    row = answer.data["orders"]["nodes"][0]["id"]
    refused = await client.send(QUERY, {"filter": {"subject": row}})
    assert refused.codes == ["BAD_ID"]
    assert "Send the id of a Customer, Order or Product." in refused.body["errors"][0]["message"]
