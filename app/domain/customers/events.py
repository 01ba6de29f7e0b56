"""The events of customers. All personal data is in the field `personal`."""

from dataclasses import dataclass
from uuid import UUID

from app.cqrs.messages import Event
from app.values import PostalAddress


@dataclass(frozen=True, kw_only=True)
class CustomerDetails:
    """The personal data of a customer."""

    name: str
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    address: PostalAddress | None = None


class CustomerRegistered(Event):
    """A customer was registered."""

    personal_fields = ("personal",)

    customer_id: UUID
    personal: CustomerDetails


class CustomerUpdated(Event):
    """A customer's details were changed; the event has all details, also unchanged ones."""

    personal_fields = ("personal",)

    customer_id: UUID
    personal: CustomerDetails


class CustomerClosed(Event):
    """A customer was closed; read models delete their personal data."""

    personal_fields = ()

    customer_id: UUID
