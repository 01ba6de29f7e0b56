from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id
from app.domain.orders.status import OrderStatus


class IllegalTransition(CommandError):
    """The current status of the order does not allow the command."""

    code = "ILLEGAL_TRANSITION"
    order_id: Annotated[UUID, Id("order"), "The global id of the order."]
    status: Annotated[OrderStatus, "The current status of the order."]
    requested_status: Annotated[OrderStatus, "The status that the command asked for."]
