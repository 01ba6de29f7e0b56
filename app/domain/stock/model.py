"""The rules of the warehouse: what is there, what is set aside, and that neither is ever negative."""

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
"""How many units of one product the warehouse holds."""


@dataclass(frozen=True, kw_only=True)
class Stock:
    """The units of one product; every product has a stock, empty before its first delivery."""

    id: UUID
    """The product's."""
    version: int = 0
    on_hand: int = 0
    reserved: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.reserved <= self.on_hand:
            raise ValueError(f"{self.reserved} of {self.on_hand} units can't be reserved")

    @property
    def available(self) -> int:
        """The units that can still be ordered."""
        return self.on_hand - self.reserved


def receive(stock: Stock, command: ReceiveStock, _now: datetime) -> Decision:
    """A delivery, as far as the warehouse can hold it."""
    parsing = Parsing()
    received = parsing.value("quantity", quantity, command.quantity)
    if parsing.refusal:
        return parsing.refusal
    on_hand = stock.on_hand + received
    if on_hand > MOST_ON_HAND:
        return refused(_too_high(stock, "quantity"))
    return (StockReceived(product_id=stock.id, quantity=received, on_hand=on_hand, reserved=stock.reserved),)


def adjust(stock: Stock, command: AdjustStock, _now: datetime) -> Decision:
    """A correction, which leaves the reserved units in place."""
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
    """Sets units aside for an order, or says how many there are."""
    if units > stock.available:
        message = f"Only {stock.available} of the {units} units asked for are available. Order fewer."
        return OutOfStock(message=message, product_id=stock.id, requested=units, available=stock.available)
    return StockReserved(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand,
        reserved=stock.reserved + units,
    )


def release(stock: Stock, order_id: UUID, units: int) -> StockReleased:
    """Makes an order's units available again."""
    return StockReleased(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand,
        reserved=stock.reserved - units,
    )


def ship(stock: Stock, order_id: UUID, units: int) -> StockShipped:
    """Takes an order's units out of the warehouse."""
    return StockShipped(
        product_id=stock.id,
        order_id=order_id,
        quantity=units,
        on_hand=stock.on_hand - units,
        reserved=stock.reserved - units,
    )


def evolve(stock: Stock | None, event: Event) -> Stock:
    """The stock after `event`."""
    match event:
        case StockReceived() | StockAdjusted() | StockReserved() | StockReleased() | StockShipped():
            version = stock.version + 1 if stock else 1
            return Stock(id=event.product_id, version=version, on_hand=event.on_hand, reserved=event.reserved)
    raise TypeError(f"{type(event).__name__} can't happen to {stock}")


_REASON = text(500, at_least=1)


def _change(units: int) -> int:
    if units == 0 or abs(units) > MOST_UNITS:
        raise ValueError(f"must be between 1 and {MOST_UNITS} units, up or down")
    return units


def _too_low(stock: Stock) -> CommandError:
    message = (
        f"There are {stock.on_hand} units on hand and {stock.reserved} of them are reserved: "
        f"at most {stock.available} can be taken away."
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
        f"The warehouse holds {MOST_ON_HAND} units of a product: "
        f"at most {MOST_ON_HAND - stock.on_hand} more can be added."
    )
    return StockTooHigh(
        message=message, product_id=stock.id, on_hand=stock.on_hand, limit=MOST_ON_HAND, path=(field,)
    )
