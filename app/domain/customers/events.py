"""The events of customers. All personal data is in the field `personal`, which is `None` once forgotten."""

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
    person_field = "customer_id"

    customer_id: UUID
    personal: CustomerDetails | None


class CustomerUpdated(Event):
    """A customer's details were changed; the event has all details, also unchanged ones."""

    personal_fields = ("personal",)
    person_field = "customer_id"

    customer_id: UUID
    personal: CustomerDetails | None


class CustomerClosed(Event):
    """A customer was closed; read models delete their personal data."""

    personal_fields = ()

    customer_id: UUID


class CustomerForgotten(Event):
    """A customer was forgotten: the key of their personal data is destroyed, and nobody can read it again."""

    personal_fields = ()
    person_field = "customer_id"
    forgets = True

    customer_id: UUID
