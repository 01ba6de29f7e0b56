from typing import Annotated
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command
from app.values import PostalAddress


class RegisterCustomer(Command):
    """Makes someone known who may order."""

    name: Annotated[str, "Up to 200 characters."]
    company: Annotated[str | None, "Up to 200 characters."] = None
    email: Annotated[str | None, "Unique, where it is given."] = None
    phone: Annotated[str | None, "Up to 50 characters."] = None
    address: Annotated[PostalAddress | None, "Where parcels go."] = None


class UpdateCustomer(Command):
    """Changes a customer's details."""

    customer_id: Annotated[UUID, Id("customer"), "Which customer."]
    name: Annotated[str | UnsetType, "Up to 200 characters; can't be removed."] = UNSET
    company: Annotated[str | UnsetType | None, "Up to 200 characters."] = UNSET
    email: Annotated[str | UnsetType | None, "Unique."] = UNSET
    phone: Annotated[str | UnsetType | None, "Up to 50 characters."] = UNSET
    address: Annotated[PostalAddress | UnsetType | None, "Where parcels go; replaces the whole address."] = (
        UNSET
    )
    expected_version: int | None = None


class CloseCustomer(Command):
    """Ends the business with a customer, and drops their personal data."""

    customer_id: Annotated[UUID, Id("customer"), "Which customer."]
    expected_version: int | None = None
