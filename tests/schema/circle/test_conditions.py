"""Empty is not absent, and a range that ends before it begins is refused."""

import json
from typing import Any

import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from tests.schema.client import Client
from tests.schema.shop import Shop

NOT_ABSENT: dict[str, str] = {
    'query { orders(filter: { customerId: "" }) { totalCount } }': "BAD_ID",
    'query { activity(filter: { subject: "" }) { totalCount } }': "BAD_ID",
    'query { activity(filter: { commandId: "" }) { totalCount } }': "GRAPHQL_VALIDATION_FAILED",
    'query { product(id: "") { id } }': "BAD_ID",
    'query { nodes(ids: [""]) { id } }': "BAD_ID",
    'query { products(after: "") { totalCount } }': "BAD_PAGE",
    'query { products(last: 1, before: "") { totalCount } }': "BAD_PAGE",
    'query { products(atLeast: [""]) { totalCount } }': "BAD_TOKEN",
    'query { sales(firstDay: "") { total { orders } } }': "GRAPHQL_VALIDATION_FAILED",
    'query { products(filter: { priceFrom: "" }) { totalCount } }': "GRAPHQL_VALIDATION_FAILED",
    'subscription { readModelUpdates(after: "") { __typename } }': "BAD_TOKEN",
    "subscription { readModelUpdates(readModels: []) { __typename } }": "BAD_USER_INPUT",
    'subscription { customerOrdersUpdated(customerId: "") { cursor } }': "BAD_ID",
    'subscription { orderUpdated(id: "", after: "") { cursor } }': "BAD_ID",
}


@pytest.mark.parametrize("operation", NOT_ABSENT)
async def test_an_empty_value_is_no_absent_one(
    client: Client, shop: Shop, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    await shop.order()  # so that everything is more than nothing
    if operation.startswith("query"):
        answer = await client.send(operation)
        assert answer.codes == [NOT_ABSENT[operation]]
    else:
        async with client.subscribe(operation) as updates:
            [error] = (await updates.message())["payload"]["errors"]
        assert error["extensions"]["code"] == NOT_ABSENT[operation]
    assert caplog.records == []


async def test_an_empty_cursor_of_a_document_resumes_nothing(client: Client, shop: Shop) -> None:
    query = """subscription ($id: ID!, $after: ConsistencyToken) {
        productUpdated(id: $id, after: $after) { cursor } }"""
    product = await shop.product()
    async with client.subscribe(query, {"id": product, "after": None}) as updates:
        assert (await updates.next())["cursor"]
    async with client.subscribe(query, {"id": product, "after": ""}) as updates:
        [error] = (await updates.message())["payload"]["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("BAD_TOKEN", ["productUpdated"])


async def test_an_empty_list_asks_for_none_of_them(client: Client, shop: Shop) -> None:
    await shop.order()
    answer = await client.send(
        """{ freshness(readModels: []) { readModel } nodes(ids: []) { id }
        products(filter: { categories: [] }) { totalCount } orders(filter: { status: [] }) { totalCount } }"""
    )
    nothing = {"totalCount": 0}
    assert answer.data == {"freshness": [], "nodes": [], "products": nothing, "orders": nothing}
    whole = await client.send("{ freshness { readModel } all: freshness(readModels: null) { readModel } }")
    assert len(whole.data["freshness"]) > 1
    assert whole.data["all"] == whole.data["freshness"]


REVERSED = {
    'products(filter: { priceFrom: "2", priceTo: "1.50" })': "priceFrom is 2, which is beyond priceTo, 1.5.",
    'orders(filter: { totalFrom: "1e3", totalTo: "1" })': "totalFrom is 1000, which is beyond totalTo, 1.",
    "orders(filter: { placedFrom: $late, placedTo: $early })": "placedFrom is 2026-02-01T00:00:00.000Z, "
    "which is beyond placedTo, 2026-01-01T00:00:00.000Z.",
    "activity(filter: { atFrom: $late, atTo: $early })": "atFrom is 2026-02-01T00:00:00.000Z, "
    "which is beyond atTo, 2026-01-01T00:00:00.000Z.",
}
MOMENTS = {"late": "2026-02-01T00:00:00.000Z", "early": "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("field", REVERSED)
async def test_a_range_that_ends_before_it_begins_is_refused(client: Client, field: str) -> None:
    variables: dict[str, Any] = MOMENTS if "$late" in field else {}
    head = "query ($late: DateTime, $early: DateTime)" if variables else "query"
    for _ in range(3):  # The third time a compiled query answers.
        answer = await client.send(f"{head} {{ {field} {{ totalCount }} }}", variables)
        assert answer.codes == ["BAD_USER_INPUT"]
        [error] = answer.body["errors"]
        assert error["message"] == f"{REVERSED[field]} Exchange them, or leave one of them out."
        assert error["path"] == [field.partition("(")[0]]


async def test_days_that_end_before_they_begin_are_refused(client: Client) -> None:
    sales = 'sales(firstDay: "2026-02-01", lastDay: "2026-01-31") { total { orders } }'
    answer = await client.send(f"{{ {sales} products {{ totalCount }} }}")
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["data"]["sales"] is None
    assert answer.body["data"]["products"]


async def test_a_range_of_one_value_is_a_range(client: Client, shop: Shop) -> None:
    await shop.product(price="7.77")
    same = 'filter: { priceFrom: "7.77", priceTo: "7.77" }'
    assert (await client.send(f"{{ products({same}) {{ totalCount }} }}")).data["products"]["totalCount"] >= 1
    day = 'sales(firstDay: "2026-02-01", lastDay: "2026-02-01") { total { orders } }'
    assert (await client.send(f"{{ {day} }}")).data["sales"]["total"]["orders"] >= 0


@pytest.mark.parametrize("given", [False, 0, [], {}])
async def test_what_is_no_token_in_connection_init_is_a_bad_one(client: Client, given: Any) -> None:
    async with client.subscribe("{ products { totalCount } }", token=None) as stream:
        assert (await stream.message())["payload"]["data"], "without any it is answered"
    url = client.url.replace("http://", "ws://") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Consistency-Token": given}}))
        await socket.recv()
        query = {"query": "{ products { totalCount } }"}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": query}))
        message = json.loads(await socket.recv())
    [error] = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    assert error["extensions"]["code"] == "BAD_TOKEN"
