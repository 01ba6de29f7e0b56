"""What surrounds every operation: the names that its errors suggest, and whose fault they are."""

from typing import Any

import pytest
import strawberry
from motor.motor_asyncio import AsyncIOMotorClient
from strawberry.extensions import DisableIntrospection

from app.cqrs.viewers import OPEN
from app.graphql.execution.context import Context
from app.read_models.product_listing import products
from schema.circle.ids import key_of
from schema.root import Query, schema
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

MISSPELT = {
    "produckts": "{ produckts { totalCount } }",
    "frist": "{ products(frist: 1) { totalCount } }",
    "prcie": "query ($filter: ProductFilter) { products(filter: $filter) { totalCount } }",
}


@pytest.mark.parametrize("name", MISSPELT)
async def test_a_misspelt_name_is_met_with_the_one_that_was_meant(client: Client, name: str) -> None:
    assert (await client.send("{ __schema { queryType { name } } }")).data, "introspection is answered, too"
    answer = await client.send(MISSPELT[name], {"filter": {"prcieFrom": "1"}})
    [error] = answer.body["errors"]
    assert name in error["message"]
    assert "Did you mean" in error["message"]


@pytest.mark.parametrize("name", MISSPELT)
async def test_no_name_is_suggested_where_introspection_is_refused(service: Service, name: str) -> None:
    closed = strawberry.Schema(
        query=Query, extensions=[*schema.extensions, DisableIntrospection], config=schema.config
    )
    for query in ("{ __schema { queryType { name } } }", MISSPELT[name]):
        result = await closed.execute(query, {"filter": {"prcieFrom": "1"}}, Context(service.circle, OPEN))
        assert result.errors
        messages = [error.message for error in result.errors]
        assert not [message for message in messages if "Did you mean" in message]
    assert name in messages[0]


FALSIFIED: dict[str, dict[str, Any]] = {
    "onHand": {"on_hand": 2**40},
    "addedAt": {"added_at": "yesterday"},
    "unitsSold": {"units_sold": 1.5},
    "price": {"price": "free"},
}


@pytest.mark.parametrize("field", FALSIFIED)
async def test_what_is_wrong_with_a_document_is_our_fault_and_is_logged(
    client: Client, shop: Shop, mongo_url: str, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    product = await shop.product()
    await client.send("query ($id: ID!) { product(id: $id) { id } }", {"id": product})  # It is there.
    mongo: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo_url)
    key = str(key_of("Product", product))
    changed = await mongo["schema"][products.stored_as].update_one({"_id": key}, {"$set": FALSIFIED[field]})
    assert changed.modified_count == 1
    mongo.close()
    shown = f"{field} {{ amount }}" if field == "price" else field
    query = f"query ($id: ID!) {{ product(id: $id) {{ {shown} }} freshness {{ state }} }}"
    for _ in range(3):  # The third time a compiled query answers.
        caplog.clear()
        answer = await client.send(query, {"id": product})
        assert answer.codes == ["INTERNAL"]
        [error] = answer.body["errors"]
        assert error["path"][:2] == ["product", field]
        assert "on our side" in error["message"]
        assert answer.body["data"]["product"] is None
        assert answer.body["data"]["freshness"]
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert f"['product', '{field}'" in caplog.text
        assert not any(str(value) in caplog.text for value in FALSIFIED[field].values()), "it may be personal"


async def test_null_for_what_can_not_be_null_is_the_clients_fault_and_is_not_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    query = "query ($by: BestSellerOrder = UNITS) { sales { bestSellers(by: $by) { sku } } }"
    answer = await client.send(query, {"by": None})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["errors"][0]["path"] == ["sales", "bestSellers"]
    assert caplog.records == []
