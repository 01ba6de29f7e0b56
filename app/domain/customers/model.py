"""The rules about customers: pure functions from a customer and a command to events or a refusal."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError, Decision, refused
from app.cqrs.commands.parsing import Parsing
from app.cqrs.messages import Event
from app.domain.customers.commands import CloseCustomer, ForgetCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.events import (
    CustomerClosed,
    CustomerDetails,
    CustomerForgotten,
    CustomerRegistered,
    CustomerUpdated,
)
from app.domain.customers.refusals import CustomerHasOpenOrders, CustomerIsClosed, DuplicateEmail
from app.values import ADDRESS, PostalAddress, email, optional, text

DETAILS = {
    "name": text(200, at_least=1),
    "company": optional(text(200)),
    "email": optional(email),
    "phone": optional(text(50)),
}
"""The parsers of a customer's details, by field; those of the address are in `ADDRESS`."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """The state of a customer that the rules need; of a closed one only id and version remain."""

    id: UUID
    version: int
    details: CustomerDetails | None
    """`None` once the customer is closed, because the personal data is then deleted."""


def register(command: RegisterCustomer, customer_id: UUID, holder: UUID | None) -> Decision:
    """Decide to register a customer; `holder` is the id of the customer who has the e-mail address."""
    parsing = Parsing()
    details = CustomerDetails(**_detailed(parsing, command))
    if problems := (*parsing.problems, *_taken(command, customer_id, holder)):
        return refused(*problems)
    return (CustomerRegistered(customer_id=customer_id, personal=details),)


def update(customer: Customer, command: UpdateCustomer, _now: datetime, *, holder: UUID | None) -> Decision:
    """Decide to change the details of a customer who is not closed; return no event if nothing differs."""
    if customer.details is None:
        return refused(closed(customer))
    parsing = Parsing()
    details = replace(customer.details, **_detailed(parsing, command))
    if problems := (*parsing.problems, *_taken(command, customer.id, holder)):
        return refused(*problems)
    if details == customer.details:
        return ()
    return (CustomerUpdated(customer_id=customer.id, personal=details),)


def close(customer: Customer, _command: CloseCustomer, _now: datetime) -> Decision:
    """Decide to close a customer; return no event if the customer is closed."""
    return (CustomerClosed(customer_id=customer.id),) if customer.details else ()


def forget(
    customer: Customer, _command: ForgetCustomer, _now: datetime, *, forgotten: bool, open_orders: int
) -> Decision:
    """Decide to forget a customer, and to close the account before; return no event if that was done."""
    if forgotten:
        return ()
    if open_orders:
        orders, them = (
            ("1 order that is", "it") if open_orders == 1 else (f"{open_orders} orders that are", "them")
        )
        message = (
            f"This customer has {orders} neither shipped nor cancelled. Ship or cancel {them} first, or set "
            "despiteOpenOrders."
        )
        return refused(CustomerHasOpenOrders(message=message, open_orders=open_orders, path=("customer_id",)))
    closing = (CustomerClosed(customer_id=customer.id),) if customer.details else ()
    return (*closing, CustomerForgotten(customer_id=customer.id))


def evolve(customer: Customer | None, event: Event) -> Customer:
    """Return the customer after `event`."""
    match customer, event:
        case None, CustomerRegistered():
            return Customer(id=event.customer_id, version=1, details=event.personal)
        case Customer(), CustomerUpdated():
            return replace(customer, version=customer.version + 1, details=event.personal)
        case Customer(), CustomerClosed() | CustomerForgotten():
            return replace(customer, version=customer.version + 1, details=None)
    raise TypeError(f"{type(event).__name__} can't happen to {customer}")


def closed(customer: Customer) -> CustomerIsClosed:
    """Return the refusal to let a closed customer order or be changed."""
    message = "This customer is closed, and can neither order nor be changed. Register the customer again."
    return CustomerIsClosed(message=message, customer_id=customer.id, path=("customer_id",))


def _detailed(parsing: Parsing, command: RegisterCustomer | UpdateCustomer) -> dict[str, Any]:
    details = parsing.fields(command, DETAILS)
    if isinstance(command.address, PostalAddress):
        details["address"] = PostalAddress(**parsing.fields(command.address, ADDRESS, ("address",)))
    elif command.address is None:
        details["address"] = None
    return details


def _taken(
    command: RegisterCustomer | UpdateCustomer, customer_id: UUID, holder: UUID | None
) -> tuple[CommandError, ...]:
    if holder in (None, customer_id):
        return ()
    address = str(command.email).strip()
    message = f"Another customer has the e-mail address {address}. Use that customer, or omit the address."
    return (DuplicateEmail(message=message, email=address, customer_id=holder, path=("email",)),)
