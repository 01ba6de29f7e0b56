"""What clients may ask for that a service could keep, each case for a service of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import httpx

from tests.crowd.measurements import Shop
from tests.crowd.subscribers import Crowd, subscribing
from tests.memory.requests import body, send_all

DEFLATE = "permessage-deflate; client_max_window_bits"
"""What browsers offer."""


GOAT = "\N{GOAT}"
"""A character that takes four bytes."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something that is asked for, so many times by default."""

    ask: Callable[[Shop, int], Awaitable[None]]
    times: int


async def variables(shop: Shop, times: int) -> None:
    """Ask one question with so many different variables."""
    query = "query ($id: ID!) { product(id: $id) { name onHand } }"
    await _answered(shop, (body(query, id=shop.product, n=number) for number in range(times)))


async def lists(shop: Shop, times: int) -> None:
    """Ask for products in so many long lists of categories."""
    query = "query ($in: [String!]) { products(filter: { categories: $in }, first: 1) { nodes { name } } }"
    await _answered(shop, (body(query, **{"in": _texts(number, 100, 36)}) for number in range(times)))


async def arguments(shop: Shop, times: int) -> None:
    """Ask questions of many fields, whose arguments are long lists, so many times in all."""

    def bodies() -> Iterator[bytes]:
        for number in range(times):
            chosen = f'categories: $in, search: "{number // 60}"'
            fields = [f"a{alias}: products(filter: {{ {chosen} }}) {{ totalCount }}" for alias in range(10)]
            yield body(f"query ($in: [String!]) {{ {' '.join(fields)} }}", **{"in": _texts(number, 95, 99)})

    await _answered(shop, bodies())


async def texts(shop: Shop, times: int) -> None:
    """Send so many operations with much text, and a seventh as many with many words, each three times."""

    def bodies() -> Iterator[bytes]:
        for number in range(times):
            yield from [body(f"{{ __typename }} #{number}{'x' * 90_000}")] * 3
            if number % 7 == 0:
                many = " ".join(f"a{alias}: __typename" for alias in range(1_000))
                yield from [body(f"query Q{number} {{ {many} }}")] * 3

    await _answered(shop, bodies())


async def wide(shop: Shop, times: int) -> None:
    """Send so many operations whose text takes four bytes a character, each three times."""

    def bodies() -> Iterator[bytes]:
        for number in range(times):
            yield from [body(f"{{ __typename }} #{number}{GOAT * 99_000}")] * 3

    await _answered(shop, bodies())


async def subscriptions(shop: Shop, times: int) -> None:
    """Follow a product with twenty different subscriptions, while they are sent so many items in all."""
    followers = [_follower(shop, number) for number in range(20)]
    for follower in followers:
        await follower.grow(1)
    for _ in range(times // len(followers)):
        for follower in followers:
            follower.expect()
        await asyncio.gather(shop.change(), *(follower.arrival() for follower in followers))


async def sockets(shop: Shop, times: int) -> None:
    """Have so many clients, whose sockets are compressed, follow a product."""
    crowd = shop.crowd()
    crowd.extensions = DEFLATE
    await crowd.grow(times)
    crowd.expect()
    await asyncio.gather(shop.change(), crowd.arrival())


CASES = {
    "variables": Case(ask=variables, times=80_000),
    "lists": Case(ask=lists, times=20_000),
    "arguments": Case(ask=arguments, times=6_000),
    "texts": Case(ask=texts, times=1_000),
    "wide": Case(ask=wide, times=400),
    "subscriptions": Case(ask=subscriptions, times=80_000),
    "sockets": Case(ask=sockets, times=1_000),
}


def _texts(number: int, count: int, length: int) -> list[str]:
    return [f"{number}-{each}".rjust(length, "x") for each in range(count)]


def _follower(shop: Shop, number: int) -> Crowd:
    follow = f"""subscription ($id: ID!) {{ f{number}: productUpdated(id: $id) {{ cursor lagged product {{
        id sku name description category packaging onHand reserved available version
        price {{ amount currencyCode }} }} }} }}"""
    return Crowd(shop.url.replace("http", "ws", 1) + "/graphql", subscribing(follow, id=shop.product))


async def _answered(shop: Shop, bodies: Iterator[bytes]) -> None:
    assert await send_all(shop.url, bodies), "nothing was answered"
    async with httpx.AsyncClient() as http:  # still there
        (await http.get(f"{shop.url}/health/live")).raise_for_status()
