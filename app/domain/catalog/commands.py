from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command
from app.values import CURRENCY


class AddProduct(Command):
    """Puts a product on sale."""

    sku: Annotated[str, "Up to 40 letters, digits and `. _ / -`; unique."]
    name: Annotated[str, "Up to 200 characters."]
    category: Annotated[str, "Up to 100 characters."]
    unit_price: Annotated[Decimal, "From 0 to 9,999,999.99."]
    currency_code: Annotated[str, "The currency of the price, as in ISO 4217."] = CURRENCY
    description: Annotated[str, "Up to 4,000 characters."] = ""
    packaging: Annotated[str, "Up to 200 characters."] = ""


class UpdateProduct(Command):
    """Describes a product anew."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    name: Annotated[str | UnsetType, "Up to 200 characters; can't be removed."] = UNSET
    category: Annotated[str | UnsetType, "Up to 100 characters; can't be removed."] = UNSET
    description: Annotated[str | UnsetType, "Up to 4,000 characters."] = UNSET
    packaging: Annotated[str | UnsetType, "Up to 200 characters."] = UNSET
    expected_version: int | None = None


class ChangePrice(Command):
    """Changes a product's price; orders keep the price they were placed at."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    unit_price: Annotated[Decimal, "From 0 to 9,999,999.99."]
    currency_code: Annotated[str, "The currency of the price, as in ISO 4217."] = CURRENCY
    expected_version: int | None = None


class DiscontinueProduct(Command):
    """Takes a product off sale for good; it stays visible in old orders."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    expected_version: int | None = None
