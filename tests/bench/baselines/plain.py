"""What one would write by hand over documents: one route, one find and one mapping for each question."""

import os
from typing import Any, Protocol

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.declared import READ_MODELS as _KNOWN  # noqa: F401 - it registers the events, on which names depend
from app.read_models.customer_overview import customers
from app.read_models.order_details import orders
from app.read_models.product_listing import products
from tests.bench.baselines.mapping import (
    CUSTOMER_ORDER_FIELDS,
    ORDER_FIELDS,
    PAGE,
    PRODUCT_FIELDS,
    customer_orders,
    key_in,
    order_page,
    product_page,
)


class Cursor(Protocol):
    """What a find gives."""

    async def to_list(self, length: None) -> list[dict[str, Any]]:
        """All that was found."""


class Collection(Protocol):
    """What motor's and pymongo's collections have in common."""

    async def find_one(self, filter: Any, projection: Any = None) -> dict[str, Any] | None:
        """A document."""

    def find(self, filter: Any, projection: Any = None, *, sort: list[tuple[str, int]], limit: int) -> Cursor:
        """Documents in an order."""


def app_over(client: Any) -> Starlette:
    """The three endpoints, over any driver's client."""
    database = client[os.environ["MONGODB_DATABASE"]]
    all_orders: Collection = database[orders.stored_as]
    all_products: Collection = database[products.stored_as]
    all_customers: Collection = database[customers.stored_as]

    async def order(request: Request) -> Response:
        found = await all_orders.find_one({"_id": key_in(request.path_params["id"])}, ORDER_FIELDS)
        return _json({"order": order_page(found) if found else None})

    async def category(request: Request) -> Response:
        wanted = {"category": request.path_params["category"]}
        by_price = [("price.amount", 1), ("_id", 1)]
        found = all_products.find(wanted, PRODUCT_FIELDS, sort=by_price, limit=PAGE + 1)
        return _json({"products": product_page(await found.to_list(None))})

    async def orders_of_customer(request: Request) -> Response:
        key = key_in(request.path_params["id"])
        newest = [("placed_at", -1), ("_id", -1)]
        cursor = all_orders.find({"customer.id": key}, CUSTOMER_ORDER_FIELDS, sort=newest, limit=PAGE)
        found = await cursor.to_list(None)
        known = found or await all_customers.find_one({"_id": key}, ["_id"])
        return _json({"customer": customer_orders(found) if known else None})

    return Starlette(
        routes=[
            Route("/orders/{id}", order),
            Route("/products/{category}", category),
            Route("/customers/{id}/orders", orders_of_customer),
        ]
    )


def _json(data: Any) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")
