"""The rules of orders: pure functions from an order and a command to events or a refusal."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError, Decision, NotAllowed, Path, Refused, not_found, refused
from app.cqrs.commands.parsing import Parsers, Parsing
from app.cqrs.messages import Event
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.events import (
    Delivery,
    OrderCancelled,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderShipped,
)
from app.domain.orders.market import Buyer, Offer
from app.domain.orders.moments import moment, step
from app.domain.orders.refusals import IllegalTransition
from app.domain.orders.status import OrderStatus
from app.values import ADDRESS, Money, PostalAddress, Quantity, discount, price, quantity, text

MOST_LINES = 100

ALLOWED_FROM = {
    OrderStatus.PAID: (OrderStatus.PLACED,),
    OrderStatus.SHIPPED: (OrderStatus.PAID,),
    OrderStatus.CANCELLED: (OrderStatus.PLACED, OrderStatus.PAID),
}
"""By status: the statuses from which an order may reach it."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The state of an order that the rules need; the personal data is in `OrderPlaced` only."""

    id: UUID
    version: int
    customer_id: UUID
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    shipping_fee: Money
    total: Money
    placed_at: datetime
    since: datetime
    """The time at which the order reached its status, as far as that is known."""

    @property
    def units(self) -> Mapping[UUID, int]:
        """The number of units of each product on all lines, by product id."""
        units: Counter[UUID] = Counter()
        for line in self.lines:
            units[line.product_id] += line.quantity
        return units


@dataclass(frozen=True, kw_only=True)
class DraftLine:
    """A line of a draft."""

    product_id: UUID
    quantity: Quantity
    discount: Decimal


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A parsed `PlaceOrder`, to be decided on with the customer's and the products' current data."""

    customer_id: UUID
    lines: tuple[DraftLine, ...]
    shipping_fee: Money
    ship_to: PostalAddress | None
    placed_at: datetime


def draft(command: PlaceOrder, now: datetime) -> Draft | Refused:
    """Parse a command; return a refusal with all its problems before anything is loaded."""
    parsing = Parsing()
    to = command.ship_to
    order = Draft(
        customer_id=command.customer_id,
        lines=_lines(parsing, command.lines),
        shipping_fee=parsing.value("shipping_fee", price, command.shipping_fee, command.currency_code),
        ship_to=PostalAddress(**parsing.fields(to, ADDRESS, ("ship_to",))) if to else None,
        placed_at=parsing.value("placed_at", moment, command.placed_at, now),
    )
    return parsing.refusal or order


def unusual_terms(command: PlaceOrder) -> Refused | None:
    """Return the refusal of terms that customers may not set for their own orders, or `None`."""
    paths = list[Path]()
    paths += [("lines", index, "discount") for index, line in enumerate(command.lines) if line.discount]
    if command.shipping_fee:
        paths.append(("shipping_fee",))
    if command.placed_at is not None:
        paths.append(("placed_at",))
    if not paths:
        return None
    return refused(*(NotAllowed(message=_FOR_STAFF, path=path) for path in paths[:MOST_LINES]))


def unusual_time(command: CancelOrder) -> Refused | None:
    """Return the refusal of a time that customers may not state for their own orders, or `None`."""
    if command.cancelled_at is None:
        return None
    return refused(NotAllowed(message=_FOR_STAFF, path=("cancelled_at",)))


def place(draft: Draft, order_id: UUID, buyer: Buyer | None, offers: Mapping[UUID, Offer]) -> Decision:
    """Decide to place an order at current prices, or refuse it with all objections."""
    objections = tuple(_objections(draft, buyer, offers))
    if buyer is None or objections:
        return refused(*objections)
    lines = tuple(_line(line, offers[line.product_id]) for line in draft.lines)
    return (
        OrderPlaced(
            order_id=order_id,
            customer_id=draft.customer_id,
            lines=lines,
            shipping_fee=draft.shipping_fee,
            total=sum((line.total for line in lines), draft.shipping_fee),
            placed_at=draft.placed_at,
            personal=Delivery(
                customer_name=buyer.name,
                company=buyer.company,
                ship_to=draft.ship_to or buyer.address,
            ),
        ),
    )


def pay(order: Order, command: PayOrder, now: datetime) -> Decision:
    """Decide to mark a placed order as paid."""
    if refusal := _illegal(order, OrderStatus.PAID):
        return refused(refusal)
    parsing = Parsing()
    at = parsing.value("paid_at", step, command.paid_at, now, order.since, order.status)
    return parsing.refusal or (
        OrderPaid(order_id=order.id, customer_id=order.customer_id, placed_at=order.placed_at, paid_at=at),
    )


def ship(order: Order, command: ShipOrder, now: datetime) -> Decision:
    """Decide to ship a paid order."""
    if refusal := _illegal(order, OrderStatus.SHIPPED):
        return refused(refusal)
    parsing = Parsing()
    at = parsing.value("shipped_at", step, command.shipped_at, now, order.since, order.status)
    return parsing.refusal or (
        OrderShipped(
            order_id=order.id, customer_id=order.customer_id, placed_at=order.placed_at, shipped_at=at
        ),
    )


def cancel(order: Order, command: CancelOrder, now: datetime) -> Decision:
    """Decide to cancel an order that is not shipped."""
    parsing = Parsing()
    reason = parsing.value("reason", _REASON, command.reason)
    if not parsing.refusal and (refusal := _illegal(order, OrderStatus.CANCELLED)):
        return refused(refusal)
    at = parsing.value("cancelled_at", step, command.cancelled_at, now, order.since, order.status)
    if parsing.refusal:
        return parsing.refusal
    return (
        OrderCancelled(
            order_id=order.id,
            customer_id=order.customer_id,
            reason=reason,
            lines=order.lines,
            shipping_fee=order.shipping_fee,
            total=order.total,
            placed_at=order.placed_at,
            cancelled_at=at,
        ),
    )


def evolve(order: Order | None, event: Event) -> Order:
    """Return the order after `event`."""
    match order, event:
        case None, OrderPlaced():
            return Order(
                id=event.order_id,
                version=1,
                customer_id=event.customer_id,
                status=OrderStatus.PLACED,
                lines=event.lines,
                shipping_fee=event.shipping_fee,
                total=event.total,
                placed_at=event.placed_at,
                since=event.placed_at,
            )
        case Order(), OrderPaid(paid_at=at):
            return _reached(order, OrderStatus.PAID, at)
        case Order(), OrderShipped(shipped_at=at):
            return _reached(order, OrderStatus.SHIPPED, at)
        case Order(), OrderCancelled(cancelled_at=at):
            return _reached(order, OrderStatus.CANCELLED, at)
    raise TypeError(f"{type(event).__name__} can't happen to {order}")


def line_that_runs_short(lines: tuple[DraftLine, ...], product_id: UUID, available: int) -> int:
    """Return the index of the first line whose units, with those of earlier lines, exceed `available`."""
    for index, line in enumerate(lines):
        if line.product_id == product_id:
            available -= line.quantity
            if available < 0:
                return index
    raise ValueError(f"no line runs short of {product_id}")


_FOR_STAFF = "Only staff and operators may set this for an order. Leave it out."
_REASON = text(500)
_LINE: Parsers = {"quantity": quantity, "discount": discount}


def _lines(parsing: Parsing, lines: tuple[LineRequest, ...]) -> tuple[DraftLine, ...]:
    parsing.value("lines", _line_count, len(lines))
    if parsing.problems:  # A command with too many lines would get too many problems.
        return ()
    return tuple(
        DraftLine(product_id=line.product_id, **parsing.fields(line, _LINE, ("lines", index)))
        for index, line in enumerate(lines)
    )


def _line_count(lines: int) -> None:
    if not 1 <= lines <= MOST_LINES:
        raise ValueError(f"must be 1 to {MOST_LINES} lines; there are {lines}")


def _reached(order: Order, status: OrderStatus, at: datetime | None) -> Order:
    return replace(order, version=order.version + 1, status=status, since=at or order.since)


def _objections(draft: Draft, buyer: Buyer | None, offers: Mapping[UUID, Offer]) -> Iterator[CommandError]:
    if buyer is None:
        yield not_found("customer", draft.customer_id, "customer_id")
    elif buyer.objection:
        yield replace(buyer.objection, path=("customer_id",))
    for index, line in enumerate(draft.lines):
        path = ("lines", index, "product_id")
        if line.product_id not in offers:
            yield not_found("product", line.product_id, *path)
        elif objection := offers[line.product_id].objection:
            yield replace(objection, path=path)


def _line(drafted: DraftLine, offer: Offer) -> OrderLine:
    share = 1 - drafted.discount
    return OrderLine(
        product_id=drafted.product_id,
        sku=offer.sku,
        title=offer.title,
        category=offer.category,
        packaging=offer.packaging,
        unit_price=offer.unit_price,
        quantity=drafted.quantity,
        discount=drafted.discount,
        total=Money.rounded(offer.unit_price.amount * drafted.quantity * share),
    )


def _illegal(order: Order, requested: OrderStatus) -> IllegalTransition | None:
    allowed = ALLOWED_FROM[requested]
    if order.status in allowed:
        return None
    required = " or ".join(status.value.lower() for status in allowed)
    message = (
        f"This order is {order.status.value.lower()}; "
        f"only an order that is {required} can be {requested.value.lower()}."
    )
    return IllegalTransition(
        message=message,
        order_id=order.id,
        status=order.status,
        requested_status=requested,
        path=("order_id",),
    )
