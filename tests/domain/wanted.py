"""Commands that are in order, for tests to bend."""

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from app.domain.catalog.commands import AddProduct
from app.domain.orders.commands import LineRequest, PlaceOrder

_numbers = count(1)


def product(**described: Any) -> AddProduct:
    return AddProduct(
        **{
            "sku": f"TEA-{next(_numbers)}",
            "name": "Chai",
            "category": "Beverages",
            "unit_price": Decimal("18.00"),
            **described,
        }
    )


def order(customer_id: UUID, *wanted: tuple[UUID, int], **terms: Any) -> PlaceOrder:
    lines = tuple(LineRequest(product_id=product_id, quantity=units) for product_id, units in wanted)
    return PlaceOrder(customer_id=customer_id, lines=lines, **terms)
