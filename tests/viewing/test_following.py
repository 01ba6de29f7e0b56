"""Every subscription, by every role, over a websocket and as events: nobody follows a stranger's document."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import pytest

from app.cqrs.documents.audiences import Audience
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.viewing.operations import Asked, subscriptions
from tests.viewing.roles import ANONYMOUS, CUSTOMERS, ROLES, Books
from tests.viewing.ways import Socket, socket_of

pytestmark = pytest.mark.campaign

PATIENCE = 120.0

WS, SSE = "websocket", "events"


class Heard:
    """All that each role was sent in each way, for each subscription."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str, int], str] = {}
        self._more = asyncio.Event()

    def add(self, role: str, way: str, number: int, text: str) -> None:
        self.texts[role, way, number] = self.texts.get((role, way, number), "") + text
        self._more.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._more.clear()
                await self._more.wait()

    def of(self, role: str, way: str) -> str:
        return "".join(text for (*who, _), text in self.texts.items() if who == [role, way])


async def listen(socket: Socket, role: str, every: list[Asked], heard: Heard) -> None:
    """Follow everything over one websocket."""
    ids = {await socket.begin(asked): number for number, asked in enumerate(every)}
    while True:
        message = await socket.next()
        heard.add(role, WS, ids[message["id"]], str(message))


async def stream(books: Books, role: str, number: int, asked: Asked, heard: Heard) -> None:
    """Follow one subscription by server-sent events."""
    sent = {"query": asked.text, "variables": asked.variables}
    headers = {"Accept": "text/event-stream"}
    async with books.http[role].stream(
        "POST", f"{books.url}/graphql", json=sent, headers=headers
    ) as response:
        async for text in response.aiter_text():
            heard.add(role, SSE, number, text)


async def followed(
    books: Books, order: int, is_found: Callable[[list[Asked], Heard], bool] = lambda _every, _heard: True
) -> tuple[list[Asked], Heard]:
    """All subscriptions, and what was heard while both customers and one order of each changed."""
    every, heard = list(subscriptions(core_schema(schema), books)), Heard()
    async with AsyncExitStack() as running:
        sockets = {role: await running.enter_async_context(socket_of(books, role)) for role in ROLES}
        tasks = await running.enter_async_context(asyncio.TaskGroup())
        listening = []
        for role in ROLES:
            listening.append(tasks.create_task(listen(sockets[role], role, every, heard)))
            for number, asked in enumerate(every):
                listening.append(tasks.create_task(stream(books, role, number, asked, heard)))
        running.callback(lambda: [task.cancel() for task in listening])
        await heard.until(lambda: all(_has_begun(books, heard, role, way) for role, way in EVERY_WAY))
        for name in CUSTOMERS:
            own = books.of[name]
            await books.staff.mutate("updateCustomer", "", customerId=own.customer, company=f"{name} Works")
            await books.staff.mutate("shipOrder", "", orderId=own.orders[order])
        await books.staff.mutate("receiveStock", "", productId=books.products[0], quantity=5)
        await heard.until(lambda: all(_has_followed(books, heard, role, way) for role, way in EVERY_WAY))
        with suppress(TimeoutError):  # The test says what is missing.
            await heard.until(lambda: is_found(every, heard))
    return every, heard


async def test_no_subscription_shows_a_strangers_document(books: Books) -> None:
    every, heard = await followed(books, order=0)
    for (role, way, number), text in heard.texts.items():
        echoed = [str(every[number].variables.get("commandId"))]
        assert books.foreign_in(text, role, echoed) == [], (way, every[number], text)
        if every[number].field == "readModelUpdates":
            assert ("FORBIDDEN" in text) is bool(books.strangers_of(role))


async def test_a_collection_that_is_everybodys_by_mistake_is_found_by_its_followers(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    for own in books.of.values():
        await books.staff.mutate("payOrder", "", orderId=own.orders[1])
    monkeypatch.setattr(Audience, "limited", lambda _self, filter, _scope: filter)

    def found(every: list[Asked], heard: Heard) -> set[tuple[str, str, str]]:
        return {
            (role, way, every[number].field)
            for (role, way, number), text in heard.texts.items()
            if every[number].field != "commandStatus" and books.foreign_in(text, role)
        }

    expected = {
        (role, way, field)
        for role in (ANONYMOUS, *CUSTOMERS)
        for way in (WS, SSE)
        for field in ("orderUpdated", "customerOrdersUpdated", "ordersUpdated")
    }
    assert found(*await followed(books, order=1, is_found=lambda *all: found(*all) >= expected)) == expected


def _has_begun(books: Books, heard: Heard, role: str, way: str) -> bool:
    """Whether the first state of all that the role may see has arrived."""
    text, seen = heard.of(role, way), set(CUSTOMERS) - set(books.strangers_of(role))
    return books.products[0] in text and all(
        order in text for name in seen for order in books.of[name].orders
    )


def _has_followed(books: Books, heard: Heard, role: str, way: str) -> bool:
    """Whether the last changes of all that the role may see have arrived."""
    text, seen = heard.of(role, way), set(CUSTOMERS) - set(books.strangers_of(role))
    return text.count(books.products[0]) > 1 and text.count("SHIPPED") >= len(seen)


EVERY_WAY = [(role, way) for role in ROLES for way in (WS, SSE)]
