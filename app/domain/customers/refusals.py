from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class DuplicateEmail(CommandError):
    """Another customer has this e-mail address."""

    code = "DUPLICATE_EMAIL"
    email: Annotated[str, "The address."]
    customer_id: Annotated[UUID, Id("customer"), "The customer who has it."]


class CustomerIsClosed(CommandError):
    """The business with this customer has ended."""

    code = "CUSTOMER_CLOSED"
    customer_id: Annotated[UUID, Id("customer"), "The customer."]
