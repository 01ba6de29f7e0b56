"""A viewer who asks for more than their budget is told how long to wait, over every transport."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect

from app.config import Settings
from schema.circle.ids import global_id
from tests.inprocess import Service, serving
from tests.known_tokens import STAFF, KnownTokens, customer
from tests.schema.client import Answer
from tests.schema.shop import Shop

JSON, GRAPHQL_JSON = "application/json", "application/graphql-response+json"
PAGE = "{ products(first: 20) { nodes { id name } } }"
POINTS, COMMANDS = 600, 60
STATE = {"maximum": POINTS, "restoreRate": pytest.approx(POINTS / 60)}


@pytest.fixture
async def counting(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A service that counts, with a viewer who has not asked for anything in each test."""
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name[:30],
        points_per_minute=POINTS,
        commands_per_minute=COMMANDS,
        trusted_proxies="127.0.0.1",
        read_cache_mb=8,
    )
    tokens = KnownTokens({"clerk": STAFF, "ada": customer("1"), "bob": customer("2")})
    async with serving(settings, tokens) as service:
        service.client.http.headers["Authorization"] = "Bearer clerk"
        yield service


async def ask(
    service: Service, query: str, *, token: str | None = "ada", accept: str = GRAPHQL_JSON, address: str = ""
) -> Answer:
    headers = {"Accept": accept, "Authorization": f"Bearer {token}" if token else ""}
    headers |= {"X-Forwarded-For": address} if address else {}
    if not token:
        async with httpx.AsyncClient(verify=False) as http:
            del headers["Authorization"]
            response = await http.post(
                f"{service.client.url}/graphql", json={"query": query}, headers=headers
            )
    else:
        response = await service.client.http.post(
            f"{service.client.url}/graphql", json={"query": query}, headers=headers
        )
    return Answer(response.status_code, response.headers, response.json())


async def until_throttled(service: Service, query: str, **how: Any) -> tuple[int, Answer]:
    """The number of answers until one is throttled, and that one."""
    for number in range(200):
        answer = await ask(service, query, **how)
        if answer.codes:
            return number, answer
    raise AssertionError("nothing was throttled")


async def test_each_answer_says_what_it_cost_and_what_is_left(counting: Service) -> None:
    await Shop(counting.client).product()
    await counting.client.send(PAGE)  # waits for what was written
    seen = []
    for _ in range(6):
        cost = (await ask(counting, PAGE)).body["extensions"]["cost"]
        assert cost["requested"] >= cost["actual"] >= 1
        assert {name: cost[name] for name in STATE} == STATE
        seen.append((cost["actual"], cost["left"]))
    assert counting.operations.compiled.recalled >= 2, "kept answers are charged, too"
    actual = [cost for cost, _ in seen]
    assert actual == [actual[0]] * 6
    for (_, before), (cost, after) in pairwise(seen):
        assert before - cost - 1 <= after <= before - cost + POINTS / 60  # a part has come back meanwhile


async def test_what_is_left_is_each_viewers_own_in_an_answer_that_they_share(counting: Service) -> None:
    await Shop(counting.client).product()
    for _ in range(10):
        await ask(counting, PAGE, token="ada")
    hers = (await ask(counting, PAGE, token="ada")).body
    his = (await ask(counting, PAGE, token="bob")).body
    assert hers["data"] == his["data"]
    assert his["extensions"]["cost"]["left"] > hers["extensions"]["cost"]["left"] + 50


async def test_what_an_answer_cost_does_not_tell_a_strangers_order_from_none(counting: Service) -> None:
    """At first sight, compiled, and kept."""
    order = await Shop(counting.client).order()
    await counting.client.send(PAGE)  # waits for what was written
    missing = global_id("Order", uuid4())
    costs = []
    for id in (order, missing):
        query = f'{{ order(id: "{id}") {{ units }} node(id: "{id}") {{ id }} nodes(ids: ["{id}"]) {{ id }} }}'
        answers = [await ask(counting, query) for _ in range(4)]
        assert all(each.data == {"order": None, "node": None, "nodes": [None]} for each in answers)
        costs.append([each.body["extensions"]["cost"]["actual"] for each in answers])
    assert costs[0] == costs[1]


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_JSON, 429), (JSON, 200)])
async def test_who_has_spent_it_is_told_when_to_come_back(
    counting: Service, accept: str, status: int
) -> None:
    await Shop(counting.client).product()
    answered, refused = await until_throttled(counting, PAGE, accept=accept)
    assert answered > 5
    assert (refused.status, refused.codes) == (status, ["THROTTLED"])
    [error] = refused.body["errors"]
    wait = error["extensions"]["retryAfter"]
    assert refused.headers["Retry-After"] == str(wait)
    assert 1 <= wait <= 60
    assert error["message"].endswith(f"Try again in {wait} s.")
    assert "data" not in refused.body
    assert not (await ask(counting, PAGE, token="bob")).codes, "nobody else is held up"


async def test_after_the_wait_it_goes_on(counting: Service) -> None:
    heavy = "{ products(first: 100) { nodes { id sold: unitsSold } } }"
    await Shop(counting.client).product()
    _, refused = await until_throttled(counting, heavy)
    wait = refused.body["errors"][0]["extensions"]["retryAfter"]
    began = monotonic()
    while monotonic() < began + wait - 1:
        assert (await ask(counting, heavy)).codes == ["THROTTLED"]
    while monotonic() < began + wait:
        await ask(counting, "{ __typename }", token="bob")
    async with asyncio.timeout(60):  # The answer may have been dropped from memory, and then costs more.
        while (await ask(counting, heavy)).codes:
            await ask(counting, "{ __typename }", token="bob")


async def test_what_may_never_be_paid_is_beyond_the_limit(counting: Service) -> None:
    fields = " ".join(f"p{number}: products(first: 100) {{ nodes {{ id }} }}" for number in range(20))
    answer = await ask(counting, f"{{ {fields} }}")
    assert (answer.status, answer.codes) == (400, ["LIMIT_EXCEEDED"])
    assert f"you may spend {POINTS:,} a minute" in answer.body["errors"][0]["message"]


async def test_commands_have_a_budget_of_their_own(counting: Service) -> None:
    mutation = (
        'mutation { addProduct(input: { sku: "!", name: "", category: "", unitPrice: { amount: "1" } }) '
    )
    mutation += "{ errors { code } } }"
    sent, refused = await until_throttled(counting, mutation, token="clerk")
    assert COMMANDS <= sent <= COMMANDS + 20
    assert refused.body["errors"][0]["extensions"]["cost"]["maximum"] == COMMANDS
    assert not (await ask(counting, PAGE, token="clerk")).codes


async def test_the_anonymous_are_counted_by_their_addresses_as_the_proxy_says(counting: Service) -> None:
    await Shop(counting.client).product()
    heavy = '{ products(first: 100, filter: { search: "no such" }) { nodes { id name } } }'
    await until_throttled(counting, PAGE, token=None, address="203.0.113.7")
    assert (await ask(counting, heavy, token=None, address="203.0.113.7")).codes == ["THROTTLED"]
    # Inventing hops before the proxy's own entry does not help.
    assert (await ask(counting, heavy, token=None, address="8.8.8.8, 203.0.113.7")).codes == ["THROTTLED"]
    assert not (await ask(counting, PAGE, token=None, address="203.0.113.8")).codes
    assert not (await ask(counting, PAGE, token="ada", address="203.0.113.7")).codes


@pytest.mark.parametrize("text", ["{ nothing }", "{ products(first: 1) {", "{ products }"])
async def test_texts_that_are_refused_are_charged_by_their_length(counting: Service, text: str) -> None:
    padded = text + "#" + "x" * 20_000
    refused, throttled = await until_throttled_by(counting, padded)
    assert 1 < refused < 10
    assert throttled.codes == ["THROTTLED"]


async def until_throttled_by(service: Service, text: str) -> tuple[int, Answer]:
    for number in range(100):
        answer = await ask(service, text)
        if answer.codes == ["THROTTLED"]:
            return number, answer
    raise AssertionError("nothing was throttled")


async def test_a_socket_and_its_subscriptions_are_counted(counting: Service) -> None:
    product = await Shop(counting.client).product()
    text = f'subscription {{ productUpdated(id: "{product}") {{ cursor }} }}'
    url = counting.client.url.replace("http://", "ws://") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": "Bearer ada"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        for number in range(400):
            asked = {"type": "subscribe", "id": str(number), "payload": {"query": text}}
            await socket.send(json.dumps(asked))
            message = json.loads(await socket.recv())
            if message["type"] == "error":
                break
            await socket.send(json.dumps({"type": "complete", "id": str(number)}))
        [error] = message["payload"]
        assert error["extensions"]["code"] == "THROTTLED"
        assert 50 < number < 150
        query = {"type": "subscribe", "id": "query", "payload": {"query": PAGE}}
        await socket.send(json.dumps(query))
        message = json.loads(await socket.recv())
        assert message["payload"][0]["extensions"]["code"] == "THROTTLED"
    assert (await ask(counting, PAGE)).codes == ["THROTTLED"], "it is the same viewer"
