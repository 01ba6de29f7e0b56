from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command
from app.values import CURRENCY

SKU = (
    "The stock keeping unit (SKU), unique among all products: 1 to 40 letters, digits and `. _ / -`, "
    "beginning with a letter or digit. It is stored in upper case."
)


class AddProduct(Command):
    """Adds a product to the catalog."""

    sku: Annotated[str, SKU]
    name: Annotated[str, "The name, 1 to 200 characters."]
    category: Annotated[str, "The category, 1 to 100 characters."]
    unit_price: Annotated[Decimal, "The price of one unit, 0 to 9,999,999.99."]
    currency_code: Annotated[str, "The ISO 4217 code of the price's currency."] = CURRENCY
    description: Annotated[str, "The description, up to 4,000 characters."] = ""
    packaging: Annotated[str, "The packaging, up to 200 characters."] = ""


class UpdateProduct(Command):
    """Changes the name, category, description or packaging of a product."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    name: Annotated[str | UnsetType, "The new name, 1 to 200 characters. It can't be removed."] = UNSET
    category: Annotated[str | UnsetType, "The new category, 1 to 100 characters. It can't be removed."] = (
        UNSET
    )
    description: Annotated[str | UnsetType, "The new description, up to 4,000 characters."] = UNSET
    packaging: Annotated[str | UnsetType, "The new packaging, up to 200 characters."] = UNSET
    expected_version: int | None = None


class ChangePrice(Command):
    """Changes the price of a product for new orders; existing orders keep their prices."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    unit_price: Annotated[Decimal, "The price of one unit, 0 to 9,999,999.99."]
    currency_code: Annotated[str, "The ISO 4217 code of the price's currency."] = CURRENCY
    expected_version: int | None = None


class DiscontinueProduct(Command):
    """Takes a product off sale for good; it stays visible in the catalog and in existing orders."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    expected_version: int | None = None
