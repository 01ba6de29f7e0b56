"""Documents of the shop that an operator has made anew in their places, whatever they are made of."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.config import Settings
from app.cqrs.documents.read_model import Document
from app.declared import READ_MODELS
from app.read_models.order_details import order_details
from app.read_models.product_listing import product_listing
from app.read_models.sales_by_day import sales_by_day
from schema.circle.ids import split_id
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop

REBUILD = """mutation ($input: RebuildReadModelInput!) { rebuildReadModel(input: $input) {
    documents { isDone position head count differing differences } errors { code message path } } }"""
FOUND = """query ($text: String) { products(filter: {search: $text}) { nodes { name } } }"""


@pytest.fixture(params=["mongodb", "fts5"])
def settings(request: pytest.FixtureRequest, mongo_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        read_cache_mb=8,
        search_engine=request.param,
    )


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with serving(settings) as running:
        yield running


@pytest.fixture
def stored(mongo: AsyncIOMotorDatabase[Document], settings: Settings) -> AsyncIOMotorDatabase[Document]:
    return mongo.client[settings.mongodb_database]


async def remade(client: Client, model: str, **choice: Any) -> dict[str, Any]:
    payload = (await client.send(REBUILD, {"input": {"readModel": model, **choice}})).data["rebuildReadModel"]
    assert payload["errors"] == []
    documents: dict[str, Any] = payload["documents"]
    assert documents["isDone"]
    assert documents["position"] == documents["head"]
    return documents


async def refused(client: Client, **choice: Any) -> dict[str, Any]:
    input = {"readModel": "PRODUCT_LISTING", **choice}
    [error] = (await client.send(REBUILD, {"input": input})).data["rebuildReadModel"]["errors"]
    refusal: dict[str, Any] = error
    return refusal


async def everything(stored: AsyncIOMotorDatabase[Document]) -> dict[str, list[Document]]:
    return {
        each.name: await stored[each.stored_as].find(sort=[("_id", 1)]).to_list()
        for model in READ_MODELS
        for each in model.collections
    }


async def test_joined_documents_and_sums_are_made_anew_by_stream_position_and_id(
    service: Service, stored: AsyncIOMotorDatabase[Document]
) -> None:
    client, shop = service.client, Shop(service.client)
    tea, cup = await shop.product(name="Tea", stock=9), await shop.product(name="Cup", stock=9)
    ada, bob = await shop.customer(name="Ada"), await shop.customer(name="Bob")
    for product, customer in ((tea, ada), (cup, ada), (tea, bob)):
        await shop.order(product=product, customer=customer)
    renamed = await client.mutate("updateCustomer", "", customerId=ada, name="Countess")
    position = renamed["receipt"]["events"][0]["position"]
    last = await shop.order(product=cup, customer=bob)
    # Each of them waits until the documents show all of that.
    everywhere = """{ orders { totalCount } customers { totalCount } products { totalCount }
        activity(first: 1) { totalCount } sales { total { orders } } order(id: "%s") { units } }"""
    assert (await client.send(everywhere % last)).data["sales"] == {"total": {"orders": 4}}
    right = await everything(stored)
    theirs = {"customer.id": split_id(ada)[1]}
    await stored[order_details.key].update_many(theirs, {"$set": {"customer.name": "Nobody", "units": 77}})
    done = await remade(client, "ORDER_DETAILS", stream=f"customer-{split_id(ada)[1]}")
    assert (done["count"], done["differing"]) == (2, 2)
    assert done["differences"][0].endswith(" differs in customer.name, units")
    assert await everything(stored) == right
    days = sales_by_day.collections
    for each in days:
        await stored[each.stored_as].update_many({}, {"$inc": {"units": 5}})
    day = right["sales_by_day_days"][0]["_id"]
    done = await remade(client, "SALES_BY_DAY", documentId=f"sales_by_day_days/{day}")
    assert done["differences"] == [f"sales_by_day_days/{day} differs in units"]
    done = await remade(client, "SALES_BY_DAY", fromPosition="1")
    assert done["differing"] == sum(len(right[each.name]) for each in days) - 1
    assert await everything(stored) == right
    for model in READ_MODELS:
        for each in model.collections:
            await stored[each.stored_as].update_many(
                {"position": {"$gte": int(position)}}, {"$unset": {"at": 1}}
            )
            await stored[each.stored_as].insert_one({"_id": "ghost", "position": int(position)})
        await remade(client, model.name.upper(), fromPosition=position)
    assert await everything(stored) == right


async def test_answers_searches_and_followers_show_what_was_made_right(
    service: Service, stored: AsyncIOMotorDatabase[Document]
) -> None:
    client = service.client
    tea, _cup = [await Shop(client).product(name=name) for name in ("Tea", "Cup")]
    one = "query ($id: ID!) { product(id: $id) { name } }"
    follow = "subscription ($id: ID!) { productUpdated(id: $id) { reset product { name } } }"
    async with client.subscribe(follow, {"id": tea}) as followed:
        await followed.next()
        await stored[product_listing.key].update_one(
            {"_id": split_id(tea)[1]},
            {"$set": {"name": "Tar", "words": ["tar"], "terms": ["tar"], "near": []}},
        )
        for _ in range(3):
            assert (await client.send(one, {"id": tea})).data["product"] == {"name": "Tar"}
        assert (await remade(client, "PRODUCT_LISTING", documentId=tea))["differing"] == 1
        assert (await client.send(one, {"id": tea})).data["product"] == {"name": "Tea"}
        assert await followed.next() == {"reset": True, "product": {"name": "Tea"}}
    found = await client.send(FOUND, {"text": "tea"})
    assert found.data["products"]["nodes"] == [{"name": "Tea"}]
    await stored[product_listing.key].delete_one({"_id": split_id(tea)[1]})
    await remade(client, "PRODUCT_LISTING", documentId=f"product_listing/{split_id(tea)[1]}")
    found = await client.send(FOUND, {"text": "tea"})
    assert found.data["products"]["nodes"] == [{"name": "Tea"}]
    assert (await client.mutate("updateProduct", "", productId=tea, name="Chai"))["errors"] == []
    found = await client.send(FOUND, {"text": "chai"})
    assert found.data["products"]["nodes"] == [{"name": "Chai"}]


async def test_a_choice_that_is_none_is_refused(service: Service) -> None:
    product = await Shop(service.client).product()
    assert (await service.client.send("query ($id: ID!) { product(id: $id) { id } }", {"id": product})).data
    for choice in (
        {"stream": "product-1", "fromPosition": "1"},
        {"stream": "product-1", "verify": True},
        {"fromPosition": "1", "acceptDifferences": True},
    ):
        error = await refused(service.client, **choice)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", [*choice][-1]])
        assert error["message"].startswith("Choose documents in one way: by `documentId`, `stream` or")
    for nothing in ({"stream": ""}, {"documentId": ""}, {"fromPosition": "0"}):
        error = await refused(service.client, **nothing)
        assert error["message"] == "This chooses nothing. Give an id, a stream, or a position from 1 on."
        assert error["path"] == ["input", *nothing]
    for missing in ({"documentId": "no-such"}, {"stream": "order-1"}, {"fromPosition": "999999"}):
        error = await refused(service.client, **missing)
        assert (error["code"], error["path"]) == ("REBUILD_REFUSED", ["input", *missing])
