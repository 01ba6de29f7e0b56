from typing import Annotated
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command
from app.values import PostalAddress


class RegisterCustomer(Command):
    """Registers a customer, who can then place orders."""

    name: Annotated[str, "The name, 1 to 200 characters."]
    company: Annotated[str | None, "The company, up to 200 characters."] = None
    email: Annotated[str | None, "The e-mail address, up to 254 characters, unique among customers."] = None
    phone: Annotated[str | None, "The phone number, up to 50 characters."] = None
    address: Annotated[
        PostalAddress | None, "The postal address, to which orders are shipped by default."
    ] = None


class UpdateCustomer(Command):
    """Changes the details of a customer."""

    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer."]
    name: Annotated[str | UnsetType, "The new name, 1 to 200 characters. It can't be removed."] = UNSET
    company: Annotated[str | UnsetType | None, "The new company, up to 200 characters."] = UNSET
    email: Annotated[
        str | UnsetType | None, "The new e-mail address, up to 254 characters, unique among customers."
    ] = UNSET
    phone: Annotated[str | UnsetType | None, "The new phone number, up to 50 characters."] = UNSET
    address: Annotated[
        PostalAddress | UnsetType | None, "The new postal address, which replaces the whole previous one."
    ] = UNSET
    expected_version: int | None = None


class CloseCustomer(Command):
    """Closes a customer: they can't order any more, and read models drop their personal data.

    Their open orders can still be paid, shipped and cancelled, but read models drop the shipping address of
    these, too. Ship or cancel the open orders first if the address is needed.
    """

    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer."]
    expected_version: int | None = None


class ForgetCustomer(Command):
    """Forgets a customer for good: closes the account, and destroys the key of their personal data."""

    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer."]
    despite_open_orders: Annotated[
        bool,
        "True if the customer may have orders that are neither shipped nor cancelled; these lose their "
        "shipping address.",
    ] = False
    expected_version: int | None = None
