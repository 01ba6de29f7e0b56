"""The rules of the catalog: pure functions from a product and a command to events or a refusal."""

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
"""The parsers of a product's text fields, by field."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """The state of a product that the catalog's rules need."""

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
    """Decide to add a product, or refuse an ill-formed SKU, text or price."""
    parsing = Parsing()
    added = ProductAdded(
        product_id=product_id,
        sku=parsing.value("sku", sku, command.sku),
        **parsing.fields(command, DESCRIPTION),
        unit_price=parsing.value("unit_price", price, command.unit_price, command.currency_code),
    )
    return parsing.refusal or (added,)


def update(product: Product, command: UpdateProduct, _now: datetime) -> Decision:
    """Decide to change a product's description; return no event if nothing differs."""
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
    """Decide to change the price of a product that is on sale; return no event if the price is the same."""
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
    """Decide to take a product off sale; return no event if it was taken off sale before."""
    return () if product.discontinued else (ProductDiscontinued(product_id=product.id),)


def evolve(product: Product | None, event: Event) -> Product:
    """Return the product after `event`."""
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
    """Return the refusal to sell or reprice a discontinued product."""
    message = f"{product.name} is no longer on sale."
    return ProductIsDiscontinued(message=message, product_id=product.id, path=("product_id",))
