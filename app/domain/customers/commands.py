from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.messages import Command
from app.values import PostalAddress


class RegisterCustomer(Command):
    """Makes someone known who may order."""

    name: str
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    address: PostalAddress | None = None


class UpdateCustomer(Command):
    """Changes a customer's details; what is left unset stays, `None` removes it."""

    customer_id: UUID
    name: str | UnsetType = UNSET
    company: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    address: PostalAddress | UnsetType | None = UNSET
    expected_version: int | None = None


class CloseCustomer(Command):
    """Ends the business with a customer, who can't order any more."""

    customer_id: UUID
    expected_version: int | None = None
