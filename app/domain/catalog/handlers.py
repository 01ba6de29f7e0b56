from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Refused, refused
from app.cqrs.contexts import context_of
from app.domain.catalog import model, tables
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.model import Product
from app.domain.catalog.refusals import DuplicateSku
from app.stores.sql.transactions import SqlWork
from app.values import sku

products = Aggregate(kind="product", evolve=model.evolve, load=tables.load, save=tables.save, ids=tables.ids)


async def add_product(command: AddProduct, work: SqlWork) -> Refused | Product:
    """Add a product, or refuse the SKU if another product has it."""
    product_id = uuid7()
    decision = model.add(command, product_id)
    if isinstance(decision, Refused):
        return decision
    if other := await tables.with_sku(work, sku(command.sku)):
        message = f"Another product has the SKU {sku(command.sku)}. Choose another SKU."
        return refused(DuplicateSku(message=message, sku=sku(command.sku), product_id=other, path=("sku",)))
    return await products.create(work, product_id, decision)


CONTEXT = context_of(
    __name__,
    handlers={
        AddProduct: add_product,
        UpdateProduct: products.changed_by(model.update),
        ChangePrice: products.changed_by(model.change_price),
        DiscontinueProduct: products.changed_by(model.discontinue),
    },
    aggregates=[products],
)
