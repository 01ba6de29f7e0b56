"""What happens to a customer. Personal data stands in one place: the field `personal`."""

from dataclasses import dataclass
from uuid import UUID

from app.cqrs.messages import Event
from app.values import PostalAddress


@dataclass(frozen=True, kw_only=True)
class CustomerDetails:
    """Who a customer is: personal data."""

    name: str
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    address: PostalAddress | None = None


class CustomerRegistered(Event):
    """Someone may order."""

    customer_id: UUID
    personal: CustomerDetails


class CustomerUpdated(Event):
    """A customer's details have changed: all of them as they are now."""

    customer_id: UUID
    personal: CustomerDetails


class CustomerClosed(Event):
    """The business with a customer has ended; their personal data is to be dropped."""

    customer_id: UUID
