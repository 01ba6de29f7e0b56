from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.domain.orders.status import OrderStatus


class IllegalTransition(CommandError):
    """The order has come too far, or not far enough, for what was asked."""

    code = "ILLEGAL_TRANSITION"
    order_id: UUID
    status: OrderStatus
    """Where the order is."""
    requested_status: OrderStatus
    """Where the command would have brought it."""
