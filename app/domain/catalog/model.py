"""The rules of the catalog: pure functions from a product and a command to what happens."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.cqrs.commands.outcomes import Decision, refused
from app.cqrs.commands.parsing import Parsing
from app.cqrs.messages import Event
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.events import PriceChanged, ProductAdded, ProductDiscontinued, ProductUpdated
from app.domain.catalog.refusals import ProductIsDiscontinued
from app.values import Money, Sku, price, sku, text

DESCRIPTION = {
    "name": text(200, at_least=1),
    "category": text(100, at_least=1),
    "description": text(4000),
    "packaging": text(200),
}
"""The parsers of a product's texts, by field."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product as the catalog knows it."""

    id: UUID
    version: int
    sku: Sku
    name: str
    category: str
    description: str
    packaging: str
    unit_price: Money
    discontinued: bool = False


def add(command: AddProduct, product_id: UUID) -> Decision:
    """A new product, with a well-formed SKU, name, category and price."""
    parsing = Parsing()
    added = ProductAdded(
        product_id=product_id,
        sku=parsing.value("sku", sku, command.sku),
        **parsing.fields(command, DESCRIPTION),
        unit_price=parsing.value("unit_price", price, command.unit_price, command.currency_code),
    )
    return parsing.refusal or (added,)


def update(product: Product, command: UpdateProduct, _now: datetime) -> Decision:
    """Another description; nothing happens where nothing differs."""
    parsing = Parsing()
    described = parsing.fields(command, DESCRIPTION)
    if parsing.refusal:
        return parsing.refusal
    before = {field: getattr(product, field) for field in DESCRIPTION}
    after = before | described
    if after == before:
        return ()
    return (ProductUpdated(product_id=product.id, sku=product.sku, **after),)


def change_price(product: Product, command: ChangePrice, _now: datetime) -> Decision:
    """Another price, of a product that is on sale; nothing happens where it is the same."""
    parsing = Parsing()
    unit_price = parsing.value("unit_price", price, command.unit_price, command.currency_code)
    if parsing.refusal:
        return parsing.refusal
    if product.discontinued:
        return refused(withdrawn(product))
    if unit_price == product.unit_price:
        return ()
    return (PriceChanged(product_id=product.id, unit_price=unit_price, previous_price=product.unit_price),)


def discontinue(product: Product, _command: DiscontinueProduct, _now: datetime) -> Decision:
    """The end of sale; nothing happens the second time."""
    return () if product.discontinued else (ProductDiscontinued(product_id=product.id),)


def evolve(product: Product | None, event: Event) -> Product:
    """The product after `event`."""
    match product, event:
        case None, ProductAdded():
            described = {field: getattr(event, field) for field in DESCRIPTION}
            return Product(
                id=event.product_id, version=1, sku=event.sku, unit_price=event.unit_price, **described
            )
        case Product(), ProductUpdated():
            described = {field: getattr(event, field) for field in DESCRIPTION}
            return replace(product, version=product.version + 1, **described)
        case Product(), PriceChanged():
            return replace(product, version=product.version + 1, unit_price=event.unit_price)
        case Product(), ProductDiscontinued():
            return replace(product, version=product.version + 1, discontinued=True)
    raise TypeError(f"{type(event).__name__} can't happen to {product}")


def withdrawn(product: Product) -> ProductIsDiscontinued:
    """Why a discontinued product can't be sold or repriced."""
    message = f"{product.name} is no longer on sale."
    return ProductIsDiscontinued(message=message, product_id=product.id)
