"""Commands to the stock."""

import strawberry

from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.graphql.execution.context import Info
from schema.catalog_mutations import ProductPayload
from schema.circle.ids import key_of
from schema.circle.sending import ChangeInput, Input, send


@strawberry.input(description="A delivery. `expectedVersion` is that of the stock.")
class ReceiveStockInput(ChangeInput):
    """The input of `receiveStock`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    quantity: int = strawberry.field(description="From 1 to 1,000,000 units.")


@strawberry.input(description="A correction of the units on hand. `expectedVersion` is that of the stock.")
class AdjustStockInput(ChangeInput):
    """The input of `adjustStock`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    change: int = strawberry.field(description="So many units more, or fewer when negative.")
    reason: str = strawberry.field(description="Why, in up to 500 characters.")


@strawberry.type(description="What came of `receiveStock`.")
class ReceiveStockPayload(ProductPayload):
    """The product with its new stock."""


@strawberry.type(description="What came of `adjustStock`.")
class AdjustStockPayload(ProductPayload):
    """The product with its corrected stock."""


@strawberry.type
class StockMutation:
    """Mutations of the stock."""

    @strawberry.mutation(description="Takes a delivery into the warehouse.")
    async def receive_stock(self, info: Info, input: Input[ReceiveStockInput]) -> ReceiveStockPayload | None:
        """Becomes `ReceiveStock`."""
        return await send(
            info,
            ReceiveStockPayload,
            "product",
            input.command_id,
            lambda: ReceiveStock(
                product_id=key_of("Product", input.product_id, ("product_id",)),
                quantity=input.quantity,
                expected_version=input.expected_version,
            ),
        )

    @strawberry.mutation(description="Corrects the units on hand, after a count or a loss.")
    async def adjust_stock(self, info: Info, input: Input[AdjustStockInput]) -> AdjustStockPayload | None:
        """Becomes `AdjustStock`."""
        return await send(
            info,
            AdjustStockPayload,
            "product",
            input.command_id,
            lambda: AdjustStock(
                product_id=key_of("Product", input.product_id, ("product_id",)),
                change=input.change,
                reason=input.reason,
                expected_version=input.expected_version,
            ),
        )
