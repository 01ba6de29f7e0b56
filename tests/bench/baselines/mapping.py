"""From documents to the JSON that the three queries ask for: written by hand, as one does without GraphQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from app.cqrs.opaque import unwrapped, wrapped

Document = Mapping[str, Any]

PAGE = 20

ORDER_FIELDS = (
    *("version", "status", "placed_at", "units", "subtotal", "shipping_fee", "total", "customer"),
    *(f"lines.{field}" for field in ("sku", "title", "packaging", "quantity", "discount")),
    *("lines.unit_price.amount", "lines.total.amount"),
)
PRODUCT_FIELDS = ("sku", "name", "category", "packaging", "price.amount", "available", "in_stock")
CUSTOMER_ORDER_FIELDS = (
    *("status", "placed_at", "total.amount", "lines.sku", "lines.title", "lines.quantity"),
    *("lines.unit_price.amount", "lines.total.amount"),
)


def key_in(id: str) -> str:
    """The key in a global id."""
    return unwrapped(id).decode().partition(":")[2]


def order_page(order: Document) -> dict[str, Any]:
    """The answer to Q1."""
    customer = order["customer"]
    return {
        "id": global_id("Order", order["_id"]),
        "version": order["version"],
        "status": order["status"],
        "placedAt": moment(order["placed_at"]),
        "units": order["units"],
        "subtotal": {"amount": str(order["subtotal"]["amount"])},
        "shippingFee": {"amount": str(order["shipping_fee"]["amount"])},
        "total": {
            "amount": str(order["total"]["amount"]),
            "currencyCode": order["total"]["currency_code"],
        },
        "customer": {
            "customerId": global_id("Customer", customer["id"]),
            "name": customer["name"],
            "company": customer["company"],
        },
        "lines": [
            {
                "sku": line["sku"],
                "title": line["title"],
                "packaging": line["packaging"],
                "quantity": line["quantity"],
                "discount": str(line["discount"]),
                "unitPrice": {"amount": str(line["unit_price"]["amount"])},
                "total": {"amount": str(line["total"]["amount"])},
            }
            for line in order["lines"]
        ],
    }


def product_page(found: Sequence[Document]) -> dict[str, Any]:
    """The answer to Q2, from up to one product more than the page has."""
    shown = found[:PAGE]
    return {
        "nodes": [
            {
                "id": global_id("Product", product["_id"]),
                "sku": product["sku"],
                "name": product["name"],
                "category": product["category"],
                "packaging": product["packaging"],
                "price": {"amount": str(product["price"]["amount"])},
                "available": product["available"],
                "inStock": product["in_stock"],
            }
            for product in shown
        ],
        "pageInfo": {
            "hasNextPage": len(found) > PAGE,
            "endCursor": cursor(str(shown[-1]["price"]["amount"]), shown[-1]["_id"]) if shown else None,
        },
    }


def customer_orders(found: Sequence[Document]) -> dict[str, Any]:
    """The answer to Q3."""
    return {
        "orders": {
            "nodes": [
                {
                    "id": global_id("Order", order["_id"]),
                    "status": order["status"],
                    "placedAt": moment(order["placed_at"]),
                    "total": {"amount": str(order["total"]["amount"])},
                    "lines": [
                        {
                            "sku": line["sku"],
                            "title": line["title"],
                            "quantity": line["quantity"],
                            "unitPrice": {"amount": str(line["unit_price"]["amount"])},
                            "total": {"amount": str(line["total"]["amount"])},
                        }
                        for line in order["lines"]
                    ],
                }
                for order in found
            ]
        }
    }


def global_id(type_name: str, key: str) -> str:
    """The id that Diptych gives this node."""
    return wrapped(f"{type_name}:{key}".encode())


def moment(at: datetime) -> str:
    """A time of the store, which is in UTC and does not say so."""
    return f"{at.isoformat(timespec='milliseconds')}Z"


def cursor(price: str, key: str) -> str:
    """The cursor that Diptych gives this product in the order of prices."""
    return wrapped(msgspec.json.encode((["price.amount"], [("d", price), ("s", key)])))
