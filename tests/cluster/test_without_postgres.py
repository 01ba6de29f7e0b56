"""A process that answers queries begins while PostgreSQL is away, and goes on once that is back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pymongo import AsyncMongoClient

from app.access.development import development_token
from app.config import Settings
from app.cqrs.viewers import Sight
from tests.cluster.cluster import DATABASE, Cluster, open_cluster
from tests.cluster.members.service import ServiceProcess
from tests.cluster.test_several_processes import ADD, ON_HAND, PATIENCE, RECEIVE

pytestmark = pytest.mark.campaign

SECRET = "a secret of this test, which is long enough"
REVOKE = """mutation ($actor: String!) { revokeTokens(input: {actor: $actor}) { errors { code } } }"""


class Staff:
    """A member of the staff at one process, who echoes the consistency token."""

    def __init__(self, process: ServiceProcess, http: httpx.AsyncClient, folder: Path, actor: str) -> None:
        settings = Settings(auth_secret=SECRET)
        self._bearer = development_token(settings, folder, Sight.OPERATOR, actor, hours=1)
        self._process, self._http = process, http
        self.token: str | None = None

    async def send(self, query: str, **variables: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._bearer}"}
        if self.token:
            headers["Consistency-Token"] = self.token
        body = {"query": query, "variables": variables}
        return await self._http.post(f"{self._process.url}/graphql", json=body, headers=headers)

    async def ask(self, query: str, **variables: object) -> Any:
        """Return the data of an answer without errors."""
        answer = await self.send(query, **variables)
        assert "errors" not in answer.json(), answer.text
        self.token = max(filter(None, (self.token, answer.headers.get("consistency-token"))))
        return answer.json()["data"]

    async def on_hand(self, product: str) -> int:
        found = (await self.ask(ON_HAND, product=product))["node"]["onHand"]
        assert isinstance(found, int)
        return found


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    secret = {"AUTH_SECRET": SECRET}
    async with open_cluster(roles=("command", "query", "projector"), environment=secret) as cluster:
        await cluster.start()
        await cluster.until_ready()
        yield cluster


@asynccontextmanager
async def staff(process: ServiceProcess, folder: Path, *actors: str) -> AsyncIterator[list[Staff]]:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        yield [Staff(process, http, folder, actor) for actor in actors]


async def until(process: ServiceProcess, *, waits: bool) -> Mapping[str, Any]:
    """Return what a process says of itself once it waits for the write store, or does not any more."""
    async with asyncio.timeout(PATIENCE):
        while ("waitsFor" in (detail := await process.detail())) != waits or not detail:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return detail


async def copied(cluster: Cluster, revocations: int) -> Mapping[str, Any]:
    """Return what processes know of the log without PostgreSQL, once so many revocations are in it."""
    async with AsyncMongoClient[dict[str, Any]](cluster.mongo.url) as client, asyncio.timeout(PATIENCE):
        while True:
            copy = await client[DATABASE]["known_log"].find_one()
            if copy and copy["revocations"] >= revocations:
                return copy
            await asyncio.sleep(0.05)


async def test_a_query_process_begins_without_postgresql_and_goes_on_with_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    [query], [command] = cluster.of("query"), cluster.of("command")
    async with staff(query, tmp_path, "ada", "bob") as (ada, bob):
        product = (await ada.ask(ADD, sku=f"T-{uuid4().hex[:8]}"))["addProduct"]["product"]["id"]
        await ada.ask(RECEIVE, product=product)
        assert await ada.on_hand(product) == 1
        assert not (await ada.ask(REVOKE, actor="bob"))["revokeTokens"]["errors"]
        assert (await bob.send(ON_HAND, product=product)).status_code == 401
        assert "bob" not in str(await copied(cluster, revocations=1))

        await query.stop()
        await cluster.postgres.kill()
        await query.start()
        said = await until(query, waits=True)
        assert said["status"] == "ok"
        assert "Can't open the write store" in said["waitsFor"]
        ready = await query.asked("/health/ready")
        assert ready
        assert ready.status_code == 200
        assert await ada.on_hand(product) == 1, "with the token of a former life"
        assert (await bob.send(ON_HAND, product=product)).status_code == 401
        refused = (await ada.send(RECEIVE, product=product)).json()
        assert refused["errors"][0]["extensions"]["code"] == "WRITE_STORE_UNAVAILABLE", json.dumps(refused)

        await cluster.postgres.start()
        await until(query, waits=False)
        async with asyncio.timeout(PATIENCE):
            while (await ada.send(RECEIVE, product=product)).json().get("errors"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert command.runs
        assert await ada.on_hand(product) >= 1
        await ada.ask(RECEIVE, product=product)
        assert await ada.on_hand(product) == 3
