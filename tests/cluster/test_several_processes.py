"""The promises of one process, kept by several: each request goes to another one than the last."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cqrs.documents.generations import Generation
from tests.cluster.cluster import Cluster, open_cluster

pytestmark = pytest.mark.campaign

PATIENCE = 60
"""Seconds for something that takes less than three, on a machine that has other things to do."""

ADD = """mutation ($sku: String!, $id: UUID) { addProduct(input: {
  commandId: $id, sku: $sku, name: "Tea", category: "Tea", unitPrice: {amount: "1"}
}) { product { id onHand } receipt { commandId token } errors { code } } }"""
RECEIVE = """mutation ($product: ID!) { receiveStock(input: {productId: $product, quantity: 1}) {
  receipt { commandId token } errors { code } } }"""
ON_HAND = "query ($product: ID!) { node(id: $product) { ... on Product { onHand } } }"
STATUS = "query ($id: UUID!) { commandStatus(commandId: $id) { state } }"
FRESHNESS = "{ freshness { readModel state position } }"
REBUILD_ONE = """mutation ($product: String) {
    rebuildReadModel(input: {readModel: PRODUCT_LISTING, documentId: $product}) {
        documents { isDone count differing } errors { message } } }"""
REBUILD = """mutation { rebuildReadModel(input: {readModel: PRODUCT_LISTING, keepSeconds: 600}) {
  errors { code message } } }"""
ROLL_BACK = "mutation { rollBackReadModel(input: {readModel: PRODUCT_LISTING}) { errors { code message } } }"
REBUILDS = "{ rebuildProgress { readModel state } }"


class Clients:
    """A client that is sent to another query process at every request, and echoes its token."""

    def __init__(self, cluster: Cluster, http: httpx.AsyncClient) -> None:
        self.urls = [f"{each.url}/graphql" for each in cluster.of("query")]
        self._turn = cycle(self.urls)
        self._http = http
        self.token: str | None = None

    async def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Return the data of an answer without errors."""
        headers = {"Consistency-Token": self.token} if self.token else {}
        body = {"query": query, "variables": variables}
        answer = await self._http.post(next(self._turn), json=body, headers=headers)
        assert "errors" not in answer.json(), answer.text
        self.token = max(filter(None, (self.token, answer.headers.get("consistency-token"))))
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def until(self, query: str, is_so: Any) -> dict[str, Any]:
        """Ask until an answer fits, at most for `PATIENCE` seconds."""
        async with asyncio.timeout(PATIENCE):
            while not is_so(data := await self.ask(query)):
                pass
        return data

    async def add(self) -> str:
        """Add a product, and return its id."""
        added = (await self.ask(ADD, sku=f"T-{uuid4().hex[:8]}"))["addProduct"]
        assert not added["errors"]
        return str(added["product"]["id"])

    @asynccontextmanager
    async def following(self, url: str, query: str, **variables: object) -> AsyncIterator[AsyncIterator[Any]]:
        """Subscribe at one process, and yield the items."""
        body = {"query": query, "variables": variables}
        headers = {"Accept": "text/event-stream"}
        async with self._http.stream("POST", url, json=body, headers=headers) as answer:
            yield (
                json.loads(line.removeprefix("data: "))["data"]
                async for line in answer.aiter_lines()
                if line.startswith("data: {")
            )


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with open_cluster() as cluster:
        await cluster.start()
        await cluster.until_ready()
        yield cluster


@pytest.fixture
async def clients(cluster: Cluster) -> AsyncIterator[Clients]:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        yield Clients(cluster, http)


async def holders(cluster: Cluster) -> Sequence[str]:
    """Return the names of the projectors that hold leases."""
    held = []
    for process in cluster.of("projector"):
        answer = await process.asked("/metrics")
        assert answer
        if "diptych_leases_held 0.0" not in answer.text:
            held.append(process.name)
    return held


async def test_each_process_shows_what_a_client_wrote_through_another(clients: Clients) -> None:
    product = await clients.add()
    for received in range(1, 51):
        status = (await clients.ask(RECEIVE, product=product))["receiveStock"]
        assert not status["errors"]
        assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": received}
    found = await clients.ask(STATUS, id=status["receipt"]["commandId"])
    assert found["commandStatus"]["state"] in ("COMMITTED", "PROJECTED")


async def test_a_command_that_is_repeated_through_another_process_takes_effect_once(
    clients: Clients,
) -> None:
    sku, id = f"T-{uuid4().hex[:8]}", str(uuid4())
    first, second = [(await clients.ask(ADD, sku=sku, id=id))["addProduct"] for _ in range(2)]
    assert first["receipt"] == second["receipt"]
    refused = (await clients.ask(ADD, sku=sku, id=str(uuid4())))["addProduct"]
    assert [each["code"] for each in refused["errors"]] == ["DUPLICATE_SKU"]


async def test_a_subscriber_goes_on_at_another_process(clients: Clients) -> None:
    product = await clients.add()
    query = """subscription ($id: ID!, $after: ConsistencyToken) {
      productUpdated(id: $id, after: $after) { cursor product { onHand } } }"""
    seen, after = list[int](), None
    for received in range(1, 7):
        url = clients.urls[received % 2]
        async with clients.following(url, query, id=product, after=after) as items:
            if after is None:
                await anext(items)
            await clients.ask(RECEIVE, product=product)
            item = (await anext(items))["productUpdated"]
        after = item["cursor"]
        seen.append(item["product"]["onHand"])
    assert seen == [1, 2, 3, 4, 5, 6]


async def test_a_listener_to_all_changes_resumes_at_another_process_without_a_gap(clients: Clients) -> None:
    query = """subscription ($after: ConsistencyToken) {
      readModelUpdates(readModels: [PRODUCT_LISTING], after: $after) {
        ... on DocumentChanged { cursor documentId } ... on Heartbeat { cursor }
        ... on Lagged { cursor __typename } ... on Reset { cursor __typename } } }"""
    product = await clients.add()
    first, second = clients.urls
    async with clients.following(first, query) as items:
        beginning = (await anext(items))["readModelUpdates"]["cursor"]
    for _ in range(5):
        await clients.ask(RECEIVE, product=product)
    await clients.ask(ON_HAND, product=product)
    async with clients.following(second, query, after=beginning) as items:
        resumed = [(await anext(items))["readModelUpdates"] for _ in range(5)]
    assert all("documentId" in each for each in resumed), resumed


async def test_another_projector_goes_on_when_one_is_killed(clients: Clients, cluster: Cluster) -> None:
    [name] = await holders(cluster)
    projector = next(each for each in cluster.processes if each.name == name)
    product = await clients.add()
    await projector.kill()
    await clients.ask(RECEIVE, product=product)
    async with asyncio.timeout(PATIENCE):
        await clients.until(FRESHNESS, lambda data: all(e["state"] == "LIVE" for e in data["freshness"]))
    await projector.start()
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 1}


async def test_kept_answers_and_cursors_outlive_a_rebuild_that_any_process_starts(
    clients: Clients,
) -> None:
    product = await clients.add()
    started = (await clients.ask(REBUILD))["rebuildReadModel"]
    assert not started["errors"], started
    await clients.until(REBUILDS, lambda data: any(e["state"] == "SWITCHED" for e in data["rebuildProgress"]))
    for received in range(1, 11):
        await clients.ask(RECEIVE, product=product)
        assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": received}
    assert not (await clients.ask(ROLL_BACK))["rollBackReadModel"]["errors"]
    await clients.ask(RECEIVE, product=product)
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 11}


async def test_any_process_has_documents_made_anew(clients: Clients) -> None:
    product = await clients.add()
    await clients.ask(RECEIVE, product=product)
    async with asyncio.timeout(PATIENCE):
        while True:
            made = (await clients.ask(REBUILD_ONE, product=product))["rebuildReadModel"]
            assert not made["errors"], made
            if made["documents"]["isDone"]:
                break
    assert (made["documents"]["count"], made["documents"]["differing"]) == (1, 0)
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 1}


async def test_queries_go_on_without_nats_and_commands_once_it_is_back(
    clients: Clients, cluster: Cluster
) -> None:
    product = await clients.add()
    await clients.ask(RECEIVE, product=product)
    await cluster.nats.kill()
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 1}
    await cluster.nats.start()
    await clients.ask(RECEIVE, product=product)
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 2}


async def test_commits_are_heard_of_at_once_while_nats_has_no_streams(
    clients: Clients, cluster: Cluster
) -> None:
    product = await clients.add()
    await cluster.nats.stop()
    cluster.nats.has_streams = False
    await cluster.nats.start()
    await clients.ask(RECEIVE, product=product)  # once all have connected again
    took = []
    for _ in range(20):
        began = monotonic()
        await clients.ask(RECEIVE, product=product)
        await clients.ask(ON_HAND, product=product)
        took.append(monotonic() - began)
    cluster.nats.has_streams = True
    await cluster.nats.stop()
    await cluster.nats.start()
    await clients.ask(RECEIVE, product=product)
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 22}
    assert sorted(took)[10] < 0.5, "they would hear of it within a second, as when a notification is lost"


async def test_queries_go_on_while_mongodb_has_no_primary(clients: Clients, cluster: Cluster) -> None:
    product = await clients.add()
    await clients.ask(RECEIVE, product=product)
    await clients.ask(ON_HAND, product=product)
    nodes = {node.address: node for node in cluster.mongo.nodes}
    read_from = {nodes[(await each.detail())["readsFrom"]] for each in cluster.of("query")}
    left = next(iter(read_from))
    for node in set(nodes.values()) - {left}:
        await node.kill()
    try:
        assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 1}
        async with asyncio.timeout(PATIENCE):
            while not all([(await each.asked("/health/ready")) for each in cluster.of("query")]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 1}
    finally:
        for node in nodes.values():
            await node.start()
    await clients.ask(RECEIVE, product=product)
    assert (await clients.ask(ON_HAND, product=product))["node"] == {"onHand": 2}


async def test_a_process_without_the_role_says_where_graphql_is(cluster: Cluster) -> None:
    for role in ("command", "projector"):
        answer = await cluster.of(role)[0].asked("/graphql")
        assert answer
        assert answer.status_code == 421
        assert f"has the roles {role}. GraphQL is served by those with the role query." in answer.text


async def test_a_process_with_another_time_zone_says_that_nobody_projects_its_documents(
    clients: Clients, cluster: Cluster
) -> None:
    await clients.add()  # With an empty log, documents that nobody has begun are complete.
    odd = cluster.of("query")[0]
    await odd.stop()
    odd.set(TIME_ZONE="Europe/Berlin")
    try:
        await odd.start()
        async with asyncio.timeout(PATIENCE):
            while not (said := await odd.asked("/health/ready")) or "no process projects" not in said.text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        odd.leave_out("TIME_ZONE")
        await odd.stop()
        await odd.start()
    assert said.status_code == 503
    [missing] = said.json()["missing"]
    key = Generation.of_key(missing.partition("projects ")[2].partition(".")[0])
    assert key.read_model == "sales_by_day"
    assert missing == (
        f"sales_by_day is catching up: no process projects {key.key}. Start a projector of this version, "
        "with the same TIME_ZONE"
    )
    await cluster.until_ready()
