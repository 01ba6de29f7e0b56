"""A read model that an operator rebuilds while the service is used: who notices what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.config import Settings
from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.rebuilding.records import RebuildState
from app.read_models.product_listing import product_listing
from schema.circle.ids import split_id
from tests.faults.checks.documents import REBUILT, documents
from tests.faults.checks.documents import rebuild as build_anew
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop

PATIENCE = 30.0
REBUILD = """mutation ($input: RebuildReadModelInput!) { rebuildReadModel(input: $input) {
    rebuild { readModel state startedAt } errors { __typename code message path } } }"""
ABORT = """mutation { abortRebuild(input: {readModel: PRODUCT_LISTING}) {
    rebuild { state } errors { __typename code message path } } }"""
ROLL_BACK = """mutation { rollBackReadModel(input: {readModel: PRODUCT_LISTING}) {
    rebuild { state keptUntil } errors { __typename code message path } } }"""
PROGRESS = """rebuildProgress { readModel state position head eventsPerSecond secondsLeft startedAt keptUntil
    reason }"""
PRODUCTS = "{ products(first: 100) { totalCount nodes { id name position available } } }"


@pytest.fixture(params=[("mongodb", 0), ("mongodb", 1), ("fts5", 1)], ids=["mongodb", "apart", "fts5-apart"])
def settings(request: pytest.FixtureRequest, mongo_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        read_cache_mb=8,
        search_engine=request.param[0],
        build_apart_events=request.param[1],
        heartbeat=60.0,
    )


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with serving(settings) as running:
        yield running


async def rebuild(client: Client, **options: Any) -> dict[str, Any]:
    answer = await client.send(REBUILD, {"input": {"readModel": "PRODUCT_LISTING", **options}})
    payload: dict[str, Any] = answer.data["rebuildReadModel"]
    return payload


async def ends(client: Client, *states: str) -> dict[str, Any]:
    """Follows the progress until the rebuild is in one of these states, and returns it then."""
    async with asyncio.timeout(PATIENCE), client.subscribe(f"subscription {{ {PROGRESS} }}") as reports:
        while True:
            for each in await reports.next():
                if each["state"] in states:
                    found: dict[str, Any] = each
                    return found


def serving_now(service: Service) -> ReadModel:
    return service.circle.rebuilds.serving["product_listing"].model


async def test_readers_writers_and_followers_go_on_while_a_read_model_is_rebuilt(
    service: Service, settings: Settings
) -> None:
    client, shop = service.client, Shop(service.client)
    teas = [await shop.product(name=f"Tea {number}", stock=5) for number in range(20)]
    page = (await client.send(PRODUCTS)).data
    assert (await client.send(PRODUCTS)).data == page
    first_page = await client.send("{ products(first: 7) { pageInfo { endCursor } } }")
    cursor = first_page.data["products"]["pageInfo"]["endCursor"]
    ended = asyncio.Event()
    reads = 0

    async def read_and_write(number: int) -> None:
        """A client of its own, who must always see what it has done, and get no error."""
        nonlocal reads
        own = Client(client.url, client.http)
        own_shop, renamed = Shop(own), 0
        product = await own_shop.product(name=f"Mine {number}")
        while not ended.is_set():
            renamed += 1
            done = await own.mutate("updateProduct", "", productId=product, name=f"Mine {number} {renamed}")
            assert done["errors"] == []
            query = """query ($id: ID!) { product(id: $id) { name }
                products(filter: {search: "mine"}) { totalCount } }"""
            answer = await own.send(query, {"id": product})
            assert answer.data["product"]["name"] == f"Mine {number} {renamed}"
            assert answer.data["products"]["totalCount"] >= 1
            reads += 1

    follow = "subscription { readModelUpdates(readModels: [PRODUCT_LISTING]) { __typename } }"
    one = "subscription ($id: ID!) { productUpdated(id: $id) { reset product { name } } }"
    live = """subscription { productsUpdated(first: 3) { reset } }"""
    async with (
        client.subscribe(follow) as changes,
        client.subscribe(one, {"id": teas[0]}) as followed,
        client.subscribe(live) as listed,
        asyncio.timeout(PATIENCE),
        asyncio.TaskGroup() as clients,
    ):
        assert (await changes.next())["__typename"] == "Heartbeat"
        assert (await followed.next())["reset"] is False
        assert (await listed.next())["reset"] is False
        for number in range(4):
            clients.create_task(read_and_write(number))
        began = await rebuild(client)
        assert began["errors"] == []
        assert began["rebuild"]["readModel"] == "PRODUCT_LISTING"
        done = await ends(client, "SWITCHED")
        assert (done["reason"], done["eventsPerSecond"], done["secondsLeft"]) == (None, 0, None)
        assert done["keptUntil"] is not None
        while (await changes.next())["__typename"] != "Reset":
            pass
        assert (await changes.next())["__typename"] == "DocumentChanged", "they go on after the reset"
        assert await followed.next() == {"reset": True, "product": {"name": "Tea 0"}}
        while not (await listed.next())["reset"]:
            pass
        ended.set()
    assert reads >= 4
    again = await client.send(
        "query ($after: String) { products(first: 3, after: $after) { nodes { id } } }", {"after": cursor}
    )
    assert len(again.data["products"]["nodes"]) == 3, "a cursor from before is valid"
    assert serving_now(service).generation.number == 2
    url = str(settings.mongodb_url)
    await build_anew(f"sqlite+aiosqlite:///{settings.write_store}", url)
    found = (await documents(url, settings.mongodb_database))["product_listing"]
    assert len(found) == 24
    assert found == (await documents(url, REBUILT))["product_listing"], "they equal those of a fresh build"


async def test_a_comparison_finds_a_tampered_document_and_kept_answers_are_forgotten(
    service: Service, settings: Settings, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    client, shop = service.client, Shop(service.client)
    tea, _coffee = [await shop.product(name=name) for name in ("Tea", "Coffee")]
    kept = 'query ($id: ID!) { product(id: $id) { name } products(filter: {search: "tea"}) { totalCount } }'
    key = split_id(tea)[1]
    documents = mongo.client[settings.mongodb_database][product_listing.key]
    await client.send(PRODUCTS)
    await documents.update_one({"_id": key}, {"$set": {"name": "Tee"}})
    for _ in range(3):
        assert (await client.send(kept, {"id": tea})).data["product"] == {"name": "Tee"}
    await rebuild(client, verify=True, keepSeconds=60)
    told = await ends(client, "DIFFERENT")
    assert told["reason"] == f"1 of 2 documents differ: product_listing/{key} differs in name"
    assert (await client.send(kept, {"id": tea})).data["product"] == {"name": "Tee"}, "it has not switched"
    refused = await rebuild(client)
    assert [each["code"] for each in refused["errors"]] == ["REBUILD_REFUSED"]
    assert "is under way since" in refused["errors"][0]["message"]
    await rebuild(client, acceptDifferences=True)
    await ends(client, "SWITCHED")
    answer = await client.send(kept, {"id": tea})
    assert answer.data == {"product": {"name": "Tea"}, "products": {"totalCount": 1}}
    payload = (await client.send(ROLL_BACK)).data["rollBackReadModel"]
    assert payload == {"rebuild": {"state": "ROLLED_BACK", "keptUntil": None}, "errors": []}
    assert (await client.send(kept, {"id": tea})).data["product"] == {"name": "Tee"}
    changed = await client.mutate("updateProduct", "", productId=tea, name="Chai")
    assert changed["errors"] == []
    assert (await client.send(kept, {"id": tea})).data["product"] == {"name": "Chai"}


async def test_what_can_not_be_done_is_refused_with_what_to_do(service: Service) -> None:
    client = service.client
    await Shop(client).product()
    assert (await client.send(f"{{ {PROGRESS} }}")).data == {"rebuildProgress": []}
    for text, field, said in (
        (ABORT, "abortRebuild", "No rebuild of product_listing is under way."),
        (ROLL_BACK, "rollBackReadModel", "later only another rebuild helps."),
    ):
        payload = (await client.send(text)).data[field]
        assert payload["rebuild"] is None
        [error] = payload["errors"]
        assert error["__typename"] == "RebuildRefused"
        assert error["path"] == ["input", "readModel"]
        assert said in error["message"]
    [error] = (await rebuild(client, keepSeconds=-1))["errors"]
    assert error["path"] == ["input", "keepSeconds"]
    assert error["message"].startswith("The former documents can't be kept for -1 seconds. Choose 0 to")
    [error] = (await rebuild(client, acceptDifferences=True))["errors"]
    assert "could be accepted" in error["message"]
    assert error["path"] == ["input", "acceptDifferences"]


async def test_an_aborted_rebuild_changes_nothing_and_a_restarted_service_serves_the_new_documents(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(settings) as service:
        await Shop(service.client).product(name="Tea")
        with monkeypatch.context() as held:
            held.setattr("app.cqrs.rebuilding.rebuilder.Rebuilder._advance", _never)
            assert (await rebuild(service.client))["rebuild"]["state"] == "BUILDING"
            payload = (await service.client.send(ABORT)).data["abortRebuild"]
            assert payload == {"rebuild": {"state": "ABORTED"}, "errors": []}
        await rebuild(service.client)
        await ends(service.client, "SWITCHED")
        token = service.client.seen
    async with serving(settings) as service:
        service.client.seen = token
        assert serving_now(service).generation.number == 3
        page = (await service.client.send(PRODUCTS)).data["products"]
        assert [node["name"] for node in page["nodes"]] == ["Tea"]
        [told] = (await service.client.send(f"{{ {PROGRESS} }}")).data["rebuildProgress"]
        assert told["state"] == RebuildState.SWITCHED.value
        payload = (await service.client.send(ROLL_BACK)).data["rollBackReadModel"]
        assert payload["errors"] == []
        assert serving_now(service).generation.number == 1


async def _never(*_: object) -> None:
    """Leaves a rebuild as it is."""
