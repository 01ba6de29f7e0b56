from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id
from app.domain.orders.status import OrderStatus


class IllegalTransition(CommandError):
    """The order is not in a state in which this can be done."""

    code = "ILLEGAL_TRANSITION"
    order_id: Annotated[UUID, Id("order"), "The order."]
    status: Annotated[OrderStatus, "Its status now."]
    requested_status: Annotated[OrderStatus, "The status that was asked for."]
