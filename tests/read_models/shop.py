"""A small shop's events, with everything filled in that a test does not care about, and their record."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Event
from app.domain.catalog.events import PriceChanged, ProductAdded, ProductDiscontinued, ProductUpdated
from app.domain.customers.events import (
    CustomerClosed,
    CustomerDetails,
    CustomerRegistered,
    CustomerUpdated,
)
from app.domain.orders.events import (
    Delivery,
    OrderCancelled,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderShipped,
)
from app.domain.stock.events import (
    StockAdjusted,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
)
from app.values import Money, PostalAddress, Quantity, Sku

TEA, COFFEE = UUID(int=1), UUID(int=2)
ADA, BOB = UUID(int=11), UUID(int=12)
ORDER, LATER_ORDER = UUID(int=21), UUID(int=22)

OPENING = datetime(2026, 1, 31, 9, tzinfo=UTC)
HOME = PostalAddress(street="12 St James's Square", city="London", country="UK")
DETAILS = CustomerDetails(
    name="Ada Lovelace",
    company="Analytical Engines",
    email="ada@engines.example",
    phone="+44 20 1843",
    address=HOME,
)

KINDS = {"catalog": "product", "stock": "stock", "customers": "customer", "orders": "order"}


class History:
    """Records events as the log does: one minute, one position and one command after the other."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self._versions: Counter[str] = Counter()

    def record(self, *events: Event) -> list[RecordedEvent]:
        """The envelopes of `events`, which follow all that was recorded before."""
        recorded = [self._envelope(position, event) for position, event in enumerate(events, self._next)]
        self.events += recorded
        return recorded

    @property
    def _next(self) -> int:
        return len(self.events) + 1

    def _envelope(self, position: int, event: Event) -> RecordedEvent:
        stream = stream_of(event)
        self._versions[stream] += 1
        return RecordedEvent(
            position=position,
            event_id=UUID(int=1000 + position),
            stream=stream,
            stream_version=self._versions[stream],
            type=type(event).__name__,
            occurred_at=moment(position),
            command_id=UUID(int=2000 + position),
            correlation_id=UUID(int=3000 + position),
            causation_id=UUID(int=2000 + position),
            actor="clerk",
            event=event,
        )


def stream_of(event: Event) -> str:
    """The stream of a shop's event; `thing-1` for events that only a test knows."""
    context = type(event).__module__.removeprefix("app.domain.").partition(".")[0]
    kind = KINDS.get(context, "thing")
    name = "product_id" if kind == "stock" else f"{kind}_id"
    return f"{kind}-{getattr(event, name, 1)}"


def moment(position: int) -> datetime:
    """When the event at `position` occurred."""
    return OPENING + timedelta(minutes=position)


def usd(amount: str) -> dict[str, Any]:
    """Money as documents hold it."""
    return {"amount": Decimal(amount), "currency_code": "USD"}


def money(amount: str) -> Money:
    return Money(Decimal(amount))


def product_added(product_id: UUID = TEA, **given: Any) -> ProductAdded:
    described: dict[str, Any] = {
        "sku": Sku("TEA-1"),
        "name": "Green Tea",
        "category": "Beverages",
        "description": "From Uji",
        "packaging": "20 bags",
        "unit_price": money("18.00"),
    }
    return ProductAdded(product_id=product_id, **described | given)


def product_updated(product_id: UUID = TEA, **given: Any) -> ProductUpdated:
    described: dict[str, Any] = {
        "sku": Sku("TEA-2"),
        "name": "Thé vert",
        "category": "Hot drinks",
        "description": "",
        "packaging": "25 bags",
    }
    return ProductUpdated(product_id=product_id, **described | given)


def price_changed(to: str, product_id: UUID = TEA) -> PriceChanged:
    return PriceChanged(product_id=product_id, unit_price=money(to), previous_price=money("18.00"))


def product_discontinued(product_id: UUID = TEA) -> ProductDiscontinued:
    return ProductDiscontinued(product_id=product_id)


def stock_received(quantity: int, on_hand: int, reserved: int = 0, product_id: UUID = TEA) -> StockReceived:
    return StockReceived(product_id=product_id, quantity=quantity, on_hand=on_hand, reserved=reserved)


def stock_adjusted(change: int, on_hand: int, reserved: int = 0, product_id: UUID = TEA) -> StockAdjusted:
    return StockAdjusted(
        product_id=product_id, change=change, reason="Ada broke it", on_hand=on_hand, reserved=reserved
    )


def stock_reserved(quantity: int, on_hand: int, reserved: int, product_id: UUID = TEA) -> StockReserved:
    return StockReserved(
        product_id=product_id, order_id=ORDER, quantity=quantity, on_hand=on_hand, reserved=reserved
    )


def stock_released(quantity: int, on_hand: int, reserved: int, product_id: UUID = TEA) -> StockReleased:
    return StockReleased(
        product_id=product_id, order_id=ORDER, quantity=quantity, on_hand=on_hand, reserved=reserved
    )


def stock_shipped(quantity: int, on_hand: int, reserved: int, product_id: UUID = TEA) -> StockShipped:
    return StockShipped(
        product_id=product_id, order_id=ORDER, quantity=quantity, on_hand=on_hand, reserved=reserved
    )


def customer_registered(customer_id: UUID = ADA, personal: CustomerDetails = DETAILS) -> CustomerRegistered:
    return CustomerRegistered(customer_id=customer_id, personal=personal)


def customer_updated(customer_id: UUID = ADA, **personal: Any) -> CustomerUpdated:
    return CustomerUpdated(customer_id=customer_id, personal=CustomerDetails(**personal))


def customer_closed(customer_id: UUID = ADA) -> CustomerClosed:
    return CustomerClosed(customer_id=customer_id)


def line(
    product_id: UUID = TEA,
    *,
    quantity: int = 2,
    total: str = "32.40",
    discount: str = "0.1",
    category: str = "Beverages",
) -> OrderLine:
    return OrderLine(
        product_id=product_id,
        sku=Sku(f"SKU-{product_id.int}"),
        title=f"Product {product_id.int}",
        category=category,
        packaging="20 bags",
        unit_price=money("18.00"),
        quantity=Quantity(quantity),
        discount=Decimal(discount),
        total=money(total),
    )


LINES = (line(), line(COFFEE, quantity=1, total="18.00", discount="0", category="Coffee"))


def order_placed(
    order_id: UUID = ORDER,
    *,
    customer_id: UUID = ADA,
    lines: Sequence[OrderLine] = LINES,
    shipping_fee: str = "4.50",
    placed_at: datetime = OPENING,
    name: str = DETAILS.name,
) -> OrderPlaced:
    fee = money(shipping_fee)
    return OrderPlaced(
        order_id=order_id,
        customer_id=customer_id,
        lines=tuple(lines),
        shipping_fee=fee,
        total=sum((line.total for line in lines), fee),
        placed_at=placed_at,
        personal=Delivery(customer_name=name, company=DETAILS.company, ship_to=HOME),
    )


def order_paid(order: OrderPlaced, at: datetime | None = None) -> OrderPaid:
    return OrderPaid(
        order_id=order.order_id, customer_id=order.customer_id, placed_at=order.placed_at, paid_at=at
    )


def order_shipped(order: OrderPlaced, at: datetime | None = None) -> OrderShipped:
    return OrderShipped(
        order_id=order.order_id, customer_id=order.customer_id, placed_at=order.placed_at, shipped_at=at
    )


def order_cancelled(order: OrderPlaced, reason: str = "changed my mind") -> OrderCancelled:
    return OrderCancelled(
        order_id=order.order_id,
        customer_id=order.customer_id,
        reason=reason,
        lines=order.lines,
        shipping_fee=order.shipping_fee,
        total=order.total,
        placed_at=order.placed_at,
    )
