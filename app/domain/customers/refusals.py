from uuid import UUID

from app.cqrs.commands.outcomes import CommandError


class DuplicateEmail(CommandError):
    """Another customer has this e-mail address."""

    code = "DUPLICATE_EMAIL"
    email: str
    customer_id: UUID


class CustomerIsClosed(CommandError):
    """The business with this customer has ended."""

    code = "CUSTOMER_CLOSED"
    customer_id: UUID
