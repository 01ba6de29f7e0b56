"""Caches keep answers to GET requests and ask each time; an answer that is the same is not sent again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.known_tokens import STAFF, KnownTokens
from tests.schema.client import Client
from tests.schema.shop import Shop

PRODUCT = "query ($id: ID!) { product(id: $id) { name onHand } }"
GRAPHQL = "application/graphql-response+json"
TIMES = 4
"""The answer is strawberry's own at first, then a compiled one, and then one from memory."""


async def get(
    client: Client, query: str, variables: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    parameters = {"query": query, "variables": orjson.dumps(variables or {}).decode()}
    named = {"Consistency-Token": client.seen, **{name.replace("_", "-"): v for name, v in headers.items()}}
    return await client.http.get(f"{client.url}/graphql", params=parameters, headers=named)


async def test_the_same_answer_is_not_sent_again_and_another_one_is(client: Client, shop: Shop) -> None:
    product = {"id": await shop.product(stock=1)}
    tags = set()
    for _ in range(TIMES):
        whole = await get(client, PRODUCT, product)
        assert whole.status_code == 200
        assert whole.headers["Cache-Control"] == "private, no-cache"
        tags.add(whole.headers["ETag"])
    [tag] = tags
    assert tag.startswith('W/"'), "the extensions tell the moment, so the bytes may differ"

    for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        same = await get(client, PRODUCT, product, If_None_Match=sent)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["ETag"] == tag
        assert same.headers["Cache-Control"] == "private, no-cache"
        assert same.headers["Vary"] == "Accept, Authorization"
        assert same.headers["Consistency-Token"] >= client.seen
        assert "Content-Type" not in same.headers
    for sent in ("", '"other"', tag[:-1], f'W/"x{tag[3:]}', '"', "garbage, *"):
        assert (await get(client, PRODUCT, product, If_None_Match=sent)).status_code == 200


async def test_a_change_is_never_hidden_by_a_tag(client: Client, shop: Shop) -> None:
    product = {"id": await shop.product(stock=1)}
    tag, tags = '"none"', set()
    for units in range(1, 16):
        for _ in range(2):
            answer = await get(client, PRODUCT, product, If_None_Match=tag)
            if answer.status_code == 304:
                continue
            assert answer.json()["data"]["product"]["onHand"] == units
            tag = answer.headers["ETag"]
            assert tag not in tags
            tags.add(tag)
        await client.mutate("receiveStock", "", productId=product["id"], quantity=1)
    assert len(tags) == 15


async def test_events_of_others_change_no_tag(client: Client, shop: Shop) -> None:
    product = {"id": await shop.product()}
    tag = (await get(client, PRODUCT, product)).headers["ETag"]
    await shop.customer()
    await shop.product()
    assert (await get(client, PRODUCT, product, If_None_Match=tag)).status_code == 304


async def test_each_media_type_has_tags_of_its_own(client: Client, shop: Shop) -> None:
    product = {"id": await shop.product()}
    tag = (await get(client, PRODUCT, product, Accept="application/json")).headers["ETag"]
    other = await get(client, PRODUCT, product, Accept=GRAPHQL, If_None_Match=tag)
    assert (other.status_code, other.headers["Content-Type"]) == (200, GRAPHQL)
    assert other.headers["ETag"] != tag


async def test_what_is_refused_or_has_no_data_is_stored_by_no_cache(client: Client) -> None:
    answers = [await get(client, "{ nothing }", Accept=accept) for accept in ("application/json", GRAPHQL)]
    answers += [await get(client, "mutation { __typename }")]
    answers += [await client.http.get(f"{client.url}/graphql")]
    unknown = orjson.dumps({"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}).decode()
    answers += [await client.http.get(f"{client.url}/graphql", params={"extensions": unknown})]
    answers += [await get(client, "{ products { totalCount } }", Consistency_Token="garbage")]
    answers += [await client.http.put(f"{client.url}/graphql")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers


async def test_the_tag_of_an_answer_with_a_failed_field_is_that_of_the_failure(client: Client) -> None:
    query = '{ product(id: "x") { name } products(first: 1) { totalCount } }'
    failed = await get(client, query)
    assert failed.json()["errors"]
    assert (await get(client, query, If_None_Match=failed.headers["ETag"])).status_code == 304


async def test_answers_to_post_requests_have_no_tag(client: Client) -> None:
    for _ in range(TIMES):
        answer = await client.send("{ products(first: 1) { totalCount } }")
        assert {"ETag", "Cache-Control"}.isdisjoint(answer.headers)


@pytest.fixture
async def guarded(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    async with serving(settings, KnownTokens({"staff": STAFF})) as service:
        yield service


async def test_an_answer_is_public_if_nobody_in_particular_asks(guarded: Service) -> None:
    client, staff = guarded.client, {"Authorization": "Bearer staff"}
    client.http.headers.update(staff)
    product = {"id": await Shop(client).product(stock=1)}
    query = "query ($id: ID!) { product(id: $id) { name onHand unitsSold } }"
    own = await get(client, query, product)
    assert own.headers["Cache-Control"] == "private, no-cache"
    del client.http.headers["Authorization"]
    for _ in range(TIMES):
        anonymous = await get(client, query, product, If_None_Match=own.headers["ETag"])
        shown = anonymous.status_code == 200
        assert anonymous.headers["Cache-Control"] == "public, no-cache"
        assert shown == (anonymous.headers["ETag"] != own.headers["ETag"])
        again = await get(client, query, product, If_None_Match=anonymous.headers["ETag"], **staff)
        assert (again.status_code == 304) != shown
        assert again.headers["Cache-Control"] == "private, no-cache"
    cookie = await get(client, query, product, Cookie="diptych-token=staff", Sec_Fetch_Site="same-origin")
    assert cookie.headers["Cache-Control"] == "private, no-cache"


async def test_viewers_who_see_different_things_never_share_a_tag(guarded: Service) -> None:
    client, staff = guarded.client, {"Authorization": "Bearer staff"}
    client.http.headers.update(staff)
    customer = {"id": await Shop(client).customer()}
    query = "query ($id: ID!) { customer(id: $id) { name } }"
    seen = await get(client, query, customer)
    assert seen.json()["data"] == {"customer": {"name": "Ada"}}
    del client.http.headers["Authorization"]
    for _ in range(TIMES):
        anonymous = await get(client, query, customer, If_None_Match=seen.headers["ETag"])
        assert anonymous.status_code == 200
        assert anonymous.json()["data"] == {"customer": None}
        assert (
            await get(client, query, customer, If_None_Match=seen.headers["ETag"], **staff)
        ).status_code == 304
