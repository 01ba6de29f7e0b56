from decimal import Decimal
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.messages import Command
from app.values import CURRENCY


class AddProduct(Command):
    """Puts a product on sale."""

    sku: str
    name: str
    category: str
    unit_price: Decimal
    currency_code: str = CURRENCY
    description: str = ""
    packaging: str = ""


class UpdateProduct(Command):
    """Describes a product anew; what is left unset stays as it is."""

    product_id: UUID
    name: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    packaging: str | UnsetType = UNSET
    expected_version: int | None = None


class ChangePrice(Command):
    """Asks another price from now on; orders keep the price they were placed at."""

    product_id: UUID
    unit_price: Decimal
    currency_code: str = CURRENCY
    expected_version: int | None = None


class DiscontinueProduct(Command):
    """Takes a product off sale for good; it stays visible in old orders."""

    product_id: UUID
    expected_version: int | None = None
