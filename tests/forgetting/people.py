"""A person who is to be forgotten, and searches for what is left of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from tests.schema.shop import Shop

PERSON = {
    "name": "Zephyrine Quillfeather",
    "company": "Quillfeather & Wrenmoor",
    "email": "zephyrine@wrenmoor.example",
    "phone": "+44 7700 900461",
    "address": {
        "street": "17 Larkspindle Row",
        "city": "Thistlecombe",
        "country": "Loamshire",
        "postalCode": "QX4 9ZV",
    },
}
REASON = "Ms Quillfeather has moved to Marrowby."
TRACES = tuple(
    word.lower().encode()
    for word in ("zephyrine", "quillfeather", "wrenmoor", "900461", "larkspindle", "thistlecombe", "marrowby")
)


async def lived(shop: Shop, *, open_orders: int = 0) -> dict[str, Any]:
    """The person registers, orders, moves and has a reason to cancel; return the ids."""
    product = await shop.product(stock=10)
    customer = await shop.customer(**PERSON)
    shipped, cancelled = [await shop.order(customer=customer, product=product) for _ in range(2)]
    for order in (shipped,):
        assert not (await shop.client.mutate("payOrder", "", orderId=order))["errors"]
        assert not (await shop.client.mutate("shipOrder", "", orderId=order))["errors"]
    assert not (await shop.client.mutate("cancelOrder", "", orderId=cancelled, reason=REASON))["errors"]
    moved = {**PERSON["address"], "street": "3 Larkspindle Mews"}  # type: ignore[dict-item]
    assert not (await shop.client.mutate("updateCustomer", "", customerId=customer, address=moved))["errors"]
    still_open = [await shop.order(customer=customer, product=product) for _ in range(open_orders)]
    return {"customer": customer, "shipped": shipped, "cancelled": cancelled, "open": still_open}


def traces_in(contents: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    """Yield what is found of the person, and where, in any case of letters."""
    for name, content in contents:
        for trace in TRACES:
            if trace in content.lower():
                yield f"{trace.decode()} in {name}"


def files_below(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of all files."""
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield str(file), file.read_bytes()


async def documents_in(mongo_url: str, *databases: str) -> list[tuple[str, bytes]]:
    """All documents of these databases, as texts."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_url)
    async with client:
        return [
            (f"{database}.{name}", str(document).encode())
            for database in databases
            for name in await client[database].list_collection_names()
            async for document in client[database][name].find()
        ]
