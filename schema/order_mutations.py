"""Commands to orders."""

from datetime import datetime
from decimal import Decimal
from typing import cast

import strawberry

from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.graphql.execution.context import Info
from app.read_models.order_details import orders
from schema.circle.ids import key_of
from schema.circle.sending import ChangeInput, CommandInput, Input, Payload, send
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


@strawberry.input(description="An order that is paid.")
class PayOrderInput(ChangeInput):
    """The input of `payOrder`."""

    order_id: strawberry.ID = strawberry.field(description="Which order.")


@strawberry.input(description="A paid order that leaves the warehouse.")
class ShipOrderInput(ChangeInput):
    """The input of `shipOrder`."""

    order_id: strawberry.ID = strawberry.field(description="Which order.")


@strawberry.input(description="An order that is called off before it is shipped.")
class CancelOrderInput(ChangeInput):
    """The input of `cancelOrder`."""

    order_id: strawberry.ID = strawberry.field(description="Which order.")
    reason: str = strawberry.field(default="", description="Why, in up to 500 characters.")


@strawberry.type
class OrderPayload(Payload):
    """What every mutation of an order answers with."""

    @strawberry.field(description="The order with this change in it; null when it was refused.")
    async def order(self, info: Info) -> Order | None:
        """Waits for the read model, only where it is asked for."""
        return cast("Order | None", await self.read_back(info, orders))


@strawberry.type(description="What came of `placeOrder`.")
class PlaceOrderPayload(OrderPayload):
    """The new order."""


@strawberry.type(description="What came of `payOrder`.")
class PayOrderPayload(OrderPayload):
    """The order, paid."""


@strawberry.type(description="What came of `shipOrder`.")
class ShipOrderPayload(OrderPayload):
    """The order, shipped."""


@strawberry.type(description="What came of `cancelOrder`.")
class CancelOrderPayload(OrderPayload):
    """The order, called off."""


@strawberry.type
class OrdersMutation:
    """Mutations of orders."""

    @strawberry.mutation(description="Places an order and reserves its stock, or says all that is short.")
    async def place_order(self, info: Info, input: Input[PlaceOrderInput]) -> PlaceOrderPayload | None:
        """Becomes `PlaceOrder`."""
        return await send(info, PlaceOrderPayload, "order", input.command_id, input.command)

    @strawberry.mutation(description="Notes that a placed order is paid.")
    async def pay_order(self, info: Info, input: Input[PayOrderInput]) -> PayOrderPayload | None:
        """Becomes `PayOrder`."""
        return await send(
            info,
            PayOrderPayload,
            "order",
            input.command_id,
            lambda: PayOrder(
                order_id=key_of("Order", input.order_id, ("order_id",)),
                expected_version=input.expected_version,
            ),
        )

    @strawberry.mutation(description="Sends a paid order; its stock leaves the warehouse.")
    async def ship_order(self, info: Info, input: Input[ShipOrderInput]) -> ShipOrderPayload | None:
        """Becomes `ShipOrder`."""
        return await send(
            info,
            ShipOrderPayload,
            "order",
            input.command_id,
            lambda: ShipOrder(
                order_id=key_of("Order", input.order_id, ("order_id",)),
                expected_version=input.expected_version,
            ),
        )

    @strawberry.mutation(description="Calls off an order that is not shipped; its stock is available again.")
    async def cancel_order(self, info: Info, input: Input[CancelOrderInput]) -> CancelOrderPayload | None:
        """Becomes `CancelOrder`."""
        return await send(
            info,
            CancelOrderPayload,
            "order",
            input.command_id,
            lambda: CancelOrder(
                order_id=key_of("Order", input.order_id, ("order_id",)),
                reason=input.reason,
                expected_version=input.expected_version,
            ),
        )
