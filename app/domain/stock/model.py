"""The rules of the warehouse: neither the units on hand nor the available ones ever become negative."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError, Decision, refused
from app.cqrs.commands.parsing import Parsing
from app.cqrs.messages import Event
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.events import StockAdjusted, StockReceived, StockReleased, StockReserved, StockShipped
from app.domain.stock.refusals import OutOfStock, StockTooHigh, StockTooLow
from app.values import MOST_UNITS, quantity, text

MOST_ON_HAND = 1_000_000_000
"""The largest number of units of one product that the warehouse can hold."""


@dataclass(frozen=True, kw_only=True)
class Stock:
    """The units of one product; every product has a stock, which is empty before the first delivery."""

    id: UUID
    """The product's id."""
    version: int = 0
    on_hand: int = 0
    reserved: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.reserved <= self.on_hand:
            raise ValueError(
                f"{self.reserved} of {self.on_hand} units of product {self.id} can't be reserved"
            )

    @property
    def available(self) -> int:
        """The number of units that can be ordered."""
        return self.on_hand - self.reserved


def receive(stock: Stock, command: ReceiveStock, _now: datetime) -> Decision:
    """Decide to take in a delivery, unless the warehouse can't hold it."""
    parsing = Parsing()
    received = parsing.value("quantity", quantity, command.quantity)
    if parsing.refusal:
        return parsing.refusal
    on_hand = stock.on_hand + received
    if on_hand > MOST_ON_HAND:
        return refused(_too_high(stock, "quantity"))
    return (StockReceived(product_id=stock.id, quantity=received, on_hand=on_hand, reserved=stock.reserved),)


def adjust(stock: Stock, command: AdjustStock, _now: datetime) -> Decision:
    """Decide to correct the units on hand, unless fewer than the reserved units would remain."""
    parsing = Parsing()
    change = parsing.value("change", _change, command.change)
    reason = parsing.value("reason", _REASON, command.reason)
    if parsing.refusal:
        return parsing.refusal
    on_hand = stock.on_hand + change
    if on_hand < stock.reserved:
        return refused(_too_low(stock))
    if on_hand > MOST_ON_HAND:
        return refused(_too_high(stock, "change"))
    return (
        StockAdjusted(
            product_id=stock.id,
            change=change,
            reason=reason,
            on_hand=on_hand,
            reserved=stock.reserved,
        ),
    )


def reserve(stock: Stock, order_id: UUID, units: int) -> StockReserved | OutOfStock:
    """Reserve units for an order, or return an `OutOfStock` with the number of available units."""
    if units > stock.available:
        message = f"Only {stock.available} of the {units} requested units are available. Order fewer."
        return OutOfStock(message=message, product_id=stock.id, requested=units, available=stock.available)
    return StockReserved(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand,
        reserved=stock.reserved + units,
    )


def release(stock: Stock, order_id: UUID, units: int) -> StockReleased:
    """Release an order's reserved units."""
    return StockReleased(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand,
        reserved=stock.reserved - units,
    )


def ship(stock: Stock, order_id: UUID, units: int) -> StockShipped:
    """Take an order's reserved units out of the warehouse."""
    return StockShipped(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand - units,
        reserved=stock.reserved - units,
    )


def evolve(stock: Stock | None, event: Event) -> Stock:
    """Return the stock after `event`."""
    match event:
        case StockReceived() | StockAdjusted() | StockReserved() | StockReleased() | StockShipped():
            version = stock.version + 1 if stock else 1
            return Stock(id=event.product_id, version=version, on_hand=event.on_hand, reserved=event.reserved)
    raise TypeError(f"{type(event).__name__} can't happen to {stock}")


_REASON = text(500, at_least=1)


def _change(units: int) -> int:
    if units == 0 or abs(units) > MOST_UNITS:
        raise ValueError(f"must be 1 to {MOST_UNITS} units more or fewer; it is {units}")
    return units


def _too_low(stock: Stock) -> CommandError:
    message = (
        f"{stock.on_hand} units are on hand, and {stock.reserved} of them are reserved: "
        f"remove at most {stock.available}."
    )
    return StockTooLow(
        message=message,
        product_id=stock.id,
        on_hand=stock.on_hand,
        reserved=stock.reserved,
        path=("change",),
    )


def _too_high(stock: Stock, field: str) -> CommandError:
    message = (
        f"The warehouse can hold {MOST_ON_HAND} units of a product, and {stock.on_hand} are on hand: "
        f"add at most {MOST_ON_HAND - stock.on_hand}."
    )
    return StockTooHigh(
        message=message, product_id=stock.id, on_hand=stock.on_hand, limit=MOST_ON_HAND, path=(field,)
    )
