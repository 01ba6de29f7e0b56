"""Commands to orders."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.domain.orders import refusals
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from schema.circle.commands.mutations import mutations
from schema.circle.commands.sending import CommandInput
from schema.circle.ids import key_of
from schema.circle.parts import Part
from schema.orders import Order
from schema.values import AddressInput, MoneyInput


@strawberry.input(description="So many units of a product.")
class OrderLineInput:
    """A line of an order."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    quantity: int = strawberry.field(description="From 1 to 1,000,000 units.")
    discount: Decimal = strawberry.field(
        default=Decimal(0), description="The share taken off the price, from 0 to 1."
    )


@strawberry.input(description="A new order, at the prices of this moment.")
class PlaceOrderInput(CommandInput):
    """The input of `placeOrder`."""

    customer_id: strawberry.ID = strawberry.field(description="Who orders.")
    lines: list[OrderLineInput] = strawberry.field(description="What: 1 to 100 lines.")
    shipping_fee: MoneyInput | None = strawberry.field(default=None, description="What sending costs.")
    ship_to: AddressInput | None = strawberry.field(
        default=None, description="Where it goes; to the customer's own address if null."
    )
    placed_at: datetime | None = strawberry.field(
        default=None, description="When it was placed, in the past, to load history; now if null."
    )

    def command(self) -> PlaceOrder:
        """The command that this asks for."""
        fee = self.shipping_fee or MoneyInput(amount=Decimal(0))
        return PlaceOrder(
            customer_id=key_of("Customer", self.customer_id, ("customer_id",)),
            lines=tuple(
                LineRequest(
                    product_id=key_of("Product", line.product_id, ("lines", index, "product_id")),
                    quantity=line.quantity,
                    discount=line.discount,
                )
                for index, line in enumerate(self.lines)
            ),
            shipping_fee=fee.amount,
            currency_code=fee.currency_code,
            ship_to=self.ship_to.value() if self.ship_to else None,
            placed_at=self.placed_at,
        )


PART = Part(
    mutation=mutations(
        Order, PlaceOrder, PayOrder, ShipOrder, CancelOrder, inputs={PlaceOrder: PlaceOrderInput}
    ),
    refusals=refusals,
)
