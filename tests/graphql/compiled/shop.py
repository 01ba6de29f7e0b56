"""A shop that has fallen quiet, and what clients know of it: ids, cursors, tokens, words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.bootstrap import open_circle
from app.config import Settings
from app.cqrs.circle import Circle
from app.cqrs.reading.cache import ReadCache
from app.cqrs.viewers import OPEN, Scope, Sight, Viewer
from app.declared import READ_MODELS
from app.demo.filling import fill
from app.demo.plan import Shop
from app.domain.catalog.commands import DiscontinueProduct
from app.domain.customers.commands import CloseCustomer
from app.graphql.execution.context import Context
from app.halves.commanding import WriteSide
from app.read_models.activity import entries
from app.read_models.customer_overview import customers
from app.read_models.order_details import orders
from app.read_models.order_list import rows
from app.read_models.product_listing import products
from schema.circle.ids import global_id
from schema.root import schema

COLLECTIONS = {
    "Product": products,
    "Customer": customers,
    "Order": orders,
    "OrderSummary": rows,
    "Activity": entries,
}


@dataclass(frozen=True)
class Known:
    """What an operation may mention, so that something is found."""

    ids: Mapping[str, Sequence[str]]
    """Global ids by the names of types."""
    cursors: Mapping[str, Sequence[str]]
    """In the order that each root field has where nobody asks for another."""
    tokens: Sequence[str]
    viewers: Sequence[Viewer]
    """One of each sight, and a second customer."""
    texts: Mapping[str, Sequence[str]]
    """By the names of arguments and input fields."""


Quiet = tuple[Circle, Known]


@asynccontextmanager
async def quiet_shop(settings: Settings) -> AsyncIterator[Quiet]:
    """A circle whose read models show all that has happened."""

    async def filled(write_side: WriteSide) -> None:
        await fill(Shop(products=24, customers=9, orders=60), write_side.commands)
        streams = sorted({event.stream for event in await write_side.log.read(after=0, limit=5000)})
        for stream in streams[::4]:
            kind, _, key = stream.partition("-")
            match kind:
                case "product":
                    await write_side.commands.execute(DiscontinueProduct(product_id=UUID(key)), viewer=OPEN)
                case "customer":
                    await write_side.commands.execute(CloseCustomer(customer_id=UUID(key)), viewer=OPEN)

    async with open_circle(settings, filled) as circle:
        head = await circle.log.head()
        for model in READ_MODELS:
            await circle.progress[model.name].wait_for(head, 30)
        yield circle, await _known(circle, head)


def keeping(circle: Circle) -> Circle:
    """The same circle, which keeps answers."""
    cache = ReadCache(50_000_000)
    for name in circle.progress:
        cache.settled(name)
    return replace(circle, cache=cache)


async def _known(circle: Circle, head: int) -> Known:
    documents = {name: await circle.documents.find(each, {}, limit=40) for name, each in COLLECTIONS.items()}
    return Known(
        ids={name: [global_id(name, each["_id"]) for each in found] for name, found in documents.items()},
        cursors={
            name: await _cursors(circle, name) for name in ("products", "customers", "orders", "activity")
        },
        viewers=[
            *(Viewer(actor="viewer", scope=Scope(sight)) for sight in Sight if sight is not Sight.CUSTOMER),
            *(
                Viewer(actor="customer", scope=Scope(Sight.CUSTOMER, each["customer"]["id"]))
                for each in (documents["Order"][0], documents["Order"][-1])
            ),
        ],
        tokens=[circle.tokens.write(position) for position in (1, head // 2, head)],
        texts={
            "categories": sorted({each["category"] for each in documents["Product"]}),
            "sku": [*(each["sku"] for each in documents["Product"]), "tea-1", "!"],
            "email": [*(each["email"] or "gone@example.com" for each in documents["Customer"]), "nobody"],
            "search": ["a", "tea", "post1", "zzz", "teapto", "+44 20", "(", ""],
            "stream": [each["stream"] for each in documents["Activity"]],
            "type": ["OrderPlaced", "ProductAdded", "Nothing"],
            "actor": ["demo", "nobody"],
            "commandId": [str(each["command_id"]) for each in documents["Activity"]],
        },
    )


async def _cursors(circle: Circle, field: str) -> list[str]:
    result: Any = await schema.execute(
        f"{{ {field}(first: 30) {{ edges {{ cursor }} }} }}", context_value=Context(circle, OPEN)
    )
    return [edge["cursor"] for edge in result.data[field]["edges"]]
