"""The same answers without CQRS: from the normalised write store, through SQLAlchemy's ORM.

As its documentation advises: `selectinload` for what there is more than one of, `joinedload` for the rest.
Sessions are synchronous, in the threads that Starlette runs plain functions in: on SQLite that costs a third
less than the asynchronous ones.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    foreign,
    joinedload,
    relationship,
    selectinload,
    sessionmaker,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain.catalog.tables import products
from app.domain.customers.tables import customers
from app.domain.orders.tables import TEN_THOUSAND, order_lines, orders
from app.domain.stock.tables import stocks
from app.stores.sql.engines.opening import metadata
from app.values import CURRENCY
from tests.bench.baselines.mapping import PAGE, cursor, global_id, key_in


class Row(DeclarativeBase):
    metadata = metadata


class CustomerRow(Row):
    __table__ = customers


class LineRow(Row):
    __table__ = order_lines


class OrderRow(Row):
    __table__ = orders
    lines: Mapped[list[LineRow]] = relationship(order_by=order_lines.c.line)
    customer: Mapped[CustomerRow] = relationship(
        primaryjoin=foreign(orders.c.customer_id) == customers.c.id, viewonly=True
    )


class StockRow(Row):
    __table__ = stocks


class ProductRow(Row):
    __table__ = products
    stock: Mapped[StockRow | None] = relationship(
        primaryjoin=products.c.id == foreign(stocks.c.product_id), uselist=False, viewonly=True
    )


# Who reads from the rows gives them the indexes that reading needs.
INDEXES = (
    "CREATE INDEX IF NOT EXISTS bench_products ON products (category, unit_price_cents, id)",
    "CREATE INDEX IF NOT EXISTS bench_orders ON orders (customer_id, placed_at, id)",
)

engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="sqlite"), pool_size=40)
session = sessionmaker(engine)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    with engine.begin() as connection:
        for index in INDEXES:
            connection.execute(text(index))
    yield
    engine.dispose()


def order(request: Request) -> Response:
    wanted = select(OrderRow).where(orders.c.id == UUID(key_in(request.path_params["id"])))
    with session() as reading:
        found = reading.scalar(wanted.options(selectinload(OrderRow.lines), joinedload(OrderRow.customer)))
    return _json({"order": _order_page(found) if found else None})


def category(request: Request) -> Response:
    wanted = (
        select(ProductRow)
        .where(products.c.category == request.path_params["category"])
        .order_by(products.c.unit_price_cents, products.c.id)
        .limit(PAGE + 1)
    )
    with session() as reading:
        found = reading.scalars(wanted.options(joinedload(ProductRow.stock))).all()
    shown: Sequence[Any] = found[:PAGE]
    end = cursor(_amount(shown[-1].unit_price_cents), str(shown[-1].id)) if shown else None
    page_info = {"hasNextPage": len(found) > PAGE, "endCursor": end}
    return _json({"products": {"nodes": [_product(each) for each in shown], "pageInfo": page_info}})


def orders_of_customer(request: Request) -> Response:
    key = UUID(key_in(request.path_params["id"]))
    wanted = (
        select(OrderRow)
        .where(orders.c.customer_id == key)
        .order_by(orders.c.placed_at.desc(), orders.c.id.desc())
        .limit(PAGE)
    )
    with session() as reading:
        found = reading.scalars(wanted.options(selectinload(OrderRow.lines))).all()
        known = len(found) > 0 or reading.get(CustomerRow, key) is not None
    nodes = [_order_of_customer(each) for each in found]
    return _json({"customer": {"orders": {"nodes": nodes}} if known else None})


def _order_page(order: Any) -> dict[str, Any]:
    return {
        "id": global_id("Order", str(order.id)),
        "version": order.version,
        "status": order.status,
        "placedAt": f"{order.placed_at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        "units": sum(line.quantity for line in order.lines),
        "subtotal": {"amount": _amount(order.total_cents - order.shipping_fee_cents)},
        "shippingFee": {"amount": _amount(order.shipping_fee_cents)},
        "total": {"amount": _amount(order.total_cents), "currencyCode": CURRENCY},
        "customer": {
            "customerId": global_id("Customer", str(order.customer_id)),
            "name": order.customer.name,
            "company": order.customer.company,
        },
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "packaging": line.packaging,
                "quantity": line.quantity,
                "discount": str(line.discount_ten_thousandths / TEN_THOUSAND),
                "unitPrice": {"amount": _amount(line.unit_price_cents)},
                "total": {"amount": _amount(line.total_cents)},
            }
            for line in order.lines
        ],
    }


def _product(product: Any) -> dict[str, Any]:
    available = product.stock.on_hand - product.stock.reserved if product.stock else 0
    return {
        "id": global_id("Product", str(product.id)),
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "packaging": product.packaging,
        "price": {"amount": _amount(product.unit_price_cents)},
        "available": available,
        "inStock": available > 0,
    }


def _order_of_customer(order: Any) -> dict[str, Any]:
    return {
        "id": global_id("Order", str(order.id)),
        "status": order.status,
        "placedAt": f"{order.placed_at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        "total": {"amount": _amount(order.total_cents)},
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "unitPrice": {"amount": _amount(line.unit_price_cents)},
                "total": {"amount": _amount(line.total_cents)},
            }
            for line in order.lines
        ],
    }


def _amount(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _json(data: Any) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/orders/{id}", order),
        Route("/products/{category}", category),
        Route("/customers/{id}/orders", orders_of_customer),
    ],
)
