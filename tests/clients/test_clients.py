"""Client libraries as their users have them, at a service that runs: each test is made with each library."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, closing
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from app.cqrs.documents.read_model import Document
from app.read_models.product_listing import products
from schema.circle.ids import global_id, key_of
from tests.clients.client import Client
from tests.clients.conftest import BY_LIBRARY
from tests.clients.examples.latest_token import HEADER, LatestToken
from tests.clients.puppet import puppet
from tests.clients.shop import Shop
from tests.node import NpmProject
from tests.schema.client import Client as Hand

pytestmark = pytest.mark.campaign

PATIENCE = 90
"""Seconds for an item to come, and for the service to be back."""

UNKNOWN = global_id("Product", UUID(int=1))


async def new_product(client: Client, price: str = "1.00") -> tuple[str, str]:
    """Its id and its SKU."""
    sku = uuid4().hex.upper()
    added = await client.mutate(
        "AddProduct", sku=sku, name="Kettle", category="Kitchen", unitPrice={"amount": price}
    )
    assert added["errors"] == []
    return added["receipt"]["events"][0]["subject"], sku


async def change_price(client: Client, product: str, price: str) -> str:
    """Returns the position of the event."""
    changed = await client.mutate("ChangePrice", productId=product, unitPrice={"amount": price})
    assert changed["errors"] == []
    position: str = changed["receipt"]["events"][0]["position"]
    return position


async def price_of(client: Client, product: str, *, echo: bool) -> str:
    price: str = (await client.query("Product", id=product, echo=echo))["price"]["amount"]
    return price


async def test_gets_refusals_as_data(client: Client, shop: Shop) -> None:
    product, sku = await new_product(client)

    again = await client.mutate(
        "AddProduct", sku=sku, name="Other", category="Other", unitPrice={"amount": "2.00"}
    )
    [taken] = again["errors"]
    assert (taken["__typename"], taken["productId"]) == ("DuplicateSku", product)

    async with httpx.AsyncClient() as http:
        registered = await Hand(shop.service.url, http).mutate(
            "registerCustomer", "customer { id }", name="Ada"
        )
    lines = [{"productId": product, "quantity": 3}]
    order = await client.mutate("PlaceOrder", customerId=registered["customer"]["id"], lines=lines)
    [short] = order["errors"]
    assert short["__typename"] == "OutOfStock"
    assert (short["productId"], short["requested"], short["available"]) == (product, 3, 0)


async def test_reads_what_it_wrote(client: Client, shop: Shop) -> None:
    product, _ = await new_product(client)
    assert await price_of(client, product, echo=True) == "1.00"

    with shop.projecting_nothing():
        await change_price(client, product, "2.00")
        echoed = asyncio.create_task(price_of(client, product, echo=True))
        assert await price_of(client, product, echo=False) == "1.00", (
            "without the token the read is too early"
        )
        assert await price_of(client, product, echo=False) == "1.00"
    assert await echoed == "2.00"


async def test_goes_on_where_it_was_when_the_service_is_back(client: Client, shop: Shop) -> None:
    changing, _ = await new_product(client)
    resting, _ = await new_product(client)
    async with (
        following(client, "ProductUpdated", id=changing) as changed,
        following(client, "ProductUpdated", id=resting) as rested,
        following(client, "ReadModelUpdates", readModels=["PRODUCT_LISTING"]) as followed,
    ):
        await followed.until(lambda _: True)
        await changed.until(is_priced("1.00"))
        await rested.until(is_priced("1.00"))
        positions = [await change_price(client, changing, "2.00")]
        await changed.until(is_priced("2.00"))

        with shop.projecting_nothing():
            positions += [await change_price(client, changing, "3.00")]  # which nobody sees before the end
            await shop.kill()
        await shop.start()
        await changed.until(is_priced("3.00"))
        positions += [await change_price(client, resting, "2.00")]
        await rested.until(is_priced("2.00"))
        await followed.until(lambda item: is_reset(item) or item.get("position") == positions[-1])
        positions += [await change_price(client, resting, "3.00")]
        await followed.until(lambda item: item.get("position") == positions[-1])

    assert changed.prices == ["1.00", "2.00", "3.00"]
    assert rested.prices == ["1.00", "2.00"], "what was sent before the end is not sent again"
    assert changed.cursors == sorted(set(changed.cursors))
    assert rested.cursors == sorted(set(rested.cursors))
    told = [item["position"] for item in followed.seen if item["__typename"] == "DocumentChanged"]
    assert len(told) == len(set(told))
    assert any(map(is_reset, followed.seen)) or set(positions) <= set(told), (
        "a change is told, or that some can't be"
    )


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("ProductUpdated", {"id": "x"}, "is not an id"),
        ("ProductUpdated", {"id": UNKNOWN, "after": "x"}, "token"),
        ("ReadModelUpdates", {"readModels": ["NONSENSE"]}, "NONSENSE"),
    ],
    ids=["BAD_ID", "BAD_TOKEN", "BAD_USER_INPUT"],
)
async def test_a_refusal_is_raised(client: Client, name: str, variables: dict[str, Any], words: str) -> None:
    async with following(client, name, **variables) as refused:
        with pytest.raises(Exception, match=words):
            await refused.until(lambda _: True)
    assert refused.seen == []


@pytest.mark.parametrize("library", ["graphql-sse", "gql", "ariadne"], indirect=True)
async def test_an_address_that_refuses_is_not_taken_for_a_lost_connection(
    library: Callable[[str], AbstractAsyncContextManager[Client]], shop: Shop
) -> None:
    """A websocket in JavaScript can't tell the two apart."""
    async with (
        library(f"{shop.url}/nowhere") as client,
        following(client, "ProductUpdated", id=UNKNOWN) as none,
    ):
        with pytest.raises(Exception, match=r"HTTP 40|Connect failed"):
            await none.until(lambda _: True)


async def test_a_fault_that_passes_is_no_end_and_costs_no_event(client: Client, shop: Shop) -> None:
    product, _ = await new_product(client)
    async with (
        following(client, "ProductUpdated", id=product) as changed,
        following(client, "ProductUpdated", id=product) as late,
    ):
        await changed.until(is_priced("1.00"))
        async with shop.reading_nothing():
            await change_price(client, product, "2.00")
            waiting = [asyncio.create_task(each.until(is_priced("2.00"))) for each in (changed, late)]
        await asyncio.gather(*waiting)
        await change_price(client, product, "3.00")
        await changed.until(is_priced("3.00"))
    assert changed.prices == ["1.00", "2.00", "3.00"]
    assert late.prices == ["2.00"]


@pytest.mark.parametrize("library", BY_LIBRARY, indirect=True)
async def test_goes_on_at_a_store_that_was_restored_and_refuses_all_tokens_of_before(
    client: Client, shop: Shop
) -> None:
    product, _ = await new_product(client)
    async with following(client, "ProductUpdated", id=product) as changed:
        await changed.until(is_priced("1.00"))
        await change_price(client, product, "2.00")
        await changed.until(is_priced("2.00"))
        await shop.restore()
        assert await price_of(client, product, echo=True) == "2.00"
        await changed.until(is_priced("2.00"))
        await change_price(client, product, "3.00")
        assert await price_of(client, product, echo=True) == "3.00"
        await changed.until(is_priced("3.00"))


@pytest.mark.parametrize("library", ["apollo", "urql", "relay"], indirect=True)
async def test_the_examples_drop_a_token_that_a_restored_store_refuses(client: Client, shop: Shop) -> None:
    product, _ = await new_product(client)
    await shop.restore()
    with pytest.raises(Exception, match="token"):
        await price_of(client, product, echo=True)
    assert await price_of(client, product, echo=True) == "1.00"


async def test_the_example_in_python_drops_a_token_that_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if HEADER in request.headers:
            return httpx.Response(200, json={"errors": [{"extensions": {"code": "BAD_TOKEN"}}]})
        return httpx.Response(200, json={"data": {}}, headers={HEADER: "1"})

    latest = LatestToken()
    latest.seen = "2"
    async with httpx.AsyncClient(
        event_hooks=latest.hooks, transport=httpx.MockTransport(answer), base_url="http://shop.example"
    ) as http:
        assert "errors" in (await http.post("/graphql")).json()
        assert (await http.post("/graphql")).json() == {"data": {}}
    assert latest.seen == "1"


async def test_urql_tells_an_error_with_its_own_event_only(
    node: NpmProject, shop: Shop, mongo_url: str
) -> None:
    async with puppet(node, "urql", shop.url) as client:
        product, _ = await new_product(client)
        async with aclosing(client.hear("ProductUpdated", id=product)) as heard:
            assert is_priced("1.00")((await anext(heard))["data"]["productUpdated"])
            await falsify(shop, mongo_url, product, name={"not": "a text"})
            await change_price(client, product, "2.00")
            assert "Something went wrong on our side" in (await anext(heard))["error"]
            await falsify(shop, mongo_url, product, name="Kettle")
            await change_price(client, product, "3.00")
            assert is_priced("3.00")((await anext(heard))["data"]["productUpdated"])


async def falsify(shop: Shop, mongo_url: str, product: str, **fields: object) -> None:
    """Write into a product's document what no projector would."""
    mongo: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(mongo_url)) as mongo:
        documents: Any = mongo[shop.database][products.stored_as]
        found = await documents.update_one({"_id": str(key_of("Product", product, ()))}, {"$set": fields})
    assert found.matched_count == 1


class Following:
    """A subscription, and what it has sent so far."""

    def __init__(self, items: AsyncGenerator[Any, None]) -> None:
        self._items = items
        self.seen: list[Any] = []

    async def until(self, is_wanted: Callable[[Any], bool]) -> None:
        """Takes items up to the first that is wanted."""
        async with asyncio.timeout(PATIENCE):
            async for item in self._items:
                self.seen.append(item)
                if is_wanted(item):
                    return

    @property
    def cursors(self) -> list[str]:
        return [item["cursor"] for item in self.seen]

    @property
    def prices(self) -> list[str]:
        return [item["product"]["price"]["amount"] for item in self.seen]


@asynccontextmanager
async def following(client: Client, name: str, **variables: object) -> AsyncIterator[Following]:
    async with aclosing(client.follow(name, **variables)) as items:
        yield Following(items)


def is_priced(price: str) -> Callable[[Any], bool]:
    return lambda item: bool(item["product"]["price"]["amount"] == price)


def is_reset(item: Any) -> bool:
    return bool(item["__typename"] == "Reset")
