from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.bus import Handlers
from app.cqrs.commands.outcomes import Refused, refused
from app.domain.catalog import model, tables
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.model import Product
from app.domain.catalog.refusals import DuplicateSku
from app.stores.sql.write_store import SqlWork
from app.values import sku

products = Aggregate(kind="product", evolve=model.evolve, load=tables.load, save=tables.save)


async def add_product(command: AddProduct, work: SqlWork) -> Refused | Product:
    """A new product, whose SKU no other product has."""
    product_id = uuid7()
    decision = model.add(command, product_id)
    if isinstance(decision, Refused):
        return decision
    if other := await tables.with_sku(work, sku(command.sku)):
        message = f"Another product has the SKU {sku(command.sku)}."
        return refused(DuplicateSku(message=message, sku=sku(command.sku), product_id=other, path=("sku",)))
    return await products.create(work, product_id, decision)


async def update_product(command: UpdateProduct, work: SqlWork) -> Refused | Product:
    """Another description."""
    return await products.change(work, command.product_id, command, model.update)


async def change_price(command: ChangePrice, work: SqlWork) -> Refused | Product:
    """Another price."""
    return await products.change(work, command.product_id, command, model.change_price)


async def discontinue_product(command: DiscontinueProduct, work: SqlWork) -> Refused | Product:
    """The end of sale."""
    return await products.change(work, command.product_id, command, model.discontinue)


HANDLERS: Handlers = {
    AddProduct: add_product,
    UpdateProduct: update_product,
    ChangePrice: change_price,
    DiscontinueProduct: discontinue_product,
}
