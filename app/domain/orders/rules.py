"""Senders of the commands of orders."""

from app.cqrs.commands.outcomes import Refused
from app.cqrs.commands.rules import CustomerOf, NamingTheir, Rules, customers_or, naming_themselves, only
from app.cqrs.viewers import Sight, Viewer
from app.domain.orders import model
from app.domain.orders.commands import CancelOrder, PayOrder, PlaceOrder, ShipOrder

_for_themselves = naming_themselves("customer")
_of_theirs = NamingTheir("order")


async def on_usual_terms(command: PlaceOrder, viewer: Viewer, customer_of: CustomerOf) -> Refused | None:
    """Refuse a customer's order for somebody else, or on terms that only staff may set."""
    return await _for_themselves(command, viewer, customer_of) or model.unusual_terms(command)


async def without_a_time(command: CancelOrder, viewer: Viewer, customer_of: CustomerOf) -> Refused | None:
    """Refuse a customer's cancellation of somebody else's order, or at a time that only staff may state."""
    return await _of_theirs(command, viewer, customer_of) or model.unusual_time(command)


RULES: Rules = {
    PlaceOrder: customers_or(Sight.STAFF, on_usual_terms),
    PayOrder: only(Sight.STAFF),
    ShipOrder: only(Sight.STAFF),
    CancelOrder: customers_or(Sight.STAFF, without_a_time),
}
