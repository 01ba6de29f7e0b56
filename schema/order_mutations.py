"""Mutations of orders."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.cqrs.message_fields import description_of
from app.domain.orders import refusals
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.rules import RULES
from app.read_models.order_details import orders_of_customer
from app.read_models.order_list import OrderOrder, order_page
from schema.circle.commands.mutations import mutations
from schema.circle.commands.payloads import ListedIn, Lists
from schema.circle.commands.sending import CommandInput
from schema.circle.ids import key_of
from schema.circle.parts import Part
from schema.orders import Order, OrderSummary
from schema.values import AddressInput, MoneyInput


@strawberry.input(description="A line of an order to be placed.")
class OrderLineInput:
    product_id: strawberry.ID = strawberry.field(description=description_of(LineRequest, "product_id"))
    quantity: int = strawberry.field(description=description_of(LineRequest, "quantity"))
    discount: Decimal = strawberry.field(
        default=Decimal(0), description=description_of(LineRequest, "discount")
    )


@strawberry.input(description="The input of the mutation `placeOrder`.")
class PlaceOrderInput(CommandInput):
    customer_id: strawberry.ID = strawberry.field(description=description_of(PlaceOrder, "customer_id"))
    lines: list[OrderLineInput] = strawberry.field(description=description_of(PlaceOrder, "lines"))
    shipping_fee: MoneyInput | None = strawberry.field(
        default=None, description=description_of(PlaceOrder, "shipping_fee")
    )
    ship_to: AddressInput | None = strawberry.field(
        default=None, description=description_of(PlaceOrder, "ship_to")
    )
    placed_at: datetime | None = strawberry.field(
        default=None, description=description_of(PlaceOrder, "placed_at")
    )

    def command(self) -> PlaceOrder:
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


LISTS: Lists = {
    Order: ListedIn(name="`Customer.orders`", listing=orders_of_customer("")),
    OrderSummary: ListedIn(name="`orders`", listing=order_page({}, OrderOrder.PLACED_AT, descending=True)),
}

PART = Part(
    mutation=mutations(
        Order,
        PlaceOrder,
        PayOrder,
        ShipOrder,
        CancelOrder,
        rules=RULES,
        inputs={PlaceOrder: PlaceOrderInput},
        lists=LISTS,
    ),
    refusals=refusals,
)
