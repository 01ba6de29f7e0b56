from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class DuplicateEmail(CommandError):
    """The e-mail address belongs to another customer."""

    code = "DUPLICATE_EMAIL"
    email: Annotated[str, "The e-mail address that was sent."]
    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer who has the e-mail address."]


class CustomerHasOpenOrders(CommandError):
    """The customer has orders that are neither shipped nor cancelled, and need the shipping address."""

    code = "CUSTOMER_HAS_OPEN_ORDERS"
    open_orders: Annotated[int, "The number of these orders."]


class CustomerIsClosed(CommandError):
    """The customer is closed, and can neither order nor be changed."""

    code = "CUSTOMER_CLOSED"
    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer."]
