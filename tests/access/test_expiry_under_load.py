"""Tokens that expire all the time cost no subscriber an item, and give none twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from uuid_utils.compat import uuid7
from websockets.exceptions import ConnectionClosed

from app.access.tokens import LEEWAY
from app.config import Settings
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.viewers import Scope, Sight, Viewer
from app.domain.catalog.commands import AddProduct
from tests.access.issuer import SECRET, signed
from tests.graphql.transport.identity import bearer, received, send, socket_with
from tests.inprocess import Service, serving

CLIENTS, EXPIRIES = 25, 4
"""Subscribers, and how often the token of each expires: 100 expiries together."""

FOLLOW = """subscription ($after: ConsistencyToken) {
    readModelUpdates(readModels: [ACTIVITY], after: $after) {
        __typename
        ... on DocumentChanged { position cursor }
        ... on Heartbeat { cursor }
        ... on Lagged { cursor count }
        ... on Reset { cursor } } }"""

WRITER = Viewer(actor="writer", scope=Scope(Sight.STAFF))


@pytest.fixture
async def shop(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
        auth_secret=SECRET,
        heartbeat=0.2,
    )
    async with serving(settings) as running:
        yield running


def short_lived(client: int) -> str:
    """A token that lives for one to two seconds."""
    return signed(SECRET, "HS256", sub=f"clerk {client}", exp=int(time.time()) + 2 - LEEWAY)


def long_lived(client: int) -> str:
    return signed(SECRET, "HS256", sub=f"clerk {client}")


class Subscriber:
    """A client that resumes after its last cursor whenever its token has expired."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self.url = url
        self.positions: list[int] = []
        self.others: list[str] = []
        self.cursor: str | None = None
        self.expired = 0
        self.began = asyncio.Event()

    async def follow(self, last: asyncio.Future[int]) -> None:
        """Follow until the item at the position `last` has come."""
        while not (last.done() and self.positions and self.positions[-1] >= last.result()):
            token = short_lived(self.number) if self.expired < EXPIRIES else long_lived(self.number)
            await (self._over_events if self.number % 3 == 0 else self._over_socket)(token, last)

    async def _over_socket(self, token: str, last: asyncio.Future[int]) -> None:
        async with socket_with(self.url, bearer(token)) as socket:
            with suppress(ConnectionClosed):
                await received(socket)
                payload = {"query": FOLLOW, "variables": {"after": self.cursor}}
                await send(socket, {"id": "1", "type": "subscribe", "payload": payload})
                while not self._is_complete(last):
                    self._take((await received(socket))["payload"])
            if not self._is_complete(last):
                assert socket.close_code == 4403
                self.expired += 1

    async def _over_events(self, token: str, last: asyncio.Future[int]) -> None:
        headers = {"Accept": "text/event-stream", **bearer(token)}
        body = {"query": FOLLOW, "variables": {"after": self.cursor}}
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("POST", f"http://{self.url}", json=body, headers=headers) as stream,
        ):
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    answer = orjson.loads(line.removeprefix("data: "))
                    if "errors" in answer:
                        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", answer
                        self.expired += 1
                        return
                    self._take(answer)
                if self._is_complete(last):
                    return

    def _take(self, answer: dict[str, Any]) -> None:
        item = answer["data"]["readModelUpdates"]
        self.cursor = item["cursor"]
        self.began.set()
        if item["__typename"] == "DocumentChanged":
            self.positions.append(int(item["position"]))
        elif item["__typename"] != "Heartbeat":
            self.others.append(item["__typename"])

    def _is_complete(self, last: asyncio.Future[int]) -> bool:
        return last.done() and bool(self.positions) and self.positions[-1] >= last.result()


async def add_product(shop: Service) -> int:
    """The position of the event."""
    sku = uuid7().hex.upper()
    command = AddProduct(sku=sku, name="Kettle", category="Kitchen", unit_price=Decimal("1.00"))
    outcome = await shop.circle.commands.execute(command, viewer=WRITER)
    assert isinstance(outcome, Receipt)
    assert outcome.position
    return outcome.position


@pytest.mark.campaign
async def test_a_hundred_expiries_under_load_lose_nothing_and_repeat_nothing(shop: Service) -> None:
    url = f"{shop.client.url.removeprefix('http://')}/graphql"
    subscribers = [Subscriber(number, url) for number in range(CLIENTS)]
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    first = await add_product(shop)
    async with asyncio.TaskGroup() as running, asyncio.timeout(90):
        following = [running.create_task(each.follow(last)) for each in subscribers]
        for each in subscribers:
            await each.began.wait()
        added = 0
        while any(each.expired < EXPIRIES for each in subscribers):
            position, added = await add_product(shop), added + 1
        last.set_result(position)
        await asyncio.gather(*following)
    assert sum(each.expired for each in subscribers) >= CLIENTS * EXPIRIES
    assert added > EXPIRIES, "there was a load"
    for each in subscribers:
        assert each.others == []
        begins = each.positions[0]
        assert begins >= first
        assert each.positions == list(range(begins, position + 1))
    print(f"{added} events, {sum(each.expired for each in subscribers)} expiries")
