"""Stores that somebody removed, restored or replaced: the service says so, and calls nothing fresh."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import Service as Process
from tests.service import running

pytestmark = pytest.mark.campaign

FOLLOWED = """subscription ($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) { cursor reset product { onHand } } }"""
CHANGES = """subscription ($after: ConsistencyToken) {
    readModelUpdates(readModels: [PRODUCT_LISTING], after: $after) {
        __typename ... on Heartbeat { cursor } ... on Reset { cursor } } }"""
ON_HAND = """query ($id: ID!, $atLeast: [ConsistencyToken!]) {
    product(id: $id, atLeast: $atLeast) { onHand } }"""


@pytest.fixture
def settings(mongo_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name[:30], read_patience=5
    )


async def received(service: Service, product: str, quantity: int) -> str:
    told = await service.client.mutate("receiveStock", "", productId=product, quantity=quantity)
    token: str = told["receipt"]["token"]
    return token


async def first_of(client: Client, query: str, **variables: Any) -> Any:
    async with client.subscribe(query, variables) as stream:
        return await stream.next()


def back_up(file: Path, to: Path) -> None:
    with closing(sqlite3.connect(file)) as store, closing(sqlite3.connect(to)) as copy:
        store.backup(copy)


async def test_what_a_restored_store_has_lost_is_no_token_and_a_reset_for_listeners(
    settings: Settings, mongo_url: str
) -> None:
    file, backup = settings.data_dir / "write.db", settings.data_dir / "backup.db"
    async with serving(settings) as service:
        product = await Shop(service.client).product()
        kept = await received(service, product, 1)
        back_up(file, backup)
        lost = await received(service, product, 10)
        seen = await first_of(service.client, FOLLOWED, id=product)
        change = await first_of(service.client, CHANGES)
        late = await received(service, product, 100)
    for name in ("write.db", "write.db-wal", "write.db-shm"):
        (settings.data_dir / name).unlink(missing_ok=True)
    shutil.copy(backup, file)
    async with AsyncMongoClient(mongo_url) as mongo:  # type: ignore[var-annotated]
        await mongo.drop_database(settings.mongodb_database)

    async with serving(settings) as service:
        client = service.client
        assert (await client.send(ON_HAND, {"id": product}, token=kept)).data["product"]["onHand"] == 1
        for token in (lost, late):
            argument = await client.send(ON_HAND, {"id": product, "atLeast": [token]}, token=None)
            header = await client.send(ON_HAND, {"id": product}, token=token)
            assert argument.codes == header.codes == ["BAD_TOKEN"]
            assert "set back to an earlier state" in header.body["errors"][0]["message"]
        for cursor in (lost, late, seen["cursor"]):
            item = await first_of(client, FOLLOWED, id=product, after=cursor)
            assert (item["reset"], item["product"]["onHand"]) == (True, 1)
        for cursor in (lost, late, change["cursor"]):
            told = await first_of(client, CHANGES, after=cursor)
            assert told["__typename"] == "Reset"
        again = await received(service, product, 1000)
        assert again not in (lost, late), "another event stands there now"
        assert (await client.send(ON_HAND, {"id": product}, token=again)).data["product"]["onHand"] == 1001
        assert (await client.send(ON_HAND, {"id": product}, token=lost)).codes == ["BAD_TOKEN"]
        item = await first_of(client, FOLLOWED, id=product, after=kept)
        assert (item["reset"], item["product"]["onHand"]) == (False, 1001)


async def test_a_position_that_was_never_given_can_not_be_asked_for(settings: Settings) -> None:
    async with serving(settings) as one:
        product = await Shop(one.client).product()
        token = await received(one, product, 1)
        forged = token[:5] + ("0" if token[5] != "0" else "1") + token[6:]
        assert (await one.client.send(ON_HAND, {"id": product}, token=forged)).codes == ["BAD_TOKEN"]


@asynccontextmanager
async def client_of(service: Process) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=20) as http:
        yield Client(service.url, http)


async def until_ready(client: Client, status: int = 200) -> str:
    async with asyncio.timeout(60):
        while (answer := await client.http.get(f"{client.url}/health/ready")).status_code != status:
            pass
    return answer.text


async def test_documents_whose_files_are_removed_are_never_empty_and_live(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, client_of(service) as client:
        product = await Shop(client).product()
        told = await client.mutate("receiveStock", "product { onHand }", productId=product, quantity=7)
        # At once, unlike a removal file by file, in which a mongod that dies or starts again could write.
        (tmp_path / "mongo").rename(tmp_path / "removed")
        os.kill(service.mongod, SIGKILL)
        answer = None
        async with asyncio.timeout(60):
            while answer is None or "errors" in answer.body or not answer.body["data"]["product"]:
                if answer and "errors" not in answer.body:
                    assert answer.freshness["PRODUCT_LISTING"]["state"] != "LIVE", "empty, and called fresh"
                answer = await client.send(ON_HAND, {"id": product}, token=None)
            sure = await client.send(ON_HAND, {"id": product}, token=told["receipt"]["token"])
        assert sure.data["product"]["onHand"] == 7


async def test_a_write_store_that_is_removed_under_the_service_acknowledges_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as service, client_of(service) as client:
        await until_ready(client)
        for name in os.listdir(tmp_path):
            if name.startswith("write.db"):
                os.unlink(tmp_path / name)
        refused = await client.send('mutation { registerCustomer(input: {name: "A"}) { receipt { token } } }')
        assert refused.codes == ["WRITE_STORE_UNAVAILABLE"]
        assert "removed or replaced" in refused.body["errors"][0]["message"]
        assert "removed or replaced" in await until_ready(client, 503)
        await service.stop(SIGTERM)
    async with running(tmp_path) as service, client_of(service) as client:
        assert "demo shop" not in service.announced, "nothing is filled in beside documents of another log"
        await until_ready(client, 503)
